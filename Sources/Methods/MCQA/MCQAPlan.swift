// What a run of few-shot multiple choice will do: counts from the real files, the real gates and the real
// tokenizer; requests and what they may cost, at most. Nothing is asked and nothing is written.

import Corpus
import Models
import Reporting
import Teacher
import Tokenizers
import Training

/// The plan of a run, line by line.
struct MCQAPlan {
    private(set) var lines: [(name: String, value: String)] = []

    /// Items whose tokens are counted; these stand for all.
    private static let sampleSize = 500
    /// Bytes of a token in running text.
    private static let bytesOfToken = 4.0

    /// - Throws: for models, data and options that can't be.
    init(_ recipe: Recipe, ranks: Int) throws {
        let options = recipe.method.mcqa
        let data = try MCQAData(recipe)
        let source = try ClassifierSource(recipe)
        add(
            "examples",
            "\(data.examples.count) of \(data.subjects.count) subjects"
                + (data.overlapping.examples > 0
                    ? ", \(data.overlapping.examples) left out as test items" : ""))
        if options.generation == .none {
            add(
                "items",
                "\(NumberText.grouped(data.items.count))"
                    + (data.overlapping.items > 0
                        ? ", \(data.overlapping.items) left out as test items" : ""))
        }
        add(
            "test",
            "\(NumberText.grouped(data.test.count)) items"
                + (recipe.data.test.isEmpty ? ", cut from the given ones" : ""))
        let wanted = data.subjects.count * options.perSubject
        let most =
            options.generation == .none
            ? data.items.count : wanted * max(1, options.generation.ways.count)
        addRequests(recipe, data, wanted: wanted, scored: most)
        let tokens = Self.tokens(
            data.items.isEmpty ? data.examples : data.items, source, recipe.student.maximumLength)
        add(
            "tokens of an item",
            "\(fixed(tokens.mean, 0)) on average over all its choices, \(tokens.longest) at most in one"
        )
        for student in options.students {
            let items = student == .fewShot ? data.examples.count : most
            let epochs =
                student == .fewShot
                ? options.fewShotEpochs ?? recipe.train.epochs : recipe.train.epochs
            let steps = BatchOrder(
                poolSize: items, batchSize: recipe.train.globalBatchSize, epochs: epochs,
                seed: recipe.seed
            ).totalSteps
            add(
                "student \(student.rawValue)",
                "\(NumberText.grouped(items)) items"
                    + (options.isJoint
                        ? ", \(steps) steps of \(recipe.train.globalBatchSize)"
                        : ", a student for each subject"))
        }
        lines += RunPlan.memory(recipe, source.folder, ranks: ranks, meanTokens: tokens.mean)
        if ranks > recipe.train.microBatches {
            add(
                "idle ranks",
                "\(ranks - recipe.train.microBatches) of \(ranks): raise train.micro_batches")
        }
        add("folder", recipe.outputDirectory)
    }

    private mutating func add(_ name: String, _ value: String) { lines.append((name, value)) }

    /// The most requests, and tokens and money of those if each item is taken at once.
    private mutating func addRequests(
        _ recipe: Recipe, _ data: MCQAData, wanted: Int, scored: Int
    ) {
        let options = recipe.method.mcqa
        var sent = 0.0
        var least = 0
        for way in options.generation.ways {
            let calls = wanted * way.callsOfItem
            least += calls
            add(
                "writing, \(way.rawValue)",
                "\(NumberText.grouped(calls)) requests if each item is taken at once, "
                    + "\(NumberText.grouped(calls * options.attempts)) at most")
            for (name, examples) in data.subjects {
                let prompt = GenerationPrompt(
                    subject: name, examples: examples, choices: options.choices)
                let turns =
                    way == .direct
                    ? prompt.wholeItem
                    : prompt.question + prompt.answer(to: "")
                        + prompt.distractors(of: "", answer: "")
                let bytes = turns.reduce(0) { $0 + $1.content.utf8.count }
                sent += Double(options.perSubject * bytes) / Self.bytesOfToken
            }
        }
        if recipe.teacher.kind != .recorded || options.generation != .none {
            let orders = options.cyclesChoices && options.scoring == .letters ? options.choices : 1
            add("scoring", "\(NumberText.grouped(scored * orders)) requests at most")
        }
        guard least > 0 else { return }
        add(
            "tokens of writing",
            "about \(NumberText.grouped(Int(sent))) sent, \(NumberText.grouped(least * options.maximumTokens)) "
                + "back at most, if each item is taken at once")
        guard let input = recipe.teacher.servers.inputPrice,
            let output = recipe.teacher.servers.outputPrice
        else { return }
        let back = Double(least * options.maximumTokens)
        add("money of writing", "at most about " + money(Int64(sent * input + back * output)))
    }

    private static func tokens(
        _ items: [ChoiceItem], _ source: ClassifierSource, _ maximumLength: Int
    ) -> (mean: Double, longest: Int) {
        let step = max(1, items.count / sampleSize)
        let sample = stride(from: 0, to: items.count, by: step).map { items[$0] }
        let pairs = ChoicePairs(sample, source.tokenizer, maximumLength)
        let counts = sample.indices.map { pairs[$0].map(\.ids.count) }
        return (
            Double(counts.reduce(0) { $0 + $1.reduce(0, +) }) / Double(max(1, counts.count)),
            counts.flatMap { $0 }.max() ?? 0
        )
    }
}
