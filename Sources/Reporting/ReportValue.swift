// A JSON value that keeps the order of its keys, for `metrics.jsonl` and `report.json`: the same
// results are the same bytes.

import Corpus

/// A value of a log or report.
public enum ReportValue: Sendable, Hashable {
    /// One key of an object and its value.
    public struct Member: Sendable, Hashable {
        /// The key.
        public let key: String
        /// Its value.
        public let value: ReportValue

        /// Makes a member.
        public init(_ key: String, _ value: ReportValue) {
            self.key = key
            self.value = value
        }
    }

    /// Nothing: unknown, or not a number.
    case null
    /// True or false.
    case flag(Bool)
    /// A whole number.
    case integer(Int)
    /// A number; one that isn't finite is written as `null`.
    case number(Double)
    /// A text.
    case text(String)
    /// Values in their order.
    case list([ReportValue])
    /// Keys and values in their order.
    case object([Member])

    /// One line of JSON.
    public var json: String {
        switch self {
        case .null: "null"
        case .flag(let value): value ? "true" : "false"
        case .integer(let value): String(value)
        case .number(let value): JSONText.number(value)
        case .text(let value): JSONText.quoted(value)
        case .list(let values): "[\(values.map(\.json).joined(separator: ","))]"
        case .object(let members):
            "{\(members.map { "\(JSONText.quoted($0.key)):\($0.value.json)" }.joined(separator: ","))}"
        }
    }

    /// JSON for people: a key a line, short lists on one line.
    public var indentedJSON: String { indented(by: "") }

    private func indented(by margin: String) -> String {
        let inner = margin + "  "
        switch self {
        case .list(let values) where values.contains(where: \.isContainer):
            let lines = values.map { inner + $0.indented(by: inner) }
            return "[\n\(lines.joined(separator: ",\n"))\n\(margin)]"
        case .list(let values): return "[\(values.map(\.json).joined(separator: ", "))]"
        case .object(let members) where !members.isEmpty:
            let lines = members.map {
                "\(inner)\(JSONText.quoted($0.key)): \($0.value.indented(by: inner))"
            }
            return "{\n\(lines.joined(separator: ",\n"))\n\(margin)}"
        default: return json
        }
    }

    private var isContainer: Bool {
        switch self {
        case .list, .object: true
        default: false
        }
    }
}

extension ReportValue: ExpressibleByBooleanLiteral, ExpressibleByIntegerLiteral,
    ExpressibleByFloatLiteral, ExpressibleByStringLiteral, ExpressibleByNilLiteral,
    ExpressibleByArrayLiteral, ExpressibleByDictionaryLiteral
{
    /// `null`.
    public init(nilLiteral: ()) { self = .null }
    /// A truth value.
    public init(booleanLiteral value: Bool) { self = .flag(value) }
    /// A whole number.
    public init(integerLiteral value: Int) { self = .integer(value) }
    /// A number.
    public init(floatLiteral value: Double) { self = .number(value) }
    /// A text.
    public init(stringLiteral value: String) { self = .text(value) }
    /// Values in their order.
    public init(arrayLiteral elements: ReportValue...) { self = .list(elements) }
    /// Keys and values in the order in which they are written.
    public init(dictionaryLiteral elements: (String, ReportValue)...) {
        self = .object(elements.map { Member($0.0, $0.1) })
    }
}
