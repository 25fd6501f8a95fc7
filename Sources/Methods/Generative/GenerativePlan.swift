// What a run with a generative student will do: examples and their tokens by the student's own format,
// steps, memory and disk by the model's sizes, and what the method says of itself.

import Corpus
import Models
import Reporting
import Tokenizers
import Training

/// The plan of a generative run, line by line.
struct GenerativePlan {
    private(set) var lines: [(name: String, value: String)] = []

    /// Examples whose tokens are counted; these stand for all.
    private static let sampleSize = 2_000

    /// - Throws: for models, data and options that can't be.
    init(_ recipe: Recipe, ranks: Int) throws {
        let isAnswered = recipe.method.name == .sequence
        let inputs = try RunInputs(recipe, poolLabelRequired: !isAnswered)
        let folder = try DecoderFolder(path: recipe.student.model)
        let format = try ExampleFormat(
            recipe.student, folder: folder,
            tokenizer: Tokenizer(contentsOf: recipe.student.model))
        let examples = inputs.pool.records.map {
            TextExample(id: $0.id, prompt: $0.text, answer: $0.label ?? "")
        }
        let tokens = try Tokens(examples, format)
        add("examples", "\(examples.count) (\(inputs.pool.report.summary))")
        if let test = inputs.test { add("test", "\(test.records.count) examples") }
        add(
            "tokens of an example",
            "\(fixed(tokens.mean, 1)) on average, \(tokens.longest) at most, "
                + "\(fixed(tokens.answerMean, 1)) of them the answer's")
        if tokens.tooLong > 0 {
            add(
                "too long",
                "\(tokens.tooLong) of \(tokens.count) that were counted, left out by "
                    + "student.max_seq_length \(format.maximumLength)")
        }
        lines += try MethodPlan.lines(recipe, examples: examples.count)
        let learnt = examples.count * (isAnswered ? recipe.method.sequence.answers : 1)
        let steps = BatchOrder(
            poolSize: learnt, batchSize: recipe.train.globalBatchSize,
            epochs: recipe.train.epochs, seed: recipe.seed
        ).totalSteps
        add("steps", "\(steps) of \(recipe.train.globalBatchSize) examples")
        try addMemory(recipe, folder.configuration, ranks: ranks, tokens: tokens)
        if ranks > recipe.train.microBatches {
            add(
                "idle ranks",
                "\(ranks - recipe.train.microBatches) of \(ranks): raise train.micro_batches")
        }
        add("folder", recipe.outputDirectory)
    }

    private mutating func add(_ name: String, _ value: String) { lines.append((name, value)) }

    /// Counts of tokens over a sample of the examples.
    private struct Tokens {
        private(set) var count = 0
        private(set) var longest = 0
        private(set) var tooLong = 0
        private var sum = 0
        private var answers = 0

        init(_ examples: [TextExample], _ format: ExampleFormat) throws {
            let step = max(1, examples.count / sampleSize)
            for index in stride(from: 0, to: examples.count, by: step) {
                let (ids, labels) = try format.example(examples[index])
                count += 1
                longest = max(longest, ids.count)
                tooLong += ids.count > format.maximumLength ? 1 : 0
                sum += ids.count
                answers += labels.count { $0 != DecoderBatch.ignored }
            }
        }

        var mean: Double { Double(sum) / Double(max(1, count)) }
        var answerMean: Double { Double(answers) / Double(max(1, count)) }
    }

    private mutating func addMemory(
        _ recipe: Recipe, _ model: DecoderConfiguration, ranks: Int, tokens: Tokens
    ) throws {
        let train = recipe.train
        let own = (train.microBatches + ranks - 1) / ranks
        let share = Double(train.globalBatchSize * own) / Double(train.microBatches)
        let atOnce = min(Double(train.maximumTokensPerPass), share * tokens.mean)
        let weights = Double(model.weightCount)
        let trained = try Double(
            recipe.student.lora?.weightCount(of: model) ?? model.weightCount)
        let activations =
            atOnce
            * Double(
                model.activationBytesPerToken(
                    train.precision, recomputesLayers: train.recomputesLayers))
        // Rows of scores at a time: see the output layer's loss.
        let scores =
            3 * 4 * Double(max(16, min(256, (1 << 24) / model.vocabularySize)))
            * Double(model.vocabularySize)
        // What is trained and its gradient on each rank, both moments shared over the ranks (ZeRO-1).
        let learning = 4 * (2 * trained + 2 * trained / Double(ranks))
        // Frozen weights are packed alone, as they lie on disk; trained ones are packed besides.
        let packed =
            recipe.student.lora == nil
            ? 4 * Double(model.packedWeightCount) : 4 * weights
        add(
            "weights",
            "\(fixed(weights / 1e6, 1)) million"
                + (recipe.student.lora == nil
                    ? "" : ", \(fixed(trained / 1e6, 2)) million of adapters are trained"))
        let bytes = learning + packed + activations + scores
        add(
            "memory of a rank",
            "about \(fixed(bytes / 1_048_576, 0)) MiB, \(ranks) ranks"
                + (recipe.student.lora == nil ? "" : ", half the weights' where they are bfloat16"))
        let checkpoint = 12 * trained / 1_048_576
        let kept = Double(recipe.checkpoint.keepLatest + 1)
        add(
            "disk",
            "about \(fixed(checkpoint * kept + 4 * weights / 1_048_576, 0)) MiB "
                + "(\(recipe.checkpoint.keepLatest) checkpoints of \(fixed(checkpoint, 0)) MiB, one more "
                + "while saving, the student)")
    }
}

/// What a method says of itself in a plan.
enum MethodPlan {
    static func lines(
        _ recipe: Recipe, examples: Int
    ) throws -> [(name: String, value: String)] {
        switch recipe.method.name {
        case .llkd, .fineTune, .mcqa: []
        case .llm2llm: recipe.method.llm2llm.plan(seeds: examples)
        case .priming: recipe.method.priming.plan(questions: examples)
        case .sequence: recipe.method.sequence.plan(prompts: examples)
        }
    }
}

extension Recipe.LLM2LLMOptions {
    /// Students and requests, at most.
    fileprivate func plan(seeds: Int) -> [(name: String, value: String)] {
        let students = augmentation.hasRounds ? rounds : 1
        var lines = [("method", "\(augmentation.rawValue), \(students) students to train")]
        switch augmentation {
        case .llm2llm:
            let most = (rounds - 1) * seeds * attempts * (1 + agreementSamples * perSeed)
            lines.append(
                (
                    "requests",
                    "\(NumberText.grouped(most)) at most, if all of \(seeds) seeds stay wrong; "
                        + "\(NumberText.grouped((rounds - 1) * seeds * perSeed)) if each is answered well "
                        + "at once"
                ))
        case .bulk: lines.append(("requests", NumberText.grouped(calls)))
        case .none, .eda, .nearest, .random: break
        }
        return lines
    }
}

extension Recipe.PrimingOptions {
    /// Students and what is asked of the teacher.
    fileprivate func plan(questions: Int) -> [(name: String, value: String)] {
        let held = Int((Double(questions) * validationRatio).rounded())
        let students = seeds * (arms.count + (measuresFineTuned ? 1 : 0))
        let asked = NumberText.grouped(arms.count * (questions - held))
        return [
            ("method", "priming by \(signal.rawValue), \(students) students to train"),
            ("validation", "\(held) questions are cut from the examples"),
            ("teacher", signal == .logits ? "scores \(asked) answers" : "writes \(asked) answers"),
        ]
    }
}

extension Recipe.SequenceOptions {
    /// What is asked of the teacher.
    fileprivate func plan(prompts: Int) -> [(name: String, value: String)] {
        let tokens = NumberText.grouped(prompts * answers * maximumTokens)
        return [
            ("method", "sequence-level distillation, \(answers) answers a prompt"),
            (
                "requests",
                "\(NumberText.grouped(prompts * answers)), \(tokens) tokens of answers at most, which "
                    + "aren't counted below"
            ),
        ]
    }
}
