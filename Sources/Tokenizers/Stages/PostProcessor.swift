// The special tokens around one text or two: the `post_processor` of a `tokenizer.json`.

/// A template for one text and one for a pair.
struct PostProcessor: Sendable {
    enum Piece: Sendable {
        case special(ids: [Int32], tokens: [String], typeID: Int32)
        case sequence(isSecond: Bool, typeID: Int32)
    }

    let single: [Piece]
    let pair: [Piece]
    /// Takes white space off the offsets, where the file asks for it.
    var offsetTrimming: OffsetTrimming?

    /// Texts one after the other, with nothing around them.
    static let plain = PostProcessor(
        single: [.sequence(isSecond: false, typeID: 0)],
        pair: [.sequence(isSecond: false, typeID: 0), .sequence(isSecond: true, typeID: 1)])

    init(single: [Piece], pair: [Piece]) {
        self.single = single
        self.pair = pair
    }

    /// `[CLS] A [SEP]`, or `[CLS] A [SEP] B [SEP]` with the second text of type 1.
    init(bertWithStart start: (token: String, id: Int32), end: (token: String, id: Int32)) {
        func special(_ token: (token: String, id: Int32), _ typeID: Int32) -> Piece {
            .special(ids: [token.id], tokens: [token.token], typeID: typeID)
        }
        single = [special(start, 0), .sequence(isSecond: false, typeID: 0), special(end, 0)]
        pair = single + [.sequence(isSecond: true, typeID: 1), special(end, 1)]
    }

    /// `<s> A </s>`, or `<s> A </s> </s> B </s>`; all of type 0.
    private init(
        robertaWithStart start: (token: String, id: Int32), end: (token: String, id: Int32)
    ) {
        let start = Piece.special(ids: [start.id], tokens: [start.token], typeID: 0)
        let end = Piece.special(ids: [end.id], tokens: [end.token], typeID: 0)
        single = [start, .sequence(isSecond: false, typeID: 0), end]
        pair = single + [end, .sequence(isSecond: true, typeID: 0), end]
    }

    /// The post-processor that a file describes.
    init(_ field: JSONField) throws(TokenizerError) {
        switch try field.type() {
        case "TemplateProcessing": try self.init(template: field)
        case "BertProcessing":
            self.init(
                bertWithStart: try Self.tokenAndID(field.required("cls")),
                end: try Self.tokenAndID(field.required("sep")))
        case "RobertaProcessing":
            self.init(
                robertaWithStart: try Self.tokenAndID(field.required("cls")),
                end: try Self.tokenAndID(field.required("sep")))
            let keepsFirstSpace = try field.required("add_prefix_space").boolean()
            if try field.required("trim_offsets").boolean() {
                offsetTrimming = OffsetTrimming(keepsFirstSpace: keepsFirstSpace)
            }
        case "Sequence":
            try self.init(sequence: field)
        case "ByteLevel":
            self = .plain
            let keepsFirstSpace = try field.required("add_prefix_space").boolean()
            if try field.required("trim_offsets").boolean() {
                offsetTrimming = OffsetTrimming(keepsFirstSpace: keepsFirstSpace)
            }
        case let other: throw field.unsupported(other)
        }
    }

    /// A template and what trims offsets before it.
    private init(sequence field: JSONField) throws(TokenizerError) {
        var template: PostProcessor?
        var trimming: OffsetTrimming?
        for part in try field.required("processors").elements() {
            let processor = try PostProcessor(part)
            if let offsetTrimming = processor.offsetTrimming {
                guard trimming == nil, template == nil else {
                    throw part.error(
                        .unsupported, "trims offsets behind another processor: not supported")
                }
                trimming = offsetTrimming
            }
            if try part.type() == "ByteLevel" { continue }
            guard template == nil else {
                throw part.error(.unsupported, "is a second template: not supported")
            }
            template = processor
        }
        self = template ?? .plain
        offsetTrimming = trimming
    }

    private static func tokenAndID(
        _ field: JSONField
    ) throws(TokenizerError) -> (token: String, id: Int32) {
        let parts = try field.elements()
        guard parts.count == 2 else { throw field.error(.malformed, "must be [token, id]") }
        return (try parts[0].string(), try parts[1].id())
    }

    private init(template field: JSONField) throws(TokenizerError) {
        var specials: [[UInt8]: (ids: [Int32], tokens: [String])] = [:]
        for (name, special) in try field.required("special_tokens").members() {
            var ids: [Int32] = []
            var tokens: [String] = []
            for id in try special.required("ids").elements() { ids.append(try id.id()) }
            for token in try special.required("tokens").elements() {
                tokens.append(try token.string())
            }
            guard ids.count == tokens.count else {
                throw special.error(
                    .inconsistent, "has \(ids.count) ids but \(tokens.count) tokens")
            }
            specials[Array(name.utf8)] = (ids, tokens)
        }
        func pieces(_ template: JSONField) throws(TokenizerError) -> [Piece] {
            var pieces: [Piece] = []
            for element in try template.elements() {
                if let sequence = try element.optional("Sequence") {
                    let name = try sequence.required("id").string()
                    guard name == "A" || name == "B" else {
                        throw sequence.error(.unsupported, "has the id '\(name)', not 'A' or 'B'")
                    }
                    let typeID = try sequence.required("type_id").id()
                    pieces.append(.sequence(isSecond: name == "B", typeID: typeID))
                } else {
                    let special = try element.required("SpecialToken")
                    let name = try special.required("id").string()
                    guard let (ids, tokens) = specials[Array(name.utf8)] else {
                        throw special.error(
                            .inconsistent, "names '\(name)', which special_tokens doesn't list")
                    }
                    let typeID = try special.required("type_id").id()
                    pieces.append(.special(ids: ids, tokens: tokens, typeID: typeID))
                }
            }
            return pieces
        }
        single = try pieces(try field.required("single"))
        pair = try pieces(try field.required("pair"))
    }

    /// The special tokens with their ids, in the order of the templates.
    var specials: [(token: String, id: Int32)] {
        (single + pair).flatMap { piece -> [(token: String, id: Int32)] in
            guard case .special(let ids, let tokens, _) = piece else { return [] }
            return Array(zip(tokens, ids))
        }
    }

    /// How many special tokens come with one text or with two.
    func specialCount(isPair: Bool) -> Int {
        (isPair ? pair : single).reduce(0) { count, piece in
            guard case .special(let ids, _, _) = piece else { return count }
            return count + ids.count
        }
    }
}

/// Takes the white space at the ends of tokens off their offsets.
struct OffsetTrimming: Sendable {
    /// Whether the first token has a space that was put before the text and has no offset.
    let keepsFirstSpace: Bool

    /// The byte-level alphabet's letter for a space counts as one.
    private static let byteLevelSpace: UInt32 = 0x120

    /// The offset of the token at `position`, trimmed.
    func trimmed(_ offset: Range<Int>, of token: String, at position: Int) -> Range<Int> {
        func isSpace(_ scalar: Unicode.Scalar) -> Bool {
            scalar.value == Self.byteLevelSpace
                || UnicodeTables.properties[Int(scalar.value)].contains(.whitespace)
        }
        let scalars = token.unicodeScalars
        var leading = scalars.prefix(while: isSpace).count
        let trailing = scalars.reversed().prefix(while: isSpace).count
        // One space is the one put there; where there are more, all were in the text.
        if leading == 1, keepsFirstSpace, position == 0 || offset.lowerBound == 0 { leading = 0 }
        let start = min(offset.lowerBound + leading, offset.upperBound)
        let end = offset.upperBound >= trailing ? offset.upperBound - trailing : offset.upperBound
        return start..<max(start, end)
    }
}
