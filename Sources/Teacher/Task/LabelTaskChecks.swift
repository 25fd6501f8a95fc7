// What of the options can't be, found before a file is read or anything is sent. Messages name the
// recipe's key and the way out.

import Corpus

extension LabelTaskOptions {
    /// Refuses what contradicts itself or lies outside its range, with `configuration`.
    func validate() throws(TeacherError) {
        try require(!model.isEmpty, "teacher.model is empty; name the model as the server does")
        try require(
            (1...20).contains(topLogprobs), "teacher.top_logprobs is \(topLogprobs); 1 to 20 can be"
        )
        try require((0...5).contains(reAsk), "teacher.re_ask is \(reAsk); 0 to 5 can be")
        try require(
            (1...128).contains(samples), "teacher.samples is \(samples); 1 to 128 can be")
        try require(
            (1...1_000_000).contains(answerTokens),
            "teacher.max_tokens is \(answerTokens); 1 to 1000000 can be")
        try require(
            (0.0...1).contains(minimumLabelMass),
            "teacher.min_label_mass is \(minimumLabelMass); 0 to 1 can be")
        try require(
            (0.0...2).contains(temperature), "teacher.temperature is \(temperature); 0 to 2 can be")
        if let topP {
            try require(
                topP > 0 && topP <= 1, "teacher.top_p is \(topP); above 0 and up to 1 can be")
        }
        try validateConfidence()
        try validatePrompts()
        if answer != .text { try validateLabels() }
    }

    private func validateConfidence() throws(TeacherError) {
        let source = confidenceSource
        if answer == .text {
            try require(
                source == .none,
                "teacher.confidence: \(source.rawValue) wants labels, and teacher.answer is text; "
                    + "set it to none")
            try require(
                samples == 1 && prompts.count == 1,
                "teacher.answer: text keeps one answer a record; set teacher.samples to 1 and give "
                    + "one prompt")
        }
        switch source {
        case .verbalized:
            try require(
                answer == .json, "teacher.confidence: verbalized wants teacher.answer: json")
        case .votes:
            try require(
                samples * prompts.count > 1,
                "teacher.confidence: votes wants more than one vote; set teacher.samples, or give "
                    + "several teacher.prompts")
        case .logprobs, .none: break
        }
        try require(
            samples == 1 || temperature > 0,
            "teacher.samples is \(samples) at temperature 0, where all samples are the same; set "
                + "teacher.temperature, say to 0.7")
    }

    private func validatePrompts() throws(TeacherError) {
        try require(!prompts.isEmpty, "teacher.prompts is an empty list; leave it out or give one")
        for (index, prompt) in prompts.enumerated() {
            let name = Self.name(ofPrompt: index, among: prompts.count)
            try require(
                prompt.system == nil || prompt.systemFile == nil,
                "\(name).system and .system_file are both given; one of them can be")
            try require(
                prompt.user == nil || prompt.userFile == nil,
                "\(name).user and .user_file are both given; one of them can be")
            try require(
                !prompts[..<index].contains(prompt),
                "\(name) stands twice; the same question twice is one vote")
        }
        if let examples {
            try require(
                (1...1000).contains(examples.count),
                "teacher.examples.count is \(examples.count); 1 to 1000 can be")
        }
    }

    private func validateLabels() throws(TeacherError) {
        try require(
            labels.count >= 2,
            "teacher.answer: \(answer.rawValue) wants at least two labels, and there are "
                + "\(labels.count)")
        var seen: [String: String] = [:]
        for label in labels {
            let folded = LabelText.folded(label)
            try require(!folded.isEmpty, "a label is empty or of white space alone")
            try require(
                !label.unicodeScalars.contains { $0.value < 0x20 },
                "the label \(JSONText.quoted(label)) holds a control character")
            if let other = seen.updateValue(label, forKey: folded) {
                throw TeacherError(
                    .configuration,
                    "the labels '\(other)' and '\(label)' are the same but for case and spaces "
                        + "around; a teacher's words can't tell them apart")
            }
        }
    }

    /// The recipe's name of a prompt.
    static func name(ofPrompt index: Int, among count: Int) -> String {
        count == 1 ? "teacher.prompt" : "teacher.prompts[\(index)]"
    }

    private func require(_ holds: Bool, _ message: String) throws(TeacherError) {
        guard holds else { throw TeacherError(.configuration, message) }
    }
}
