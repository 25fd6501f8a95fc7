// `--set` overrides, and the resolved recipe: written with every key, read again as the same recipe.

import Foundation
import Methods
import Teacher
import TestSupport
import Testing
import Training

@testable import retort

@Suite struct RecipeOverrideTests {
    private let folder: TemporaryFolder
    private let path: String

    init() throws {
        folder = try TemporaryFolder()
        path = try folder.write(
            "recipe.yaml",
            """
            name: small
            data: {pool: [a.jsonl], test: [t.jsonl]}
            teacher:
              model: encoder
              label_sentences: {x: an x, y: a y}
            student: {model: student}
            train: {epochs: 4}
            """)
    }

    @Test func overrides() throws {
        let recipe = try RecipeFile.load(
            path,
            overrides: [
                "train.epochs=7", "seed=18446744073709551615", "data.pool=[b.csv, 'c d.csv']",
                "method.ratio=0.5", "method.selection=random", "name=other=name",
                "teacher.label_sentences.z=a z", "data.label_field=null", "evaluate.eval_steps=0",
                "train.epochs=9",
            ])
        #expect(recipe.train.epochs == 9 && recipe.seed == .max)
        #expect(recipe.data.pool == ["b.csv", "c d.csv"] && recipe.data.test == ["t.jsonl"])
        #expect(recipe.method.selection.rule == .random && recipe.method.selection.ratio == 0.5)
        #expect(recipe.name == "other=name" && recipe.outputDirectory == "runs/other=name")
        #expect(recipe.teacher.labelSentences.map(\.label) == ["x", "y", "z"])
        #expect(recipe.data.labelField == nil && recipe.evaluate.evaluationSteps == 0)
    }

    /// Null takes a key back to its default; nothing at all is not a number.
    @Test func defaultsAgain() throws {
        let recipe = try RecipeFile.load(path, overrides: ["train.epochs=null", "data.test=[]"])
        #expect(recipe.train.epochs == TrainingOptions().epochs && recipe.data.test == [])
        let error = #expect(throws: RecipeError.self) {
            try RecipeFile.load(path, overrides: ["train.epochs="])
        }
        #expect(error?.description.contains("train.epochs '' is not") == true)
    }

    @Test(arguments: ["epochs", "=3", "", "train..epochs=3", ".=1", "train.epochs.deep=3"])
    func malformed(override: String) throws {
        let error = #expect(throws: RecipeError.self) {
            try RecipeFile.load(path, overrides: [override])
        }
        #expect(error?.description.contains("\n") == false)
    }

    @Test func brokenValue() throws {
        let error = #expect(throws: RecipeError.self) {
            try RecipeFile.load(path, overrides: ["train.epochs=[1"])
        }
        #expect(error?.description.contains("--set train.epochs=[1") == true)
        #expect(error?.description.contains("not valid YAML") == true)
    }

    // MARK: - Resolved

    /// Every option off its default, with texts that YAML would take for something else.
    private var unusual: Recipe {
        var recipe = Recipe()
        recipe.name = "true"
        recipe.seed = 12_345_678_901_234_567_890
        recipe.outputDirectory = "runs/a b: c # d"
        recipe.data.pool = ["- x.jsonl", "'y'.csv", "1", "null"]
        recipe.data.test = ["~"]
        recipe.data.format = "lines"
        recipe.data.textField = "no"
        recipe.data.labelField = nil
        recipe.data.idField = "123"
        recipe.data.onBadRow = "skip"
        recipe.teacher.model = "m: n"
        recipe.teacher.temperature = 0.1
        recipe.teacher.labelSentences = [
            ("on", "first: \"one\""), ("2", "zwei, für alle"), ("", "no name"), ("#", "e\nf"),
        ]
        recipe.teacher.prototypes = ["p.jsonl"]
        recipe.teacher.labels = ["b", "a", "false"]
        recipe.teacher.leaseSize = 3
        recipe.student.model = "s"
        recipe.student.newHead = true
        recipe.method.selection = SelectionOptions(
            rule: .confidence, randomRatio: 0.7, ratio: 1.0 / 3, momentum: 0.123_456_789_012_345_67,
            warmupSteps: 0,
            adaptConfidence: true, adaptUncertainty: false, weighted: false, targetRatio: 1e-9)
        recipe.method.target = .soft
        recipe.method.temperature = 2.5
        recipe.train.warmupSteps = 3
        recipe.train.optimizer = .sgd
        recipe.train.schedule = .cosine
        recipe.train.learningRate = 5e-5
        recipe.train.maximumGradientNorm = 0
        recipe.checkpoint.saveSteps = 0
        recipe.evaluate.loggingSteps = 1
        return recipe
    }

    @Test func resolvedRoundTrip() throws {
        let text = try RecipeFile.resolved(unusual)
        let again = try RecipeFile.load(folder.write("resolved.yaml", text))
        #expect(again == unusual, "\(text)")
        #expect(try RecipeFile.resolved(again) == text)
    }

    @Test func aTeacherOnServersRoundTrips() throws {
        var recipe = unusual
        recipe.teacher = Recipe.TeacherOptions()
        recipe.teacher.kind = .openai
        recipe.teacher.labels = ["yes", "no"]
        recipe.teacher.servers.baseURLs = ["http://one:8000/v1", "https://${TWO}/v1"]
        recipe.teacher.servers.apiKey = "${KEY}"
        recipe.teacher.servers.proxy = "http://proxy:3128"
        recipe.teacher.servers.inputPrice = 0.15
        recipe.teacher.servers.outputPrice = 0.6
        recipe.teacher.task.model = "a/b: c"
        recipe.teacher.task.route = .completions
        recipe.teacher.task.prompts = [.init(user: "{{text}}:\n"), .init(systemFile: "s.txt")]
        recipe.teacher.task.examples = .init(path: "few.jsonl", count: 2, choose: .class, seed: 9)
        recipe.teacher.task.confidence = .votes
        recipe.teacher.task.samples = 5
        recipe.teacher.task.temperature = 0.7
        recipe.teacher.task.extraBody = "{\"top_k\": 5}"
        recipe.teacher.calibration = ["gold.jsonl"]
        recipe.budget.usd = 2.5
        recipe.budget.requests = 100
        recipe.rate.tokensPerMinute = 1000
        let text = try RecipeFile.resolved(recipe)
        let again = try RecipeFile.load(folder.write("resolved.yaml", text))
        #expect(again == recipe, "\(text)")
        #expect(try RecipeFile.resolved(again) == text)
        // A key that stands in the recipe itself goes nowhere.
        recipe.teacher.servers.apiKey = "sk-secret"
        #expect(!(try RecipeFile.resolved(recipe)).contains("secret"))
    }

    @Test func resolvedDefaultsRoundTrip() throws {
        let recipe = try RecipeFile.load(path)
        let text = try RecipeFile.resolved(recipe)
        for key in ["micro_batches", "target_ratio", "on_bad_row", "keep_latest_k", "warmup_ratio"]
        {
            #expect(text.contains("  \(key):"), "\(key)")
        }
        #expect(try RecipeFile.load(folder.write("resolved.yaml", text)) == recipe)
    }
}
