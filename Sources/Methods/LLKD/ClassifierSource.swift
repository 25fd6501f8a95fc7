// What a classifier starts from.

import Models
import Tokenizers

/// A classifier's folder and tokenizer, opened and checked before a teacher is asked for anything.
struct ClassifierSource {
    let folder: ModelFolder
    let tokenizer: Tokenizer

    init(_ recipe: Recipe) throws {
        folder = try ModelFolder(path: recipe.student.model)
        tokenizer = try Tokenizer(contentsOf: recipe.student.model)
        let longest = folder.configuration.maximumLength
        guard recipe.student.maximumLength <= longest else {
            throw MethodError(
                .invalidRecipe,
                "student.max_seq_length \(recipe.student.maximumLength) is more than the "
                    + "\(longest) positions of \(folder.path)")
        }
    }
}
