// The tags of a template that has parsed: which names it uses, where. A renderer says nothing of a
// name that it doesn't know and writes nothing in its place; a prompt without its text would be paid
// for a million times. So names are looked at here, before anything is rendered.

/// The names that a template uses.
struct TemplateTags {
    /// A name outside of a section over examples, in the order of the first use.
    private(set) var names: [String] = []
    /// Whether the template places the examples itself.
    private(set) var showsExamples = false

    /// What is wrong with a tag, and its line, from 1.
    struct Fault: Error {
        let line: Int
        let reason: String
    }

    /// The names within `{{#examples}}`.
    static let exampleNames = ["text", "label", "id"]

    private var open: [String] = []

    /// Collects the names of a template; tags that can't be in a prompt are refused.
    init(_ template: String) throws(Fault) {
        var line = 1
        var rest = Substring(template)
        while let start = rest.range(of: "{{") {
            line += rest[..<start.lowerBound].count(where: \.isNewline)
            rest = rest[start.upperBound...]
            guard let end = rest.range(of: "}}") else { return }
            let tag = rest[..<end.lowerBound]
            try read(tag, line)
            line += tag.count(where: \.isNewline)
            rest = rest[end.upperBound...]
        }
    }

    private mutating func read(_ tag: Substring, _ line: Int) throws(Fault) {
        switch tag.first {
        case "!": return
        case "#": try enter(Self.name(tag.dropFirst()), line)
        case "^": try enter(Self.name(tag.dropFirst()), line)
        case "/": if !open.isEmpty { open.removeLast() }
        case "{", "&": try use(Self.name(tag.dropFirst()), line)
        case "=", "%", ">", "<", "$":
            throw Fault(
                line: line,
                reason: "{{\(tag)}}: a prompt's template can't have partials, blocks, pragmas or "
                    + "other delimiters")
        default: try use(Self.name(tag), line)
        }
    }

    private mutating func enter(_ name: String, _ line: Int) throws(Fault) {
        if name == "examples" { showsExamples = true }
        try use(name, line)
        open.append(name)
    }

    private mutating func use(_ name: String, _ line: Int) throws(Fault) {
        // The element of a list, and `{{^first()}}`, `{{index()}}` of its place.
        if name == "." || name.isEmpty {
            guard !open.isEmpty else {
                throw Fault(line: line, reason: "'.' and places stand within a section alone")
            }
            return
        }
        guard !name.contains(".") else {
            throw Fault(
                line: line,
                reason: "'\(name)': names with a point can't be reached by a template; rename the "
                    + "field")
        }
        if open.contains("examples"), Self.exampleNames.contains(name) { return }
        guard name != "label" else {
            throw Fault(
                line: line,
                reason:
                    "'label' is known of examples alone, within {{#examples}}; the record's own "
                    + "is what is asked for")
        }
        if !names.contains(name) { names.append(name) }
    }

    /// A tag's name without transforms: `text` of `uppercased(text)`.
    private static func name(_ tag: Substring) -> String {
        let inner = tag.filter { !$0.isWhitespace && $0 != "}" }
        guard let open = inner.lastIndex(of: "(") else { return inner }
        return String(inner[inner.index(after: open)...].prefix { $0 != ")" })
    }
}

extension Substring {
    /// The first place of a short text.
    fileprivate func range(of wanted: String) -> Range<Index>? {
        var index = startIndex
        while index < endIndex {
            if self[index...].hasPrefix(wanted) {
                return index..<self.index(index, offsetBy: wanted.count)
            }
            index = self.index(after: index)
        }
        return nil
    }
}
