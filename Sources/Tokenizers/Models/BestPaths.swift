// The best ways to cut the beginnings of a word into pieces, one a byte: what Viterbi's walk fills.

/// The best path to each position of a word.
struct BestPaths: Sendable {
    /// The sum of the scores of the best path that ends at each position.
    private(set) var scores: [Double] = []
    /// Where the last piece of that path begins, -1 where no path ends.
    private(set) var starts: [Int32] = []
    /// The id of that piece.
    private(set) var ids: [Int32] = []

    /// The tokens of the path that was traced last, and how many bytes each of them is.
    var tokens: [Int32] = []
    var lengths: [Int32] = []

    /// Makes room for a word of `count` bytes, to which no path leads but to its beginning.
    mutating func begin(_ count: Int) {
        if starts.count <= count {
            scores = [Double](repeating: 0, count: count + 1)
            starts = [Int32](repeating: -1, count: count + 1)
            ids = [Int32](repeating: 0, count: count + 1)
        } else {
            for position in 0...count { starts[position] = -1 }
        }
        scores[0] = 0
        tokens.removeAll(keepingCapacity: true)
        lengths.removeAll(keepingCapacity: true)
    }

    /// Offers a piece that begins at `start` and ends at `end`; of equals the first stays.
    @inline(__always)
    mutating func offer(_ id: Int32, _ start: Int, _ end: Int, score: Double) {
        let sum = score + scores[start]
        guard starts[end] < 0 || sum > scores[end] else { return }
        scores[end] = sum
        starts[end] = Int32(truncatingIfNeeded: start)
        ids[end] = id
    }
}
