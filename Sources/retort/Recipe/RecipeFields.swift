// One table for reading and writing a recipe: `Recipe+Fields.swift` names every key once, and this
// visitor either takes the key's value out of a YAML tree or puts it in.
//
// Reading refuses keys that nobody asked for, names the nearest known one, and gives file and line.

import Foundation
import Yams

/// Visits the fields of a recipe, to read or to write them.
final class RecipeFields {
    enum Mode {
        case read(Node.Mapping)
        case write
    }

    let mode: Mode
    let file: String
    private let path: String
    var known: [String] = []
    var written: [(Node, Node)] = []

    /// A visitor that reads a mapping.
    init(reading mapping: Node.Mapping, file: String, path: String = "") {
        mode = .read(mapping)
        self.file = file
        self.path = path
    }

    /// A visitor that writes.
    init(writingAt path: String = "") {
        mode = .write
        file = ""
        self.path = path
    }

    /// What was written.
    var node: Node { Node(written) }

    // MARK: - Fields

    func section(_ key: String, _ fields: (RecipeFields) throws -> Void) throws {
        known.append(key)
        switch mode {
        case .write:
            let inner = RecipeFields(writingAt: join(key))
            try fields(inner)
            written.append((Node(key), inner.node))
        case .read:
            guard let value = value(key) else {
                return try visit(Node.Mapping([]), key, fields)
            }
            guard case .mapping(let mapping) = value else {
                throw wrong(key, value, "a section with keys")
            }
            try visit(mapping, key, fields)
        }
    }

    private func visit(
        _ mapping: Node.Mapping, _ key: String, _ fields: (RecipeFields) throws -> Void
    ) throws {
        let inner = RecipeFields(reading: mapping, file: file, path: join(key))
        try fields(inner)
        try inner.refuseUnknown()
    }

    func text(_ key: String, _ target: inout String) throws {
        try scalar(key, &target, "a text", read: { $0 }, write: { $0 })
    }

    func text(_ key: String, _ target: inout String?) throws {
        try optional(key, &target, "a text", read: { $0 }, write: { $0 })
    }

    func integer(_ key: String, _ target: inout Int, _ range: ClosedRange<Int>) throws {
        try scalar(
            key, &target, "a whole number \(describe(range))",
            read: { Int($0).flatMap { range.contains($0) ? $0 : nil } }, write: { String($0) })
    }

    func integer(_ key: String, _ target: inout Int?, _ range: ClosedRange<Int>) throws {
        try optional(
            key, &target, "a whole number \(describe(range))",
            read: { Int($0).flatMap { range.contains($0) ? $0 : nil } }, write: { String($0) })
    }

    func unsigned(_ key: String, _ target: inout UInt64) throws {
        try scalar(
            key, &target, "a whole number of at least 0", read: { UInt64($0) },
            write: { String($0) })
    }

    func number(_ key: String, _ target: inout Double, _ range: ClosedRange<Double>) throws {
        try scalar(
            key, &target, "a number \(describe(range))",
            read: { Double($0).flatMap { range.contains($0) ? $0 : nil } }, write: { "\($0)" })
    }

    func number(_ key: String, _ target: inout Double?, _ range: ClosedRange<Double>) throws {
        try optional(
            key, &target, "a number \(describe(range))",
            read: { Double($0).flatMap { range.contains($0) ? $0 : nil } }, write: { "\($0)" })
    }

    func flag(_ key: String, _ target: inout Bool) throws {
        try scalar(
            key, &target, "true or false",
            read: { ["true": true, "false": false][$0.lowercased()] }, write: { String($0) })
    }

    func choice<Choice: RawRepresentable<String> & CaseIterable>(
        _ key: String, _ target: inout Choice
    ) throws {
        let names = Choice.allCases.map(\.rawValue).joined(separator: ", ")
        try scalar(
            key, &target, "one of \(names)", read: { Choice(rawValue: $0) },
            write: { $0.rawValue })
    }

    func choice<Choice: RawRepresentable<String> & CaseIterable>(
        _ key: String, _ target: inout Choice?
    ) throws {
        let names = Choice.allCases.map(\.rawValue).joined(separator: ", ")
        try optional(
            key, &target, "one of \(names)", read: { Choice(rawValue: $0) },
            write: { $0.rawValue })
    }

    /// A text that is written only where it names environment variables instead of being the secret.
    func secret(_ key: String, _ target: inout String) throws {
        if isWriting, !target.contains("${") { return known.append(key) }
        try text(key, &target)
    }

    /// Whether values are written, not read.
    var isWriting: Bool {
        if case .write = mode { true } else { false }
    }

    // MARK: - Reading and writing one value

    private func scalar<Value>(
        _ key: String, _ target: inout Value, _ wanted: String, read: (String) -> Value?,
        write: (Value) -> String
    ) throws {
        known.append(key)
        switch mode {
        case .write: written.append((Node(key), Node(write(target))))
        case .read:
            guard let value = value(key) else { return }
            guard let text = value.scalar?.string, let parsed = read(text) else {
                throw wrong(key, value, wanted)
            }
            target = parsed
        }
    }

    /// A value that may be `null`; null is written out, so that a resolved recipe shows the key.
    private func optional<Value>(
        _ key: String, _ target: inout Value?, _ wanted: String, read: (String) -> Value?,
        write: (Value) -> String
    ) throws {
        known.append(key)
        switch mode {
        case .write: written.append((Node(key), Node(target.map(write) ?? "null")))
        case .read:
            guard let node = node(key) else { return }
            if node.null != nil {
                target = nil
                return
            }
            guard let text = node.scalar?.string, let parsed = read(text) else {
                throw wrong(key, node, wanted)
            }
            target = parsed
        }
    }

    func node(_ key: String) -> Node? {
        guard case .read(let mapping) = mode else { return nil }
        return mapping[Node(key)]
    }

    /// A value; null counts as absent.
    func value(_ key: String) -> Node? {
        node(key).flatMap { $0.null == nil ? $0 : nil }
    }

    /// Refuses keys that no field asked for.
    func refuseUnknown() throws {
        guard case .read(let mapping) = mode else { return }
        for (name, _) in mapping {
            let key = name.scalar?.string ?? "?"
            guard !known.contains(key) else { continue }
            let nearest = NearestName.of(key, among: known)
            let hint = nearest.map { "; did you mean '\($0)'?" } ?? ""
            throw RecipeError("\(place(name))unknown key '\(join(key))'\(hint)")
        }
    }

    // MARK: - Words

    func join(_ key: String) -> String { path.isEmpty ? key : "\(path).\(key)" }

    /// What an error about a node begins with; what `--set` gave stands in no line of the file.
    private func place(_ node: Node) -> String {
        node.mark.map { "\(file):\($0.line): " } ?? "--set: "
    }

    func wrong(_ key: String, _ node: Node, _ wanted: String) -> RecipeError {
        let given = node.scalar.map { " '\($0.string)'" } ?? ""
        return RecipeError("\(place(node))\(join(key))\(given) is not \(wanted)")
    }

    /// The error for a value that can't be, in words of its own.
    func unfit(_ key: String, _ node: Node, _ why: String) -> RecipeError {
        RecipeError("\(place(node))\(join(key)): \(why)")
    }

    private func describe(_ range: ClosedRange<Int>) -> String {
        range.upperBound == .max
            ? "of at least \(range.lowerBound)"
            : "from \(range.lowerBound) to \(range.upperBound)"
    }

    private func describe(_ range: ClosedRange<Double>) -> String {
        range.upperBound == .greatestFiniteMagnitude
            ? "of at least \(range.lowerBound)"
            : "from \(range.lowerBound) to \(range.upperBound)"
    }
}
