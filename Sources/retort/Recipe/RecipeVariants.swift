// The variants of a recipe: overrides with several values, multiplied out.

import Methods

/// All combinations of the values that `--set` gives.
struct RecipeVariants {
    /// One combination.
    struct Variant {
        /// The values of the keys that vary, in the order of `keys`.
        let values: [String]
        /// `key=value` of all of them; also the name of its folder.
        let name: String
        let recipe: Recipe
    }

    /// The keys that vary.
    let keys: [String]
    /// The recipe with the first value of each.
    let base: Recipe
    let all: [Variant]

    init(_ path: String, overrides: [String]) throws {
        let parsed = overrides.map { override in
            let parts = override.split(separator: "=", maxSplits: 1).map(String.init)
            return (key: parts[0], values: Self.values(parts.count > 1 ? parts[1] : ""))
        }
        let varying = parsed.filter { $0.values.count > 1 }
        guard !varying.isEmpty else {
            throw RecipeError(
                "compare needs a key with several values, as --set method.selection=all,llkd")
        }
        keys = varying.map(\.key)
        let fixed = zip(overrides, parsed).filter { $0.1.values.count < 2 }.map(\.0)
        base = try RecipeFile.load(
            path, overrides: fixed + varying.map { "\($0.key)=\($0.values[0])" })
        var combinations: [[String]] = [[]]
        for (_, values) in varying {
            combinations = combinations.flatMap { head in values.map { head + [$0] } }
        }
        let directory = base.outputDirectory
        all = try combinations.map { values in
            let pairs = zip(varying, values).map { "\($0.0.key)=\($0.1)" }
            var recipe = try RecipeFile.load(path, overrides: fixed + pairs)
            let name = pairs.joined(separator: ",")
            recipe.name = name
            recipe.labelDirectory = "\(directory)/labels"
            recipe.outputDirectory = "\(directory)/\(name)"
            return Variant(values: values, name: name, recipe: recipe)
        }
    }

    /// `a,b,c` as its parts; a YAML list or a single value is one.
    private static func values(_ text: String) -> [String] {
        if text.hasPrefix("[") || text.hasPrefix("{") || text.hasPrefix("\"") { return [text] }
        return text.split(separator: ",").map(String.init)
    }
}
