// Where words begin and end: the `pre_tokenizer` of a `tokenizer.json`.

/// One pre-tokenizer, or several in turn.
enum PreTokenizer: Sendable {
    /// White space removed, punctuation alone.
    case bert
    /// White space removed; runs of word scalars, and runs of the others.
    case whitespace
    /// White space removed.
    case whitespaceSplit
    case punctuation(DelimiterBehavior)
    indirect case sequence([PreTokenizer])

    /// The pre-tokenizer that a file describes.
    init(_ field: JSONField) throws(TokenizerError) {
        switch try field.type() {
        case "BertPreTokenizer": self = .bert
        case "Whitespace": self = .whitespace
        case "WhitespaceSplit": self = .whitespaceSplit
        case "Punctuation":
            let behavior = try field.optional("behavior")
            self = .punctuation(try behavior.map(DelimiterBehavior.init) ?? .isolated)
        case "Sequence":
            var parts: [PreTokenizer] = []
            for part in try field.required("pretokenizers").elements() {
                parts.append(try PreTokenizer(part))
            }
            self = .sequence(parts)
        case let other: throw field.unsupported(other)
        }
    }

    /// Appends the words within a range of `text`, none of them empty.
    func appendWords(of text: NormalizedText, _ range: Range<Int>, to words: inout [Range<Int>]) {
        switch self {
        case .bert: Self.splitLikeBert(text.bytes, range, into: &words)
        case .whitespace: Self.splitByKind(text.bytes, range, into: &words)
        case .whitespaceSplit:
            DelimiterBehavior.removed.split(text.bytes, range, at: .whitespace, into: &words)
        case .punctuation(let behavior):
            behavior.split(text.bytes, range, at: .punctuation, into: &words)
        case .sequence(let parts):
            var ranges = [range]
            for part in parts {
                var next: [Range<Int>] = []
                for range in ranges { part.appendWords(of: text, range, to: &next) }
                ranges = next
            }
            words.append(contentsOf: ranges)
        }
    }

    /// BERT's two splits in one pass.
    private static func splitLikeBert(
        _ bytes: [UInt8], _ range: Range<Int>, into words: inout [Range<Int>]
    ) {
        let properties = UnicodeTables.properties
        var start = range.lowerBound
        var index = start
        while index < range.upperBound {
            let (scalar, length) = UTF8Bytes.scalar(in: bytes, at: index)
            let property = properties[Int(scalar)]
            let end = index + length
            if !property.isDisjoint(with: [.whitespace, .punctuation]) {
                if start < index { words.append(start..<index) }
                if property.contains(.punctuation) { words.append(index..<end) }
                start = end
            }
            index = end
        }
        if start < range.upperBound { words.append(start..<range.upperBound) }
    }

    /// The matches of `\w+|[^\w\s]+`.
    private static func splitByKind(
        _ bytes: [UInt8], _ range: Range<Int>, into words: inout [Range<Int>]
    ) {
        let properties = UnicodeTables.properties
        var start = range.lowerBound
        var kind: ScalarProperties = .whitespace
        var index = start
        while index < range.upperBound {
            let (scalar, length) = UTF8Bytes.scalar(in: bytes, at: index)
            let property = properties[Int(scalar)]
            let next: ScalarProperties =
                property.contains(.word) ? .word : property.contains(.whitespace) ? .whitespace : []
            if next != kind {
                if kind != .whitespace, start < index { words.append(start..<index) }
                start = index
                kind = next
            }
            index += length
        }
        if kind != .whitespace, start < range.upperBound { words.append(start..<range.upperBound) }
    }
}

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
        var start = range.lowerBound
        var index = start
        var wasDelimiter = false
        func cut(at position: Int) {
            if start < position { parts.append(start..<position) }
            start = position
        }
        while index < range.upperBound {
            let (scalar, length) = UTF8Bytes.scalar(in: bytes, at: index)
            let isDelimiter = !properties[Int(scalar)].isDisjoint(with: delimiters)
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
