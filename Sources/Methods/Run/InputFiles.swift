// The files besides the texts that decide a run's results. Their hash is part of what a run's folder is
// known by: a model or a file of answers that was changed in place makes another run.

import Corpus
import Crypto
import Foundation
import Teacher

/// The models and recorded answers that a recipe names.
enum InputFiles {
    /// Their paths; those of a model folder are the ones that are read from it.
    static func of(_ recipe: Recipe) -> [String] {
        var paths = model(recipe.student.model) + teacher(recipe.teacher)
        if recipe.method.name == .llm2llm {
            paths += llm2llm(recipe.method.llm2llm)
        }
        if recipe.method.name == .mcqa { paths += recipe.method.mcqa.items }
        if recipe.method.name == .lion {
            let options = recipe.method.lion
            let others = [options.referee, options.generator].compactMap { $0 }
            paths += options.prompts.files + others.flatMap(teacher)
        }
        return paths
    }

    private static func teacher(_ teacher: Recipe.TeacherOptions) -> [String] {
        switch teacher.kind {
        case .encoder: return model(teacher.model) + teacher.prototypes
        case .local, .openai:
            var paths = teacher.kind == .local ? LocalModel.files(of: teacher.model) : []
            let task = teacher.task
            paths += task.prompts.flatMap { [$0.systemFile, $0.userFile].compactMap { $0 } }
            paths += (task.examples.map { [$0.path] } ?? []) + teacher.calibration
            if !teacher.exampleModel.isEmpty { paths += model(teacher.exampleModel) }
            return paths
        // A folder of ledgers may grow while the run goes on; its teacher's identity is in each key.
        case .recorded: return [teacher.path]
        }
    }

    private static func llm2llm(_ options: Recipe.LLM2LLMOptions) -> [String] {
        let named = [options.prompt.systemFile, options.prompt.userFile].compactMap { $0 }
        let encoder = options.poolEncoder.isEmpty ? [] : model(options.poolEncoder)
        return named + options.pool + [options.synonyms].filter { !$0.isEmpty } + encoder
    }

    private static func model(_ folder: String) -> [String] {
        let names = (try? FileManager.default.contentsOfDirectory(atPath: folder)) ?? []
        let weights = names.filter { $0.hasSuffix(".safetensors") }.sorted()
        let others = [
            "config.json", "model.safetensors.index.json", "generation_config.json",
            "tokenizer.json", "tokenizer_config.json", "vocab.txt", "1_Pooling/config.json",
        ]
        return (others + weights).map { "\(folder)/\($0)" }
    }

    /// A hash of the files' contents, in order; what isn't a readable file counts as absent.
    static func digest(of paths: [String]) -> String {
        var hash = SHA256()
        for path in paths {
            // Mapped, not read: the weights are large, and in the page cache already.
            let data = try? Data(contentsOf: URL(fileURLWithPath: path), options: .alwaysMapped)
            hash.update(data: Data("\(data?.count ?? -1):".utf8))
            if let data { hash.update(data: data) }
        }
        return ContentHash.hexadecimal(hash.finalize())
    }
}
