// From a recipe's teacher section to a teacher.

import Corpus
import Models
import Teacher
import TensorCore

/// Makes the teacher that a recipe names.
enum TeacherFactory {
    static func make(_ recipe: Recipe, _ inputs: RunInputs, compute: Compute) throws -> any Teacher
    {
        switch recipe.teacher.kind {
        case .encoder:
            let prototypes =
                recipe.teacher.prototypes.isEmpty
                ? []
                : try RunInputs.read(recipe.teacher.prototypes, recipe.data, labelRequired: true)
                    .records
            return try EncoderTeacher(
                folder: ModelFolder(path: recipe.teacher.model),
                labelSentences: recipe.teacher.labelSentences, prototypes: prototypes,
                temperature: recipe.teacher.temperature,
                maximumLength: recipe.teacher.maximumLength, compute: compute)
        case .recorded:
            return try RecordedTeacher(path: recipe.teacher.path)
        }
    }
}
