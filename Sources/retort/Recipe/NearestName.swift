// Which known name a mistyped one was meant to be.

/// Finds the known name that is nearest to a mistyped one.
enum NearestName {
    /// The name that was cut short, or the nearest by edit distance if near enough to be a slip.
    static func of(_ typed: String, among known: [String]) -> String? {
        let whole = known.filter { $0.hasPrefix(typed) }
        if typed.count >= 3, whole.count == 1 { return whole[0] }
        let nearest = known.min { distance(typed, $0) < distance(typed, $1) }
        guard let nearest, distance(typed, nearest) <= max(2, nearest.count / 3) else {
            return nil
        }
        return nearest
    }

    /// The Levenshtein distance of two names.
    static func distance(_ left: String, _ right: String) -> Int {
        let (left, right) = (Array(left), Array(right))
        var previous = Array(0...right.count)
        for (row, a) in left.enumerated() {
            var current = [row + 1]
            for (column, b) in right.enumerated() {
                current.append(
                    min(
                        previous[column] + (a == b ? 0 : 1), previous[column + 1] + 1,
                        current[column] + 1))
            }
            previous = current
        }
        return previous[right.count]
    }
}
