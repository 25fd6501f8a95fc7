// What becomes of the delimiters when a text is split at them: five ways, as in the reference.

/// What a split does with the scalars that it splits at.
enum DelimiterBehavior: String, Sendable {
    case removed = "Removed"
    case isolated = "Isolated"
    case mergedWithPrevious = "MergedWithPrevious"
    case mergedWithNext = "MergedWithNext"
    case contiguous = "Contiguous"

    init(_ field: JSONField) throws(TokenizerError) {
        let name = try field.string()
        guard let behavior = DelimiterBehavior(rawValue: name) else {
            throw field.error(.unsupported, "'\(name)' is not supported")
        }
        self = behavior
    }

    /// Appends the parts of a range, split at the scalars in `delimiters`, none of them empty.
    func split(
        _ bytes: [UInt8], _ range: Range<Int>, at delimiters: ScalarProperties,
        into parts: inout [Range<Int>]
    ) {
        let properties = UnicodeTables.properties
        split(range, into: &parts) { index in
            let (scalar, length) = UTF8Bytes.scalar(in: bytes, at: index)
            return (length, !properties[Int(scalar)].isDisjoint(with: delimiters))
        }
    }

    /// Appends the parts of a range, split at each occurrence of `delimiter`, none of them empty.
    func split(
        _ bytes: [UInt8], _ range: Range<Int>, at delimiter: [UInt8],
        into parts: inout [Range<Int>]
    ) {
        let delimiter = Replacement(found: delimiter, content: [])
        split(range, into: &parts) { index in
            delimiter.matches(bytes, at: index, end: range.upperBound)
                ? (delimiter.found.count, true) : (1, false)
        }
    }

    /// Splits a range at what `unit` calls a delimiter.
    @inline(__always)
    private func split(
        _ range: Range<Int>, into parts: inout [Range<Int>],
        unit: (_ index: Int) -> (length: Int, isDelimiter: Bool)
    ) {
        var start = range.lowerBound
        var index = start
        var wasDelimiter = false
        func cut(at position: Int) {
            if start < position { parts.append(start..<position) }
            start = position
        }
        while index < range.upperBound {
            let (length, isDelimiter) = unit(index)
            switch self {
            case .removed:
                if isDelimiter {
                    cut(at: index)
                    start = index + length
                }
            case .isolated: if isDelimiter || wasDelimiter { cut(at: index) }
            case .mergedWithPrevious: if wasDelimiter { cut(at: index) }
            case .mergedWithNext: if isDelimiter { cut(at: index) }
            case .contiguous: if isDelimiter != wasDelimiter { cut(at: index) }
            }
            wasDelimiter = isDelimiter
            index += length
        }
        cut(at: range.upperBound)
    }
}
