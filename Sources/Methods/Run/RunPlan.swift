// What a recipe will do: counts from the real data, the real tokenizer and the real ledger; memory and
// disk from the model's size. Nothing is asked of a teacher and nothing is written, unless a probe is.

import Corpus
import Models
import Reporting
import Teacher
import TensorCore
import Tokenizers
import Training

/// A recipe's plan.
public struct RunPlan {
    private var pairs: [(name: String, value: String)] = []

    /// Texts whose tokens are counted; the mean of these stands for all.
    private static let sampleSize = 2_000

    /// The first request as the teacher would see it; empty where the teacher isn't asked in words.
    private var prompt = ""

    /// Plans a recipe for a count of ranks.
    ///
    /// - Parameter probe: What asking the teacher for a few records has shown.
    public init(_ recipe: Recipe, ranks: Int, probe: LabellingProbe? = nil) throws {
        if recipe.method.name == .mcqa {
            try LabellingChecks.checkFolder(recipe.outputDirectory)
            pairs = try MCQAPlan(recipe, ranks: ranks).lines
            return
        }
        if try recipe.hasGenerativeStudent {
            try LabellingChecks.checkFolder(recipe.outputDirectory)
            pairs = try GenerativePlan(recipe, ranks: ranks).lines
            return
        }
        let inputs = try RunInputs(recipe)
        try LabellingChecks.checkCalibration(recipe)
        try LabellingChecks.checkFolder(recipe.outputDirectory)
        let student = try ModelFolder(path: recipe.student.model)
        let tokenizer = try Tokenizer(contentsOf: recipe.student.model)
        let count = inputs.pool.records.count
        let tokens = Self.tokens(inputs.pool.records, tokenizer, recipe.student.maximumLength)
        add("pool", "\(count) texts (\(inputs.pool.report.summary))")
        if let test = inputs.test { add("test", "\(test.records.count) texts") }
        add("tokens of a text", "\(fixed(tokens.mean, 1)) on average, \(tokens.longest) at most")
        let teacher = try TeacherFactory.make(recipe, compute: Compute())
        add("teacher", teacher.description)
        switch teacher {
        case .local(let teacher): try addRequests(recipe, teacher, inputs)
        case .servers(let teacher):
            addLabelling(recipe, try LabellingPlan(recipe, teacher), probe, ranks: ranks)
        }
        addSteps(recipe, count)
        pairs += Self.memory(recipe, student, ranks: ranks, meanTokens: tokens.mean)
        add("folder", recipe.outputDirectory)
    }

    /// The plan as a table.
    public var text: String {
        var table = TextTable([.init("what"), .init("how much")])
        for pair in pairs { table.add([pair.name, pair.value]) }
        return table.text + prompt
    }

    private mutating func add(_ name: String, _ value: String) {
        pairs.append((name, value))
    }

    private static func tokens(
        _ records: [Record], _ tokenizer: Tokenizer, _ maximumLength: Int
    ) -> (mean: Double, longest: Int) {
        let step = max(1, records.count / sampleSize)
        let counts = stride(from: 0, to: records.count, by: step).map {
            tokenizer.encodeIDs(records[$0].text, maximumLength: maximumLength).count
        }
        return (
            Double(counts.reduce(0, +)) / Double(max(1, counts.count)), counts.max() ?? 0
        )
    }

    private mutating func addRequests(
        _ recipe: Recipe, _ teacher: any Teacher, _ inputs: RunInputs
    ) throws {
        let known = try LedgerContents(
            folder: RunFolder(path: recipe.outputDirectory, labels: recipe.labelDirectory).labels)
        let asksTest = recipe.teacher.kind == .encoder
        let records = inputs.pool.records + (asksTest ? inputs.test?.records ?? [] : [])
        let keys = Set(
            records.map {
                LabelKey(teacher: teacher.identity, request: teacher.requestBytes(for: $0))
            })
        let cached = keys.count { known.answer(to: $0) != nil }
        // The run would end at the first record without a recorded answer.
        if recipe.teacher.kind == .recorded {
            _ = try teacher.label(
                records.filter {
                    known.answer(
                        to: LabelKey(
                            teacher: teacher.identity, request: teacher.requestBytes(for: $0)))
                        == nil
                })
        }
        add("requests", "\(keys.count - cached) to ask, \(cached) answered before, no cost")
    }

    private mutating func addLabelling(
        _ recipe: Recipe, _ plan: LabellingPlan, _ probe: LabellingProbe?, ranks: Int
    ) {
        func range(_ estimate: LabellingPlan.Estimate, _ text: (Double) -> String) -> String {
            "\(text(estimate.low)) (low), \(text(estimate.likely)) (likely), "
                + "\(text(estimate.high)) (at most)"
        }
        func whole(_ value: Double) -> String { NumberText.grouped(Int(value.rounded(.up))) }
        add(
            "records to ask",
            "\(NumberText.grouped(plan.records)) of \(NumberText.grouped(plan.rows)); "
                + "\(NumberText.grouped(plan.cached)) have a label, "
                + "\(NumberText.grouped(plan.repeats)) repeat another")
        add("requests", range(plan.requests, whole))
        add("tokens sent", range(plan.promptTokens(probe), whole))
        add("tokens back", range(plan.completionTokens(probe), whole))
        if let cost = plan.money(probe) {
            add("money", range(cost) { money(Int64($0.rounded(.up))) })
        } else {
            add("money", "unknown: set teacher.price")
        }
        let caps = LabellingChecks.budget(
            recipe.budget, spent: plan.spent,
            likely: (
                plan.money(probe)?.likely,
                plan.promptTokens(probe).likely + plan.completionTokens(probe).likely,
                plan.requests.likely
            ))
        for line in caps { add("budget", line) }
        let time = plan.time(probe)
        add("labelling time", "about \(NumberText.clock(seconds: time.seconds)), by \(time.by)")
        add(
            "labelling memory",
            "about \(Int(plan.residentBytes / 1_048_576)) MiB on each of \(ranks) ranks")
        add("labelling disk", "about \(Int(plan.ledgerBytes / 1_048_576) + 1) MiB of ledgers")
        if let probe {
            add(
                "probe",
                "\(probe.records) records asked: \(probe.requests) requests, "
                    + "\(probe.promptTokens) + \(probe.completionTokens) tokens, "
                    + "\(fixed(probe.seconds, 2)) s an answer; kept in the ledger")
        }
        if let request = plan.first.first {
            prompt =
                "first request (\(request.route.rawValue)):\n"
                + LabellingPlan.turns(of: request).joined(separator: "\n---\n") + "\n"
        }
    }

    private mutating func addSteps(_ recipe: Recipe, _ count: Int) {
        let order = BatchOrder(
            poolSize: count, batchSize: recipe.train.globalBatchSize, epochs: recipe.train.epochs,
            seed: recipe.seed)
        add("steps", "\(order.totalSteps) of \(recipe.train.globalBatchSize) samples")
        let selection = recipe.method.selection
        add(
            "selection",
            selection.rule.rawValue
                + (selection.targetRatio.map { ", about \(fixed(100 * $0, 0)) % kept" } ?? ""))
    }

    /// What an encoder takes of a rank's memory and of the disk.
    ///
    /// - Parameter meanTokens: Of a sample, all its texts together.
    static func memory(
        _ recipe: Recipe, _ folder: ModelFolder, ranks: Int, meanTokens: Double
    ) -> [(name: String, value: String)] {
        let weights = folder.configuration.weightCount
        let own = (recipe.train.microBatches + ranks - 1) / ranks
        let share = Double(recipe.train.globalBatchSize * own) / Double(recipe.train.microBatches)
        let tokens = min(Double(recipe.train.maximumTokensPerPass), share * meanTokens)
        let configuration = folder.configuration
        let activations =
            tokens * Double(configuration.activationBytesPerToken(recipe.train.precision))
        // Weights, packed weights and gradient on each rank; both moments shared over the ranks (ZeRO-1).
        let floats =
            2 * Double(weights) + Double(configuration.packedWeightCount)
            + 2 * Double(weights) / Double(ranks)
        let bytes = 4 * floats + activations
        let checkpoint = 12 * Double(weights) / 1_048_576
        let kept = Double(recipe.checkpoint.keepLatest + 1)
        return [
            ("weights", "\(fixed(Double(weights) / 1e6, 1)) million"),
            ("memory of a rank", "about \(fixed(bytes / 1_048_576, 0)) MiB, \(ranks) ranks"),
            (
                "disk",
                "about \(fixed(checkpoint * kept + 4 * Double(weights) / 1_048_576, 0)) MiB "
                    + "(\(recipe.checkpoint.keepLatest) checkpoints of \(fixed(checkpoint, 0)) MiB, one more "
                    + "while saving, the student)"
            ),
        ]
    }
}

extension Recipe {
    /// Whether the student writes answers; otherwise it chooses among labels.
    var hasGenerativeStudent: Bool {
        get throws {
            guard method.name != .llkd else { return false }
            return try DecoderFolder.isDecoder(student.model)
        }
    }
}
