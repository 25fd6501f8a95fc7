// A parsed JSON object of a model folder, with accessors whose errors name file and key.

import Foundation

/// The members of one JSON file.
struct JSONFields {
    let path: String
    private(set) var members: [String: Any]

    /// Reads an object from a file.
    init(path: String) throws(ModelError) {
        guard let data = FileManager.default.contents(atPath: path) else {
            throw ModelError(.missing, "\(path): no such file, or not readable")
        }
        let parsed: Any
        do {
            parsed = try JSONSerialization.jsonObject(with: data)
        } catch {
            throw ModelError(.malformed, "\(path): not valid JSON")
        }
        guard let members = parsed as? [String: Any] else {
            throw ModelError(.malformed, "\(path): not a JSON object")
        }
        self.path = path
        self.members = members
    }

    /// A member, nil when absent or null.
    private func member(_ key: String) -> Any? {
        guard let value = members[key], !(value is NSNull) else { return nil }
        return value
    }

    private func wrong(_ key: String, _ wanted: String) -> ModelError {
        ModelError(.malformed, "\(path): '\(key)' is not \(wanted)")
    }

    /// A text member.
    func string(_ key: String) throws(ModelError) -> String? {
        guard let value = member(key) else { return nil }
        guard let text = value as? String else { throw wrong(key, "a text") }
        return text
    }

    /// A numeric member.
    func number(_ key: String) throws(ModelError) -> Double? {
        guard let value = member(key) else { return nil }
        guard let number = value as? NSNumber else { throw wrong(key, "a number") }
        return number.doubleValue
    }

    /// A whole number of at least 1; without a default it must be there.
    func positive(_ key: String, default fallback: Int? = nil) throws(ModelError) -> Int {
        guard let value = try number(key) else {
            guard let fallback else {
                throw ModelError(.malformed, "\(path): '\(key)' is missing")
            }
            return fallback
        }
        guard value >= 1, value == value.rounded(), value < 1e9 else {
            throw wrong(key, "a positive whole number")
        }
        return Int(value)
    }

    /// A number from 0 up to, not including, 1.
    func probability(_ key: String) throws(ModelError) -> Float? {
        guard let value = try number(key) else { return nil }
        guard value >= 0, value < 1 else { throw wrong(key, "in 0..<1") }
        return Float(value)
    }

    /// A member that is true or false.
    func flag(_ key: String, default fallback: Bool) throws(ModelError) -> Bool {
        guard let value = member(key) else { return fallback }
        guard let number = value as? NSNumber, number == 0 || number == 1 else {
            throw wrong(key, "true or false")
        }
        return number == 1
    }

    /// A member that is an object of its own; errors name it `outer.inner`.
    func object(_ key: String) throws(ModelError) -> JSONFields? {
        guard let value = member(key) else { return nil }
        guard let members = value as? [String: Any] else { throw wrong(key, "an object") }
        return JSONFields(path: "\(path): \(key)", members: members)
    }

    /// Whole numbers: one alone or a list of them; empty when absent.
    func wholeNumbers(_ key: String) throws(ModelError) -> [Int] {
        guard let value = member(key) else { return [] }
        let numbers = (value as? [NSNumber]) ?? (value as? NSNumber).map { [$0] }
        guard let numbers, numbers.allSatisfy({ $0.doubleValue == Double($0.intValue) }) else {
            throw wrong(key, "a whole number or a list of them")
        }
        return numbers.map(\.intValue)
    }

    /// A list of texts, nil when absent.
    func texts(_ key: String) throws(ModelError) -> [String]? {
        guard let value = member(key) else { return nil }
        guard let texts = value as? [String] else { throw wrong(key, "a list of texts") }
        return texts
    }

    /// Whether there is such a member that isn't null.
    func has(_ key: String) -> Bool { member(key) != nil }

    init(path: String, members: [String: Any]) {
        self.path = path
        self.members = members
    }

    /// One of the texts that a type knows.
    func choice<Choice: RawRepresentable<String>>(
        _ key: String
    ) throws(ModelError) -> Choice? {
        guard let text = try string(key) else { return nil }
        guard let choice = Choice(rawValue: text) else {
            throw ModelError(.unsupported, "\(path): \(key) '\(text)' is not supported")
        }
        return choice
    }

    /// Refuses a text member with any other value, and boolean members that are set.
    func refuse(
        _ textKey: String, unless text: String, _ flag: String, unless value: Bool,
        _ otherFlag: String, unless otherValue: Bool
    ) throws(ModelError) {
        if let given = try string(textKey), given != text {
            throw ModelError(.unsupported, "\(path): \(textKey) '\(given)' is not supported")
        }
        for (key, wanted) in [(flag, value), (otherFlag, otherValue)] {
            if let given = try number(key), (given != 0) != wanted {
                throw ModelError(.unsupported, "\(path): \(key) is not supported")
            }
        }
    }

    /// `id2label` as a list, empty when absent.
    func labels() throws(ModelError) -> [String] {
        guard let value = member("id2label") else { return [] }
        guard let map = value as? [String: String] else {
            throw wrong("id2label", "a map of numbers to texts")
        }
        var labels: [String] = []
        for index in 0..<map.count {
            guard let label = map[String(index)] else {
                throw wrong("id2label", "numbered 0 to \(map.count - 1)")
            }
            labels.append(label)
        }
        return labels
    }

    /// Sets a member.
    mutating func set(_ key: String, _ value: Any) {
        members[key] = value
    }

    /// Removes a member.
    mutating func remove(_ key: String) {
        members[key] = nil
    }

    /// The object as indented JSON with sorted keys.
    func serialized() throws(ModelError) -> Data {
        do {
            return try JSONSerialization.data(
                withJSONObject: members,
                options: [.prettyPrinted, .sortedKeys, .withoutEscapingSlashes])
        } catch {
            throw ModelError(.malformed, "\(path): can't be written again as JSON")
        }
    }
}
