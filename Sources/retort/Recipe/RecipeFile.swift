// From a recipe's YAML file and `--set` overrides to a checked `Recipe`, and back.

import Foundation
import Methods
import Yams

/// Reads and writes recipe files.
enum RecipeFile {
    /// Reads a recipe.
    ///
    /// - Parameters:
    ///   - path: The YAML file.
    ///   - overrides: `key.subkey=value` texts, later ones winning; values are YAML.
    static func load(_ path: String, overrides: [String] = []) throws -> Recipe {
        guard let data = FileManager.default.contents(atPath: path) else {
            throw RecipeError(
                "\(path): no such recipe, or not readable", exitCode: ExitCodes.noInput)
        }
        guard let text = String(data: data, encoding: .utf8) else {
            throw RecipeError("\(path): not UTF-8 text")
        }
        var root = try parse(text, path)
        for override in overrides { try apply(override, to: &root) }
        guard case .mapping(let mapping) = root else {
            throw RecipeError("\(path): not a recipe; a recipe is `key: value` lines")
        }
        var recipe = Recipe()
        try recipe.visit(RecipeFields(reading: mapping, file: path))
        if recipe.outputDirectory.isEmpty { recipe.outputDirectory = "runs/\(recipe.name)" }
        try RecipeChecks.check(recipe, file: path)
        return recipe
    }

    /// The recipe as YAML with every key, in a fixed order.
    static func resolved(_ recipe: Recipe) throws -> String {
        var copy = recipe
        let fields = RecipeFields(writingAt: "")
        try copy.visit(fields)
        return try Yams.serialize(node: fields.node)
    }

    private static func parse(_ text: String, _ path: String) throws -> Node {
        do {
            guard let root = try Yams.compose(yaml: text) else {
                throw RecipeError("\(path): empty")
            }
            try refuseRepeats(root, path)
            return root
        } catch let error as YamlError {
            throw RecipeError(describe(error, path))
        }
    }

    private static func describe(_ error: YamlError, _ path: String) -> String {
        switch error {
        case .scanner(_, let problem, let mark, _), .parser(_, let problem, let mark, _),
            .composer(_, let problem, let mark, _):
            return "\(path):\(mark.line): not valid YAML: \(problem)"
        case .duplicatedKeysInMapping(let duplicates, _):
            return "\(path): '\(duplicates.joined(separator: "', '"))' is there twice"
        default:
            return "\(path): not valid YAML"
        }
    }

    private static func refuseRepeats(_ node: Node, _ path: String) throws {
        guard case .mapping(let mapping) = node else { return }
        var seen: Set<String> = []
        for (key, value) in mapping {
            let name = key.scalar?.string ?? ""
            guard seen.insert(name).inserted else {
                let line = key.mark?.line ?? 1
                throw RecipeError("\(path):\(line): '\(name)' is there twice")
            }
            try refuseRepeats(value, path)
        }
    }

    /// Puts one `a.b=c` into the tree.
    private static func apply(_ override: String, to root: inout Node) throws {
        guard let equals = override.firstIndex(of: "="), equals != override.startIndex else {
            throw RecipeError("--set \(override): not of the form section.key=value")
        }
        let keys = override[..<equals].split(separator: ".", omittingEmptySubsequences: false)
            .map(String.init)
        let text = String(override[override.index(after: equals)...])
        let value: Node
        do {
            value = try Yams.compose(yaml: text).map(withoutPlaces) ?? Node("")
        } catch {
            throw RecipeError("--set \(override): '\(text)' is not valid YAML")
        }
        root = insert(value, at: keys[...], into: root)
    }

    /// The places in an override's own text say nothing of where it stands.
    private static func withoutPlaces(_ node: Node) -> Node {
        switch node {
        case .scalar(var scalar):
            scalar.mark = nil
            return .scalar(scalar)
        case .mapping(let mapping):
            let pairs = mapping.map { (withoutPlaces($0.key), withoutPlaces($0.value)) }
            return .mapping(Node.Mapping(pairs, mapping.tag, mapping.style))
        case .sequence(let sequence):
            return .sequence(
                Node.Sequence(sequence.map(withoutPlaces), sequence.tag, sequence.style))
        case .alias: return node
        }
    }

    private static func insert(_ value: Node, at keys: ArraySlice<String>, into node: Node) -> Node
    {
        guard let key = keys.first else { return value }
        var mapping = node.mapping ?? Node.Mapping([])
        let inner = mapping[Node(key)] ?? Node([(Node, Node)]())
        mapping[Node(key)] = insert(value, at: keys.dropFirst(), into: inner)
        return .mapping(mapping)
    }
}
