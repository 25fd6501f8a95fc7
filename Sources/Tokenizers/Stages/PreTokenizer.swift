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
    /// The byte-level alphabet; always the last of a sequence.
    case byteLevel(ByteLevel)
    case digits(DelimiterBehavior)
    case metaspace(Metaspace)
    /// The matches of a known regular expression.
    case pattern(WordPattern)
    /// Cut at a string.
    case text([UInt8], DelimiterBehavior)
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
        case "ByteLevel": self = .byteLevel(try ByteLevel(field))
        case "Digits":
            let areIndividual = try field.required("individual_digits").boolean()
            self = .digits(areIndividual ? .isolated : .contiguous)
        case "Metaspace": self = .metaspace(try Metaspace(field))
        case "Split": self = try Self.split(field)
        case "Sequence":
            var parts: [PreTokenizer] = []
            for part in try field.required("pretokenizers").elements() {
                if parts.last?.isByteLevel == true {
                    throw part.error(.unsupported, "stands behind ByteLevel; that must be the last")
                }
                parts.append(try PreTokenizer(part))
            }
            self = parts.count == 1 ? parts[0] : .sequence(parts)
        case let other: throw field.unsupported(other)
        }
    }

    /// A `Split`, by a known expression or by a string.
    private static func split(_ field: JSONField) throws(TokenizerError) -> PreTokenizer {
        let behavior = try DelimiterBehavior(try field.required("behavior"))
        let isInverted = try field.optional("invert")?.boolean() ?? false
        let pattern = try field.required("pattern")
        if let expression = try pattern.optional("Regex") {
            let text = try expression.string()
            guard let known = WordPattern(expression: text) else {
                throw expression.error(.unsupported, "'\(text)': no such expression is supported")
            }
            // The known expressions match everything, so these two are the same.
            guard behavior == .isolated || (behavior == .removed && isInverted) else {
                throw field.error(
                    .unsupported, "by an expression is supported with the behavior 'Isolated' alone"
                )
            }
            return .pattern(known)
        }
        let text = try pattern.required("String")
        let delimiter = Array(try text.string().utf8)
        if delimiter.isEmpty || isInverted {
            throw field.error(.unsupported, "by '' or inverted is not supported")
        }
        return .text(delimiter, behavior)
    }

    /// Whether the words come out in the byte-level alphabet.
    var isByteLevel: Bool {
        switch self {
        case .byteLevel: true
        case .sequence(let parts): parts.last?.isByteLevel == true
        default: false
        }
    }

    /// Whether the text is another after it.
    var altersText: Bool {
        switch self {
        case .byteLevel, .metaspace: true
        case .sequence(let parts): parts.contains { $0.altersText }
        default: false
        }
    }

    /// Whether it has to know what the text began with before it was normalised.
    var asksForBeginning: Bool {
        switch self {
        case .metaspace(let metaspace): metaspace.scheme == .first
        case .sequence(let parts): parts.contains { $0.asksForBeginning }
        default: false
        }
    }

    /// Cuts words into smaller ones, none of them empty; the text may become another.
    func split(_ text: inout NormalizedText, _ words: inout [Range<Int>]) {
        switch self {
        case .byteLevel(let byteLevel): byteLevel.split(&text, &words)
        case .metaspace(let metaspace): metaspace.split(&text, &words)
        case .sequence(let parts): for part in parts { part.split(&text, &words) }
        default:
            var parts: [Range<Int>] = []
            for word in words { appendWords(of: text, word, to: &parts) }
            words = parts
        }
    }

    /// Appends the words within a range of `text`, none of them empty; see `altersText`.
    func appendWords(of text: NormalizedText, _ range: Range<Int>, to words: inout [Range<Int>]) {
        switch self {
        case .bert: Self.splitLikeBert(text.bytes, range, into: &words)
        case .whitespace: Self.splitByKind(text.bytes, range, into: &words)
        case .whitespaceSplit:
            DelimiterBehavior.removed.split(text.bytes, range, at: .whitespace, into: &words)
        case .punctuation(let behavior):
            behavior.split(text.bytes, range, at: .punctuation, into: &words)
        case .digits(let behavior): behavior.split(text.bytes, range, at: .digit, into: &words)
        case .pattern(let pattern): pattern.appendWords(text.bytes, range, to: &words)
        case .text(let delimiter, let behavior):
            behavior.split(text.bytes, range, at: delimiter, into: &words)
        case .byteLevel, .metaspace:
            preconditionFailure("appendWords: \(self) makes another text")
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
