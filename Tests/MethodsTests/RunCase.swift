// A whole run on a small generated data set: sentences about colours and animals, a tiny encoder as
// teacher or answers recorded before, a tiny student, any number of ranks in one process.

import Foundation
import Methods
import TestSupport
import Training

/// What a finished run left behind, without what depends on the clock or the rank count.
struct RunOutcome: Equatable {
    var report: [String: String] = [:]
    var metrics: [String] = []
    var student: [String: Data] = [:]

    /// The same without how many labels were asked for now.
    var withoutLabelCounts: RunOutcome {
        var copy = self
        copy.report["labels_asked"] = nil
        copy.report["labels_cached"] = nil
        return copy
    }
}

/// A folder with data, models and runs.
struct RunCase {
    let folder: TemporaryFolder
    var recipe: Recipe
    /// Stands for the recipe's YAML, which the command line writes.
    var resolvedRecipe = "seed: 7\n"

    init() throws {
        folder = try TemporaryFolder()
        recipe = Recipe()
        try TinyBert(seed: 1, width: 32, labels: [], isBare: true).write(
            to: folder.file("encoder"))
        let pool = Self.sentences(60, seed: 2)
        let test = Self.sentences(20, seed: 3)
        try folder.write("pool.jsonl", Self.lines(pool))
        try folder.write("test.jsonl", Self.lines(test))
        try folder.write(
            "answers.jsonl",
            pool.enumerated().map { index, sentence in
                // Right four times out of five, and surer of some than of others.
                let shown = index % 5 == 0 ? (sentence.label + 1) % 3 : sentence.label
                let chance = 0.5 + 0.4 * Double(index % 7) / 7
                let others = (1 - chance) / 2
                let pairs = (0..<3).map {
                    "\"\(Self.labels[$0])\": \($0 == shown ? chance : others)"
                }
                return "{\"id\": \"\(sentence.id)\", \"label_probabilities\": {"
                    + pairs.joined(separator: ", ") + "}}\n"
            }.joined())
        recipe.name = "test"
        recipe.seed = 7
        recipe.data.pool = [folder.file("pool.jsonl")]
        recipe.data.test = [folder.file("test.jsonl")]
        recipe.teacher.leaseSize = 7
        recipe.student.model = folder.file("encoder")
        recipe.student.maximumLength = 16
        recipe.method.selection.warmupSteps = 2
        // A run of 16 steps: thresholds that follow the student at once.
        recipe.method.selection.momentum = 0.5
        recipe.train.epochs = 2
        recipe.train.globalBatchSize = 8
        recipe.train.microBatches = 4
        recipe.train.learningRate = 5e-4
        recipe.checkpoint.saveSteps = 4
        recipe.evaluate.evaluationSteps = 5
        useEncoder()
    }

    static let labels = ["cat", "dog", "bird"]

    mutating func useEncoder() {
        recipe.teacher.kind = .encoder
        recipe.teacher.model = folder.file("encoder")
        recipe.teacher.labelSentences = Self.labels.map { (label: $0, sentence: "the \($0)") }
    }

    mutating func useRecording() {
        recipe.teacher.kind = .recorded
        recipe.teacher.path = folder.file("answers.jsonl")
    }

    private static func sentences(
        _ count: Int, seed: UInt64
    ) -> [(id: String, text: String, label: Int)] {
        var numbers = SampleNumbers(seed: seed)
        return (0..<count).map { index in
            let label = numbers.below(3)
            let words = TinyBert.words
            let text =
                "the \(words[numbers.below(3)]) \(labels[label]) \(words[6 + numbers.below(4)]) "
                + "\(words[13 + numbers.below(4)]) \(seed) \(index)"
            return ("\(seed)-\(index)", text, label)
        }
    }

    private static func lines(_ sentences: [(id: String, text: String, label: Int)]) -> String {
        sentences.map {
            "{\"id\": \"\($0.id)\", \"text\": \"\($0.text)\", \"label\": \"\(labels[$0.label])\"}\n"
        }.joined()
    }

    // MARK: - Running

    /// Carries the run out.
    ///
    /// - Parameters:
    ///   - name: The run's folder.
    ///   - stopping: Stops at the edge of that step of this call.
    /// - Returns: Whether all is done, and what the leader said.
    @discardableResult
    func run(
        _ name: String, ranks: Int, resume: ResumePoint = .automatic, stopping: Int? = nil,
        labelsOnly: Bool = false
    ) async throws -> (isComplete: Bool, said: String) {
        var recipe = recipe
        recipe.outputDirectory = folder.file(name)
        guard labelsOnly else {
            return try await ThreadedRun.carryOut(
                recipe, ranks: ranks, resolved: resolvedRecipe, stopping: stopping, resume: resume)
        }
        return try await ThreadedRun.carryOut(recipe, ranks: ranks, resolved: resolvedRecipe) {
            session, _ in
            try DistillationRun(session).labelOnly()
        }
    }

    func outcome(_ name: String) throws -> RunOutcome {
        var outcome = RunOutcome()
        let data = try Data(contentsOf: URL(fileURLWithPath: folder.file("\(name)/report.json")))
        let members = try JSONSerialization.jsonObject(with: data) as? [String: Any] ?? [:]
        for (key, value) in members {
            let isTimed = ["seconds", "train_samples_per_s", "ranks"].contains(key)
            outcome.report[key] = isTimed ? nil : "\(value)"
        }
        let log = try String(contentsOfFile: folder.file("\(name)/metrics.jsonl"), encoding: .utf8)
        outcome.metrics = log.split(separator: "\n").map(String.init).filter {
            !$0.contains("\"kind\":\"time\"")
        }
        for file in ["config.json", "model.safetensors", "tokenizer.json"] {
            outcome.student[file] = try Data(
                contentsOf: URL(fileURLWithPath: folder.file("\(name)/student/\(file)")))
        }
        return outcome
    }

    func number(_ key: String, _ name: String) throws -> Double? {
        try FinishedReport(folder: RunFolder(path: folder.file(name))).number(key)
    }
}
