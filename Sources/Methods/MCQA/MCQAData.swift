// What a run reads: the few real examples (`data.pool`), the test (`data.test`), and without generation the
// items (`method.items`), which are divided where there is no test of its own. Nothing that is trained on
// is a test item, or nearly one.

import Corpus

/// The items of a run.
struct MCQAData {
    /// The real examples of each subject, in the order of the file.
    let subjects: [(name: String, examples: [ChoiceItem])]
    /// Given items to train on; empty where items are written.
    let items: [ChoiceItem]
    /// What is measured on.
    let test: [ChoiceItem]
    /// Rows that repeat another one.
    let repeats: Int
    /// What was left out: examples and given items that are test items, or nearly.
    let overlapping: (examples: Int, items: Int)

    init(_ recipe: Recipe) throws {
        let options = recipe.method.mcqa
        func read(_ paths: [String]) throws -> (items: [ChoiceItem], repeats: Int) {
            guard !paths.isEmpty else { return ([], 0) }
            let reader = try ChoiceItemReader(paths)
            guard !options.subjects.isEmpty else { return (reader.items, reader.repeats) }
            let wanted = Set(options.subjects)
            return (reader.items.filter { wanted.contains($0.subject) }, reader.repeats)
        }
        let examples = try read(recipe.data.pool)
        let given = try read(options.items)
        let tests = try read(recipe.data.test)
        for (key, items) in [("data.pool", examples.items), ("method.items", given.items)]
        where items.isEmpty && (key == "data.pool" || options.generation == .none) {
            throw MethodError(
                .invalidRecipe,
                "\(key): there are no items of the subjects \(options.subjects.joined(separator: ", "))"
            )
        }
        let (training, test) =
            recipe.data.test.isEmpty
            ? Self.divided(given.items, heldOut: options.testRatio, seed: recipe.seed)
            : (given.items, tests.items)
        var gate = OverlapGate(test, similarity: options.similarity)
        let apart = examples.items.filter { gate.overlap(of: $0) == nil }
        items = training.filter { gate.overlap(of: $0) == nil }
        self.test = test
        repeats = examples.repeats + given.repeats + tests.repeats
        overlapping = (examples.items.count - apart.count, training.count - items.count)
        subjects = Self.drawn(apart, count: options.examples, seed: recipe.seed)
        guard !subjects.isEmpty else {
            throw MethodError(
                .invalidRecipe,
                "data.pool: all of \(examples.items.count) examples are test items, or nearly; give others"
            )
        }
        guard options.generation != .none || !items.isEmpty else {
            throw MethodError(
                .invalidRecipe,
                "method.items: none of \(given.items.count) items is left to train on; lower "
                    + "method.test_ratio \(options.testRatio)")
        }
    }

    /// All real examples.
    var examples: [ChoiceItem] { subjects.flatMap(\.examples) }

    /// Items by side, decided by their words: the same item is on one side under any id.
    private static func divided(
        _ items: [ChoiceItem], heldOut share: Double, seed: UInt64
    ) -> (training: [ChoiceItem], test: [ChoiceItem]) {
        let split = HeldOutSplit(.fraction(share), seed: seed)
            .indexes(of: items.map { OverlapGate.key($0) })
        return (split.training.map { items[$0] }, split.heldOut.map { items[$0] })
    }

    /// So many examples of each subject, drawn by the seed; subjects as they come first.
    private static func drawn(
        _ items: [ChoiceItem], count: Int, seed: UInt64
    ) -> [(name: String, examples: [ChoiceItem])] {
        var names: [String] = []
        var bySubject: [String: [ChoiceItem]] = [:]
        for item in items {
            if bySubject[item.subject] == nil { names.append(item.subject) }
            bySubject[item.subject, default: []].append(item)
        }
        return names.enumerated().map { place, name in
            let all = bySubject[name] ?? []
            guard all.count > count else { return (name, all) }
            let order = Permutation(count: all.count, seed: seed, epoch: place)
            return (name, (0..<count).map { order[$0] }.sorted().map { all[$0] })
        }
    }
}
