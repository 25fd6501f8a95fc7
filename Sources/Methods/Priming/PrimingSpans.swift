// The same answer, token for token, behind two prompts: what makes the teacher's place t the student's place
// t. The student's tokens of the answer are put behind the teacher's prompt as they are. Writing the text
// once more for the teacher could cut it into other tokens.

import Corpus
import Models
import Teacher

extension SignalSample {
    /// The student's answer behind the teacher's prompt.
    ///
    /// - Parameters:
    ///   - id: The example's name.
    ///   - teacherPrompt: What the teacher reads before the answer.
    ///   - student: The student's ids of question and answer, and its labels.
    /// - Throws: `MethodError` where the answer isn't one run of tokens.
    init(
        id: String, teacherPrompt: [Int32], student: (ids: [Int32], labels: [Int32])
    ) throws {
        let first = student.labels.firstIndex { $0 != DecoderBatch.ignored } ?? 0
        // What follows the answer's end, a line break say, is neither predicted nor scored.
        let last = student.labels.lastIndex { $0 != DecoderBatch.ignored } ?? -1
        guard first > 0, last >= first,
            !student.labels[first...last].contains(DecoderBatch.ignored)
        else {
            throw MethodError(
                .invalidRecipe,
                "example '\(id)': its answer isn't one run of tokens behind a question; choose "
                    + "another student.chat_template or student.prompt_template")
        }
        self.init(id: id, prompt: teacherPrompt, answer: Array(student.ids[first...last]))
    }
}
