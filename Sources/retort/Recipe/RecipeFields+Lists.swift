// Fields that hold several values: lists of texts, texts by name, lists of sections.

import Corpus
import Foundation
import Yams

extension RecipeFields {
    /// One text or a list of texts.
    func texts(_ key: String, _ target: inout [String]) throws {
        known.append(key)
        switch mode {
        case .write:
            guard !target.isEmpty else { return }
            let items = target.map { text in
                let isNothing = Node(text, .implicit, .plain).null != nil
                return isNothing ? Node(text, .implicit, .singleQuoted) : Node(text)
            }
            written.append((Node(key), Node(items)))
        case .read:
            guard let value = value(key) else { return }
            if let text = value.scalar?.string {
                target = text.isEmpty ? [] : [text]
            } else if let items = value.sequence {
                target = try items.map { item in
                    // `~` and `null` are nothing, unless they stand in quotes.
                    guard let scalar = item.scalar, item.null == nil || scalar.style != .plain
                    else { throw wrong(key, item, "a list of texts (null and ~ want quotes)") }
                    return scalar.string
                }
            } else {
                throw wrong(key, value, "a text or a list of texts")
            }
        }
    }

    /// A list of texts that differ by more than case and spaces around.
    func distinctTexts(_ key: String, _ target: inout [String]) throws {
        try texts(key, &target)
        guard let items = value(key)?.sequence else { return }
        var seen: [String: String] = [:]
        for item in items {
            let text = item.scalar?.string ?? ""
            let folded = text.trimmingCharacters(in: .whitespacesAndNewlines).lowercased()
            guard let other = seen.updateValue(text, forKey: folded) else { continue }
            throw unfit(
                key, item,
                other == text
                    ? "'\(text)' stands twice"
                    : "'\(other)' and '\(text)' are the same but for case and spaces around")
        }
    }

    /// A JSON object: as its text, or written in YAML.
    func object(_ key: String, _ target: inout String?) throws {
        guard case .mapping? = value(key) else { return try text(key, &target) }
        known.append(key)
        guard let node = value(key) else { return }
        target = try json(node, key)
    }

    private func json(_ node: Node, _ key: String) throws -> String {
        switch node {
        case .mapping(let mapping):
            let members = try mapping.map { name, value in
                guard let name = name.scalar?.string else {
                    throw wrong(key, name, "a JSON object")
                }
                return "\(JSONText.quoted(name)):\(try json(value, key))"
            }
            return "{\(members.joined(separator: ","))}"
        case .sequence(let sequence):
            return "[\(try sequence.map { try json($0, key) }.joined(separator: ","))]"
        case .scalar(let scalar):
            if scalar.style == .plain {
                if node.null != nil { return "null" }
                if let flag = node.bool { return flag ? "true" : "false" }
                if let number = node.int { return String(number) }
                if let number = node.float, number.isFinite { return JSONText.number(number) }
            }
            return JSONText.quoted(scalar.string)
        case .alias: throw wrong(key, node, "a JSON object")
        }
    }

    /// Texts by name, in the order of the file.
    func namedTexts(_ key: String, _ target: inout [(label: String, sentence: String)]) throws {
        known.append(key)
        switch mode {
        case .write:
            guard !target.isEmpty else { return }
            written.append((Node(key), Node(target.map { (Node($0.label), Node($0.sentence)) })))
        case .read:
            guard let value = value(key) else { return }
            guard case .mapping(let mapping) = value else {
                throw wrong(key, value, "a section of `label: sentence` lines")
            }
            target = try mapping.map { name, sentence in
                guard name.null == nil, sentence.null == nil, let label = name.scalar?.string,
                    let text = sentence.scalar?.string
                else {
                    throw wrong(key, sentence, "a section of `label: sentence` lines")
                }
                return (label, text)
            }
        }
    }

    /// A list of sections; one that isn't a list is a list of one.
    func sections<Element>(
        _ key: String, _ target: inout [Element], _ fresh: Element,
        _ visit: (RecipeFields, inout Element) throws -> Void
    ) throws {
        known.append(key)
        switch mode {
        case .write:
            written.append((Node(key), Node(try target.map { try nodeWritten($0, key, visit) })))
        case .read:
            guard let value = value(key) else { return }
            target = try (value.sequence.map(Array.init) ?? [value]).map { item in
                guard case .mapping(let mapping) = item else {
                    throw wrong(key, item, "a list of sections with keys")
                }
                var element = fresh
                let inner = RecipeFields(reading: mapping, file: file, path: join(key))
                try visit(inner, &element)
                try inner.refuseUnknown()
                return element
            }
        }
    }

    /// A section that may be absent.
    func optionalSection<Element>(
        _ key: String, _ target: inout Element?, _ fresh: Element,
        _ visit: (RecipeFields, inout Element) throws -> Void
    ) throws {
        known.append(key)
        switch mode {
        case .write:
            guard let element = target else { return }
            written.append((Node(key), try nodeWritten(element, key, visit)))
        case .read:
            guard let value = value(key) else { return }
            guard case .mapping(let mapping) = value else {
                throw wrong(key, value, "a section with keys")
            }
            var element = fresh
            let inner = RecipeFields(reading: mapping, file: file, path: join(key))
            try visit(inner, &element)
            try inner.refuseUnknown()
            target = element
        }
    }

    /// The error for two keys that say the same thing.
    func both(_ key: String, _ other: String) -> RecipeError {
        RecipeError("\(file): \(join(key)) and \(join(other)) are both given; give one of them")
    }

    private func nodeWritten<Element>(
        _ element: Element, _ key: String, _ visit: (RecipeFields, inout Element) throws -> Void
    ) throws -> Node {
        var element = element
        let inner = RecipeFields(writingAt: join(key))
        try visit(inner, &element)
        return inner.node
    }
}
