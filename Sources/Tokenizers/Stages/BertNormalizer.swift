// BERT's normaliser: clean, set ideographs apart, strip accents, lower case.
//
// ASCII text takes one table look-up a byte. Other text takes the four steps at once, scalar by
// scalar, which is right as long as no mark that survives would have to change places with another;
// texts that hold such a mark (Balinese, musical symbols: rare) go through the steps one by one.

/// The settings of a `BertNormalizer`, and its work.
struct BertNormalizer: Sendable {
    let cleansText: Bool
    let handlesChinese: Bool
    let stripsAccents: Bool
    let lowercases: Bool
    /// What becomes of each ASCII byte; `dropped` where nothing does.
    private let asciiTable: [UInt8]

    private static let dropped: UInt8 = 0xFF

    init(cleansText: Bool, handlesChinese: Bool, stripsAccents: Bool?, lowercases: Bool) {
        self.cleansText = cleansText
        self.handlesChinese = handlesChinese
        // As in the original BERT, accents go when capitals go, unless the file says otherwise.
        self.stripsAccents = stripsAccents ?? lowercases
        self.lowercases = lowercases
        asciiTable = (0..<128).map { byte in
            let properties = UnicodeTables.properties[byte]
            if cleansText, properties.contains(.removed) { return Self.dropped }
            if cleansText, properties.contains(.whitespace) { return 0x20 }
            return lowercases && 0x41...0x5A ~= byte ? UInt8(byte + 0x20) : UInt8(byte)
        }
    }

    init(_ field: JSONField) throws(TokenizerError) {
        self.init(
            cleansText: try field.required("clean_text").boolean(),
            handlesChinese: try field.required("handle_chinese_chars").boolean(),
            stripsAccents: try field.optional("strip_accents")?.boolean(),
            lowercases: try field.required("lowercase").boolean())
    }

    /// Normalises `text` in place.
    func normalize(_ text: inout NormalizedText) {
        if text.isASCII {
            text.mapASCII(asciiTable, dropped: Self.dropped)
        } else if let result = normalizedAtOnce(text) {
            text = result
        } else {
            normalizeByStep(&text)
        }
    }

    /// The four steps, one after the other, as the reference does them.
    func normalizeByStep(_ text: inout NormalizedText) {
        if cleansText { clean(&text) }
        if handlesChinese { setIdeographsApart(&text) }
        if stripsAccents {
            text.decompose(.canonical)
            text.remove(.nonspacingMark)
        }
        if lowercases { text.lowercase() }
    }

    private func clean(_ text: inout NormalizedText) {
        let properties = UnicodeTables.properties
        var result = text.emptied()
        text.forEachScalar { scalar, origin in
            let property = properties[Int(scalar)]
            if property.contains(.removed) { return }
            result.append(property.contains(.whitespace) ? 0x20 : scalar, origin: origin)
        }
        text = result
    }

    private func setIdeographsApart(_ text: inout NormalizedText) {
        let properties = UnicodeTables.properties
        var result = text.emptied()
        text.forEachScalar { scalar, origin in
            let isApart = properties[Int(scalar)].contains(.chinese)
            if isApart { result.append(0x20, origin: origin) }
            result.append(scalar, origin: origin)
            if isApart { result.append(0x20, origin: origin) }
        }
        text = result
    }

    /// The result of all four steps in one pass; nil where that might not be the same.
    func normalizedAtOnce(_ text: NormalizedText) -> NormalizedText? {
        let properties = UnicodeTables.properties
        let special: ScalarProperties = [
            .removed, .whitespace, .chinese, .nonspacingMark, .hasCombiningClass, .hasLowercase,
            .hasDecomposition,
        ]
        var result = text.emptied()
        var mayReorder = false

        func emit(_ scalar: UInt32, _ origin: Origin) {
            let property = properties[Int(scalar)]
            if stripsAccents {
                if property.contains(.nonspacingMark) { return }
                if property.contains(.hasCombiningClass) { mayReorder = true }
            }
            guard lowercases, property.contains(.hasLowercase) else {
                result.append(scalar, origin: origin)
                return
            }
            if scalar == UnicodeTables.dottedCapitalI {
                result.append(0x69, origin: origin)
                result.append(0x307, origin: origin)
            } else {
                result.append(UnicodeTables.lowercase(scalar), origin: origin)
            }
        }

        text.forEachScalar { scalar, origin in
            let property = properties[Int(scalar)]
            if property.isDisjoint(with: special) {
                result.append(scalar, origin: origin)
                return
            }
            if cleansText, property.contains(.removed) { return }
            if cleansText, property.contains(.whitespace) {
                result.append(0x20, origin: origin)
                return
            }
            let isApart = handlesChinese && property.contains(.chinese)
            if isApart { result.append(0x20, origin: origin) }
            if stripsAccents, property.contains(.hasDecomposition) {
                UnicodeTables.decompose(scalar) { emit($0, origin) }
            } else {
                emit(scalar, origin)
            }
            if isApart { result.append(0x20, origin: origin) }
        }
        return mayReorder ? nil : result
    }
}
