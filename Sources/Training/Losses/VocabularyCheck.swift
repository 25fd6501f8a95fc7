// The refusal of a teacher whose distributions can't be compared with the student's.

public import Tokenizers

extension VocabularyMatch {
    /// Refuses a teacher of another vocabulary.
    ///
    /// Not for distillation of texts, which are tokenized anew: there nothing is compared.
    ///
    /// - Throws: `invalidOptions`: how many ids differ, and the first ones.
    public func check() throws(TrainingError) {
        guard !isSame else { return }
        throw TrainingError(
            .invalidOptions,
            "teacher and student have different vocabularies: \(summary), the teacher's first; take a "
                + "teacher with the student's tokenizer, or distil its texts")
    }
}
