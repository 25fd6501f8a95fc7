// What a text goes through before it is cut into words: the `normalizer` of a `tokenizer.json`.

/// One normaliser, or several in turn.
enum Normalizer: Sendable {
    case bert(BertNormalizer)
    case lowercase
    case nfc
    case nfd
    case prepend([UInt8])
    case replace(Replacement)
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
        case "Prepend": self = .prepend(Array(try field.required("prepend").string().utf8))
        case "Replace": self = .replace(try Replacement(field))
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

    /// Normalises `text` in place.
    func normalize(_ text: inout NormalizedText) {
        switch self {
        case .bert(let bert): bert.normalize(&text)
        case .lowercase: text.lowercase()
        case .nfc: text.compose()
        case .nfd: text.decompose()
        case .prepend(let content): text.prepend(content)
        case .replace(let replacement): text.replace(replacement)
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

    /// Canonical decomposition, marks in canonical order.
    mutating func decompose() {
        let properties = UnicodeTables.properties
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
            if properties[Int(scalar)].contains(.hasDecomposition) {
                UnicodeTables.decompose(scalar, add)
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
