// A value of a JSON file together with the way to it, so that every complaint can name both.

/// One value of a file.
struct JSONField {
    let document: JSONDocument
    let index: Int
    /// The file, for messages.
    let file: String
    /// The way to the value, such as `post_processor.single[0]`; empty for the whole file.
    let path: String

    /// The whole of a file's JSON, which must be an object.
    init(bytes: [UInt8], file: String) throws(TokenizerError) {
        do {
            document = try JSONDocument(bytes)
        } catch {
            throw TokenizerError(
                .malformed, "\(file): broken JSON at byte \(error.position): \(error.reason)")
        }
        index = 0
        self.file = file
        path = ""
        guard kind == .object else {
            throw TokenizerError(.malformed, "\(file): the JSON is no object")
        }
    }

    private init(_ parent: JSONField, index: Int, path: String) {
        document = parent.document
        file = parent.file
        self.index = index
        self.path = path
    }

    var kind: JSONDocument.Kind { document.nodes[index].kind }
    var isNull: Bool { kind == .null }

    /// An error about this value: `FILE: PATH REASON`.
    func error(_ code: TokenizerError.Code, _ reason: String) -> TokenizerError {
        TokenizerError(code, "\(file): \(path.isEmpty ? "the file" : path) \(reason)")
    }

    // MARK: Parts

    /// A member of this object; nil where it is absent or null.
    func optional(_ name: StaticString) throws(TokenizerError) -> JSONField? {
        guard kind == .object else { throw error(.malformed, "must be an object") }
        guard let member = document.member(name, of: index) else { return nil }
        let field = JSONField(self, index: member, path: way(to: name))
        return field.isNull ? nil : field
    }

    /// A member of this object that has to be there.
    func required(_ name: StaticString) throws(TokenizerError) -> JSONField {
        if let field = try optional(name) { return field }
        throw TokenizerError(.inconsistent, "\(file): \(way(to: name)) is missing")
    }

    private func way(to name: StaticString) -> String {
        path.isEmpty ? "\(name)" : "\(path).\(name)"
    }

    /// The elements of this array.
    func elements() throws(TokenizerError) -> [JSONField] {
        guard kind == .array else { throw error(.malformed, "must be an array") }
        var fields: [JSONField] = []
        var element = index + 1
        while element < Int(document.nodes[index].next) {
            fields.append(JSONField(self, index: element, path: "\(path)[\(fields.count)]"))
            element = Int(document.nodes[element].next)
        }
        return fields
    }

    /// The members of this object, in the file's order.
    func members() throws(TokenizerError) -> [(key: String, field: JSONField)] {
        guard kind == .object else { throw error(.malformed, "must be an object") }
        var fields: [(key: String, field: JSONField)] = []
        document.forEachMember(of: index) { key, value in
            let name = String(decoding: document.string(key), as: UTF8.self)
            fields.append((name, JSONField(self, index: value, path: "\(path)['\(name)']")))
        }
        return fields
    }

    // MARK: Values

    func string() throws(TokenizerError) -> String {
        guard kind == .string || kind == .escapedString else {
            throw error(.malformed, "must be a string")
        }
        return String(decoding: document.string(index), as: UTF8.self)
    }

    func boolean() throws(TokenizerError) -> Bool {
        switch kind {
        case .true: return true
        case .false: return false
        default: throw error(.malformed, "must be true or false")
        }
    }

    /// Whether this is a number without a digit but 0.
    var isZero: Bool {
        guard kind == .number else { return false }
        let node = document.nodes[index]
        return !document.bytes[Int(node.start)..<Int(node.end)].contains { 0x31...0x39 ~= $0 }
    }

    /// An integer that is neither negative nor too large for an id.
    func count() throws(TokenizerError) -> Int {
        guard let value = document.integer(index), 0...Int(Int32.max) ~= value else {
            throw error(.malformed, "must be an integer from 0 to 2147483647")
        }
        return value
    }

    func id() throws(TokenizerError) -> Int32 { Int32(try count()) }

    /// The name in the member `type`, which the stages of a tokenizer are told apart by.
    func type() throws(TokenizerError) -> String { try required("type").string() }

    /// The complaint that this stage's type is none that this module does.
    func unsupported(_ type: String) -> TokenizerError {
        TokenizerError(.unsupported, "\(file): \(path).type '\(type)' is not supported")
    }
}
