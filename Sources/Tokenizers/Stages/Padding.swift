// What short texts are filled up with: the `padding` of a `tokenizer.json`.

/// The rule by which encodings are filled up.
struct Padding: Sendable, Equatable {
    /// The length to reach; nil: that of the longest of a batch, which one text is by itself.
    var fixedLength: Int?
    var padsLeft = false
    /// Lengths are rounded up to a multiple of this.
    var multiple: Int?
    var id: Int32
    var typeID: Int32 = 0
    var token: String

    init(_ field: JSONField) throws(TokenizerError) {
        let strategy = try field.required("strategy")
        if strategy.kind == .object, let length = try strategy.optional("Fixed") {
            fixedLength = try Self.length(length)
        } else if try strategy.string() != "BatchLongest" {
            throw strategy.error(.unsupported, "'\(try strategy.string())' is not supported")
        }
        let direction = try field.required("direction")
        switch try direction.string() {
        case "Right": padsLeft = false
        case "Left": padsLeft = true
        case let other: throw direction.error(.unsupported, "'\(other)' is not supported")
        }
        multiple = try field.optional("pad_to_multiple_of").map(Self.length)
        id = try field.required("pad_id").id()
        typeID = try field.required("pad_type_id").id()
        token = try field.required("pad_token").string()
    }

    /// A length that fits into memory: a broken file shouldn't fill that with padding.
    private static func length(_ field: JSONField) throws(TokenizerError) -> Int {
        let length = try field.count()
        guard length <= 1 << 20 else { throw field.error(.unsupported, "must be at most 1048576") }
        return length
    }

    /// The length that `count` tokens are filled up to.
    func length(for count: Int) -> Int {
        let length = fixedLength ?? count
        guard let multiple, multiple > 0, length % multiple != 0 else { return length }
        return length + multiple - length % multiple
    }

    /// Fills `encoding` up.
    func apply(to encoding: inout Encoding) {
        let missing = length(for: encoding.count) - encoding.count
        guard missing > 0 else { return }
        func fill<Element>(_ values: inout [Element], _ value: Element) {
            let filling = repeatElement(value, count: missing)
            values.insert(contentsOf: filling, at: padsLeft ? 0 : values.count)
        }
        fill(&encoding.ids, id)
        fill(&encoding.typeIDs, typeID)
        fill(&encoding.tokens, token)
        fill(&encoding.offsets, 0..<0)
        fill(&encoding.specialTokensMask, 1)
        fill(&encoding.attentionMask, 0)
    }
}
