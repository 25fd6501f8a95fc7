// The keys of a teacher in this process: those of the questions, without those of servers.

import Methods
import Teacher

extension Recipe.TeacherOptions {
    mutating func visitLocal(_ fields: RecipeFields) throws {
        try fields.text("model", &model)
        try fields.text("chat_template", &chatTemplate)
        try fields.integer("max_seq_length", &contextLength, 2...10_000_000)
        try fields.choice("answer", &task.answer)
        try task.visitPrompts(fields)
        try fields.choice("confidence", &task.confidence)
        // All labels' probabilities are known, whatever share of the whole they have.
        if !fields.isWriting { task.minimumLabelMass = 0 }
        try fields.number("min_label_mass", &task.minimumLabelMass, 0...1)
        try fields.integer("samples", &task.samples, 1...128)
        try fields.integer("re_ask", &task.reAsk, 0...5)
        try fields.integer("max_tokens", &task.maximumTokens, 1...1_000_000)
        try fields.number("temperature", &task.temperature, 0...2)
        try fields.number("top_p", &task.topP, 1e-6...1)
        try fields.integer("seed", &task.seed, Int.min...Int.max)
        try fields.text("example_model", &exampleModel)
        try fields.texts("calibration", &calibration)
        try fields.flag("retry_failed", &retryFailed)
    }
}
