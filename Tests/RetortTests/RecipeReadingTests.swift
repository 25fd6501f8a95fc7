// Reading recipes: every error is one line with file and line number, and names what was meant.

import Foundation
import Methods
import Teacher
import TestSupport
import Testing
import Training

@testable import retort

@Suite struct RecipeReadingTests {
    private let folder: TemporaryFolder
    private static let sound = """
        name: small
        seed: 3
        data:
          pool: pool.jsonl
        teacher:
          kind: recorded
          path: answers.jsonl
        student:
          model: student
        """

    init() throws {
        folder = try TemporaryFolder()
    }

    private func load(_ text: String, _ overrides: [String] = []) throws -> Recipe {
        try RecipeFile.load(folder.write("recipe.yaml", text), overrides: overrides)
    }

    private func expectRefused(
        _ text: String, _ overrides: [String] = [], naming parts: String...,
        place: SourceLocation = #_sourceLocation
    ) {
        let error = #expect(throws: RecipeError.self, sourceLocation: place) {
            try load(text, overrides)
        }
        let message = error?.description ?? ""
        #expect(!message.contains("\n"), "\(message)", sourceLocation: place)
        for part in parts {
            #expect(message.contains(part), "'\(part)' in: \(message)", sourceLocation: place)
        }
    }

    @Test func soundRecipe() throws {
        let recipe = try load(Self.sound)
        #expect(recipe.name == "small" && recipe.seed == 3)
        #expect(recipe.data.pool == ["pool.jsonl"] && recipe.outputDirectory == "runs/small")
        #expect(recipe.teacher.kind == .recorded)
        #expect(recipe.train == TrainingOptions())
        #expect(recipe.method.selection == SelectionOptions())
    }

    @Test func listsAndNamedTexts() throws {
        let recipe = try load(
            """
            data: {pool: [a.jsonl, b.csv], test: c.tsv, label_field: null}
            teacher:
              model: encoder
              label_sentences:
                zebra: This is about zebras.
                apple: "Apples: all of them."
                "1": number
            student: {model: student, new_head: True}
            method: {selection: random, random_ratio: 0.25, target: soft, temperature: 2}
            train: {optimizer: sgd, schedule: cosine, warmup_steps: 5, learning_rate: 1e-3}
            """)
        #expect(recipe.data.pool == ["a.jsonl", "b.csv"] && recipe.data.test == ["c.tsv"])
        #expect(recipe.data.labelField == nil)
        #expect(recipe.teacher.labelSentences.map(\.label) == ["zebra", "apple", "1"])
        #expect(recipe.teacher.labelSentences[1].sentence == "Apples: all of them.")
        #expect(recipe.student.newHead && recipe.method.selection.rule == .random)
        #expect(recipe.method.selection.randomRatio == 0.25 && recipe.train.warmupSteps == 5)
        #expect(recipe.train.optimizer == .sgd && recipe.train.schedule == .cosine)
        #expect(recipe.train.learningRate == 1e-3)
    }

    // MARK: - Errors

    @Test func unknownKeys() {
        expectRefused(
            Self.sound + "\ntrain:\n  epochs: 2\n  learning_rat: 0.1\n",
            naming: "recipe.yaml:12", "train.learning_rat", "did you mean 'learning_rate'")
        expectRefused(Self.sound + "\nstudnet: {}\n", naming: ":10", "did you mean 'student'")
        expectRefused(Self.sound + "\nzzzzzzzz: 1\n", naming: ":10", "'zzzzzzzz'")
        expectRefused(Self.sound, ["train.epoch=3"], naming: "train.epoch", "'epochs'")
    }

    @Test(arguments: [
        ("seed", "-1"), ("seed", "many"), ("train.epochs", "1.5"), ("train.epochs", "0"),
        ("train.epochs", "[1]"), ("train.learning_rate", "fast"), ("train.learning_rate", "-1"),
        ("train.learning_rate", "nan"), ("train.optimizer", "adam"), ("train.schedule", "step"),
        ("train.beta1", "1"), ("train.micro_batches", "6"), ("train.warmup_ratio", "1.1"),
        ("student.new_head", "maybe"), ("student.max_seq_length", "1"),
        ("method.selection", "best"), ("method.ratio", "2"), ("method.random_ratio", "2"),
        ("method.momentum", "1"),
        ("method.target_ratio", "-0.1"), ("method.name", "tiger"), ("method.temperature", "2"),
        ("teacher.kind", "oracle"), ("teacher.temperature", "0"), ("teacher.path", "''"),
        ("teacher.label_sentences", "text"), ("data.pool", "{a: b}"), ("data.pool", "[[a]]"),
        ("data.on_bad_row", "ignore"), ("data.format", "xml"), ("checkpoint.keep_latest_k", "1"),
        ("evaluate.logging_steps", "0"), ("data", "pool.jsonl"), ("train", "[]"),
    ])
    func wrongValue(key: String, value: String) {
        expectRefused(Self.sound, ["\(key)=\(value)"], naming: key)
    }

    /// What `--set` gave stands in no line of the file.
    @Test func overridesAreNamedAsSuch() {
        expectRefused(
            Self.sound, ["train.epochs=0"], naming: "--set: train.epochs '0' is not a whole number")
        expectRefused(Self.sound, ["train={epoch: 3}"], naming: "--set: unknown key 'train.epoch'")
        expectRefused(Self.sound, ["train.epoch=3"], naming: "--set: unknown key 'train.epoch'")
    }

    private static let served = """
        data: {pool: a}
        student: {model: s}
        teacher:
          kind: openai
          base_url: http://127.0.0.1:1/v1
          model: m

        """

    @Test func labelsThatCannotBe() throws {
        expectRefused(Self.served + "  labels: [a, ~]\n", naming: "recipe.yaml:7", "teacher.labels")
        expectRefused(
            Self.served + "  labels:\n  - a\n  - b\n  - a\n", naming: "recipe.yaml:10",
            "'a' stands twice")
        expectRefused(
            Self.served + "  labels: [a, ' A']\n", naming: "recipe.yaml:7", "but for case")
        #expect(try load(Self.served + "  labels: [a, '~']\n").teacher.labels == ["a", "~"])
    }

    @Test func furtherMembersInYAMLOrJSON() throws {
        let yaml = """
              labels: [a, b]
              extra_body:
                top_k: 5
                stop: ["x", '1', null]
                deep: {on: true, ratio: 0.5, name: "q\\"w", nothing: ~}

            """
        let body = try load(Self.served + yaml).teacher.task.extraBody
        #expect(
            body
                == #"{"top_k":5,"stop":["x","1",null],"#
                + #""deep":{"on":true,"ratio":0.5,"name":"q\"w","nothing":null}}"#)
        let text = try load(Self.served + "  labels: [a, b]\n  extra_body: '{\"top_k\": 5}'\n")
        #expect(text.teacher.task.extraBody == #"{"top_k": 5}"#)
        let resolved = try RecipeFile.resolved(load(Self.served + yaml))
        #expect(try load(resolved).teacher.task.extraBody == body)
    }

    @Test func wrongValueNamesLineAndChoices() {
        expectRefused(
            Self.sound + "\ntrain:\n  schedule: step\n", naming: "recipe.yaml:11",
            "train.schedule 'step'", "constant, linear, cosine")
        expectRefused(
            Self.sound + "\ntrain:\n  epochs: 0\n", naming: ":11", "from 1 to 1000000")
    }

    @Test func whatIsMissing() {
        expectRefused("name: x\n", naming: "recipe.yaml", "data.pool")
        expectRefused("data: {pool: a}\n", naming: "student.model")
        expectRefused(
            "data: {pool: a}\nstudent: {model: b}\n", naming: "teacher.model")
        expectRefused(
            "data: {pool: a}\nstudent: {model: b}\nteacher: {model: c, label_sentences: {x: y}}\n",
            naming: "label_sentences", "two")
    }

    @Test func repeatedKeys() {
        expectRefused(Self.sound + "\nseed: 4\n", naming: "'seed'", "twice")
        expectRefused(
            Self.sound + "\ntrain:\n  epochs: 1\n  epochs: 2\n", naming: "'epochs'", "twice")
    }

    @Test func notARecipe() {
        expectRefused("", naming: "recipe.yaml", "empty")
        expectRefused("# nothing but a comment\n", naming: "recipe.yaml")
        expectRefused("- a\n- b\n", naming: "not a recipe")
        expectRefused("just text", naming: "not a recipe")
        expectRefused("a: [1, 2\nb: }", naming: "recipe.yaml:", "not valid YAML")
        expectRefused("a: 1\n\tb: 2\n", naming: "recipe.yaml:", "not valid YAML")
    }

    @Test func unreadableFile() throws {
        let absent = #expect(throws: RecipeError.self) {
            try RecipeFile.load(folder.file("absent.yaml"))
        }
        #expect(absent?.description.contains("absent.yaml: no such recipe") == true)
        try Data([0x61, 0x3a, 0xff, 0xfe]).write(to: URL(fileURLWithPath: folder.file("bad.yaml")))
        let binary = #expect(throws: RecipeError.self) {
            try RecipeFile.load(folder.file("bad.yaml"))
        }
        #expect(binary?.description.contains("UTF-8") == true)
    }
}
