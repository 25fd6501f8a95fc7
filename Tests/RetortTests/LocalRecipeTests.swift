// The keys of a teacher in this process: read, written and read again, and those of servers refused.

import Foundation
import Methods
import Teacher
import TestSupport
import Testing

@testable import retort

@Suite struct LocalRecipeTests {
    private let folder: TemporaryFolder
    private static let text = """
        data: {pool: pool.jsonl}
        teacher:
          kind: local
          model: decoder
          chat_template: chatml
          labels: [cat, dog]
          prompt: {user: "What is {{text}}?"}
        student: {model: student}
        """

    init() throws {
        folder = try TemporaryFolder()
    }

    private func load(_ text: String) throws -> Recipe {
        try RecipeFile.load(folder.write("recipe.yaml", text))
    }

    @Test func keysAreReadAndWritten() throws {
        let recipe = try load(Self.text)
        #expect(recipe.teacher.kind == .local && recipe.teacher.model == "decoder")
        #expect(recipe.teacher.chatTemplate == "chatml" && recipe.teacher.contextLength == nil)
        #expect(recipe.teacher.task.prompts == [.init(user: "What is {{text}}?")])
        // All labels' probabilities are known, so none is thrown away unless somebody wants that.
        #expect(recipe.teacher.task.minimumLabelMass == 0)
        #expect(recipe.teacher.recordsPerLease == 32)
        let written = try RecipeFile.resolved(recipe)
        #expect(try load(written) == recipe, "\(written)")
        let strict = try load(
            Self.text.replacing("model: decoder", with: "model: decoder\n  min_label_mass: 0.3"))
        #expect(strict.teacher.task.minimumLabelMass == 0.3)
    }

    @Test func serversKeysAreRefused() throws {
        for key in ["base_url: http://a/v1", "max_retries: 3", "top_logprobs: 5"] {
            let error = #expect(throws: RecipeError.self) {
                try load(Self.text.replacing("model: decoder", with: "model: decoder\n  \(key)"))
            }
            #expect(error?.description.contains("\(key.prefix { $0 != ":" })") == true)
        }
        #expect(throws: RecipeError.self) {
            try load(Self.text.replacing("  labels: [cat, dog]\n", with: ""))
        }
    }
}
