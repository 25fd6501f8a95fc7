// What a text goes through before it is cut into words: the `normalizer` of a `tokenizer.json`.

/// One normaliser, or several in turn.
enum Normalizer: Sendable {
    case bert(BertNormalizer)
    case lowercase
    case nfc
    case nfd
    case nfkc
    case nfkd
    case nmt
    case precompiled(PrecompiledMap)
    case prepend([UInt8])
    case replace(Replacement)
    case replaceMatches(ScalarPattern, content: [UInt8])
    case stripAccents
    case strip(left: Bool, right: Bool)
    indirect case sequence([Normalizer])

    /// The normaliser that a file describes.
    init(_ field: JSONField) throws(TokenizerError) {
        switch try field.type() {
        case "BertNormalizer": self = .bert(try BertNormalizer(field))
        case "Lowercase": self = .lowercase
        case "NFC": self = .nfc
        case "NFD": self = .nfd
        case "NFKC": self = .nfkc
        case "NFKD": self = .nfkd
        case "Nmt": self = .nmt
        case "Precompiled": self = .precompiled(try PrecompiledMap(field))
        case "Prepend": self = .prepend(Array(try field.required("prepend").string().utf8))
        case "Replace": self = try Self.replace(field)
        case "StripAccents": self = .stripAccents
        case "Strip":
            self = .strip(
                left: try field.required("strip_left").boolean(),
                right: try field.required("strip_right").boolean())
        case "Sequence":
            var parts: [Normalizer] = []
            for part in try field.required("normalizers").elements() {
                parts.append(try Normalizer(part))
            }
            self = .sequence(parts)
        case let other: throw field.unsupported(other)
        }
    }

    /// A `Replace`, of a string or of what an expression matches.
    private static func replace(_ field: JSONField) throws(TokenizerError) -> Normalizer {
        guard let expression = try field.required("pattern").optional("Regex") else {
            return .replace(try Replacement(field))
        }
        let text = try expression.string()
        guard let pattern = ScalarPattern(expression: text) else {
            throw expression.error(.unsupported, "'\(text)': no such expression is supported")
        }
        let content = Array(try field.required("content").string().utf8)
        return .replaceMatches(pattern, content: content)
    }

    /// Normalises `text` in place.
    func normalize(_ text: inout NormalizedText) {
        switch self {
        case .bert(let bert): bert.normalize(&text)
        case .lowercase: text.lowercase()
        case .nfc: text.compose(.canonical)
        case .nfd: text.decompose(.canonical)
        case .nfkc: text.compose(.compatibility)
        case .nfkd: text.decompose(.compatibility)
        case .nmt: text.cleanUpLikeNmt()
        case .precompiled(let map): text.replace(map)
        case .prepend(let content): text.prepend(content)
        case .replace(let replacement): text.replace(replacement)
        case .replaceMatches(let pattern, let content): text.replace(pattern, by: content)
        case .stripAccents: text.remove(.combiningMark)
        case .strip(let left, let right): text.strip(left: left, right: right)
        case .sequence(let parts): for part in parts { part.normalize(&text) }
        }
    }
}

extension NormalizedText {
    /// Lower case, scalar by scalar; no context (a final sigma is like any other).
    mutating func lowercase() {
        let properties = UnicodeTables.properties
        var result = emptied()
        forEachScalar { scalar, origin in
            if !properties[Int(scalar)].contains(.hasLowercase) {
                result.append(scalar, origin: origin)
            } else if scalar == UnicodeTables.dottedCapitalI {
                result.append(0x69, origin: origin)
                result.append(0x307, origin: origin)
            } else {
                result.append(UnicodeTables.lowercase(scalar), origin: origin)
            }
        }
        self = result
    }

    /// Drops the scalars that are in `set`.
    mutating func remove(_ set: ScalarProperties) {
        let properties = UnicodeTables.properties
        var result = emptied()
        forEachScalar { scalar, origin in
            if properties[Int(scalar)].isDisjoint(with: set) {
                result.append(scalar, origin: origin)
            }
        }
        self = result
    }

    /// Drops white space at the ends.
    mutating func strip(left: Bool, right: Bool) {
        let properties = UnicodeTables.properties
        var start = 0
        var end = bytes.count
        while left, start < end {
            let (scalar, length) = UTF8Bytes.scalar(in: bytes, at: start)
            guard properties[Int(scalar)].contains(.whitespace) else { break }
            start += length
        }
        while right, end > start {
            let (scalar, length) = UTF8Bytes.scalar(in: bytes, before: end)
            guard properties[Int(scalar)].contains(.whitespace) else { break }
            end -= length
        }
        keep(start..<end)
    }

    /// SentencePiece's rules of machine translation: control scalars go, odd spaces become spaces.
    mutating func cleanUpLikeNmt() {
        var result = emptied()
        forEachScalar { scalar, origin in
            switch scalar {
            case 0x01...0x08, 0x0B, 0x0E...0x1F, 0x7F, 0x8F, 0x9F: break
            case 0x09, 0x0A, 0x0C, 0x0D, 0x1680, 0x200B...0x200F, 0x2028, 0x2029, 0x2581, 0xFEFF,
                0xFFFD:
                result.append(0x20, origin: origin)
            default: result.append(scalar, origin: origin)
            }
        }
        self = result
    }

    /// Decomposition, marks in canonical order.
    mutating func decompose(_ form: DecompositionForm) {
        let properties = UnicodeTables.properties
        let decomposing = form.decomposing
        // A starter and the marks after it wait here until the next starter; `isFirst` says that the
        // scalar is the first of its decomposition, which is what moves the origins on.
        var pending: [(scalar: UInt32, combiningClass: UInt8, isFirst: Bool)] = []
        var pendingOrigins: [Origin] = []
        var last = beginning
        var result = emptied()

        func flush() {
            guard !pending.isEmpty else { return }
            if pending.count > 1 { Self.sortStably(&pending) }
            var nextOrigin = 0
            for entry in pending {
                if entry.isFirst {
                    last = pendingOrigins[nextOrigin]
                    nextOrigin += 1
                }
                result.append(entry.scalar, origin: last)
            }
            pending.removeAll(keepingCapacity: true)
            pendingOrigins.removeAll(keepingCapacity: true)
        }

        forEachScalar { scalar, origin in
            var isFirst = true
            func add(_ part: UInt32) {
                var combiningClass: UInt8 = 0
                if properties[Int(part)].contains(.hasCombiningClass) {
                    combiningClass = UnicodeTables.combiningClass(part)
                }
                if combiningClass == 0 { flush() }
                pending.append((part, combiningClass, isFirst))
                if isFirst { pendingOrigins.append(origin) }
                isFirst = false
            }
            if !properties[Int(scalar)].isDisjoint(with: decomposing) {
                UnicodeTables.decompose(scalar, form, add)
            } else {
                add(scalar)
            }
        }
        flush()
        self = result
    }

    /// Orders marks by class; those of one class keep their order.
    private static func sortStably(
        _ marks: inout [(scalar: UInt32, combiningClass: UInt8, isFirst: Bool)]
    ) {
        for index in 1..<marks.count {
            let mark = marks[index]
            var position = index
            while position > 0, marks[position - 1].combiningClass > mark.combiningClass {
                marks[position] = marks[position - 1]
                position -= 1
            }
            marks[position] = mark
        }
    }
}
