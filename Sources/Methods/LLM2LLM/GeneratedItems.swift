// Reading the teacher's reply: numbered items, each a question and its answer. A pure function of the
// text, so that a better reader re-reads what was paid for.
//
//     1. Question: ...
//     Answer: ... #### 42
//
// As published: each piece must hold exactly one `Answer:` and, for numbers, exactly one `####`; the last
// piece is dropped when the reply was cut by its length. Ours: an only item may lack its number, marks
// may be bold, and what the answer holds is checked: a number, a label, a letter among the choices.

/// Why an item that the teacher wrote isn't taken.
enum ItemRejection: String, Codable, Sendable, CaseIterable {
    /// No reply came, or an empty one.
    case noReply = "no_reply"
    /// The reply holds no item.
    case noItem = "no_item"
    /// The reply was cut in this item.
    case cut
    /// Not exactly one `Answer:`, or not exactly one `####`.
    case form
    /// The answer is no number, no label, or no letter of a choice; or the question is empty.
    case content
    /// Too near to a question that is there.
    case similar
    /// The teacher's own answers don't agree with it.
    case disagreement
}

/// The items of one reply.
struct GeneratedItems: Equatable {
    /// A question with its answer, as the student will see them.
    struct Draft: Equatable {
        var question: String
        var choices: [String]?
        var answer: String
    }

    /// The usable items, in order.
    private(set) var drafts: [Draft] = []
    /// Why others aren't, in order.
    private(set) var rejections: [ItemRejection] = []

    /// Reads a reply.
    ///
    /// - Parameters:
    ///   - reply: The teacher's text.
    ///   - isCut: Whether it ended at the limit of tokens.
    ///   - task: What an answer must be.
    init(_ reply: String, isCut: Bool, task: LLM2LLMTask) {
        var pieces = Self.pieces(reply)
        if pieces.isEmpty {
            rejections.append(isCut ? .cut : .noItem)
            return
        }
        if isCut {
            pieces.removeLast()
            rejections.append(.cut)
        }
        for piece in pieces {
            switch Self.draft(piece, task) {
            case .success(let draft): drafts.append(draft)
            case .failure(let fault): rejections.append(fault.rejection)
            }
        }
    }

    private struct Fault: Error {
        let rejection: ItemRejection
    }

    /// The texts after each `Question:` that a number or a line's beginning stands before.
    static func pieces(_ reply: String) -> [String] {
        var pieces: [String] = []
        var current: [Substring]?
        for line in reply.split(separator: "\n", omittingEmptySubsequences: false) {
            if let rest = opening(line) {
                if let current { pieces.append(current.joined(separator: "\n")) }
                current = [rest]
            } else {
                current?.append(line)
            }
        }
        if let current { pieces.append(current.joined(separator: "\n")) }
        return pieces
    }

    /// What follows `3. Question:` on a line; nil where it opens no item.
    private static func opening(_ line: Substring) -> Substring? {
        var rest = line.drop { $0 == " " || $0 == "*" || $0 == "#" }
        let digits = rest.prefix { $0.isASCII && $0.isNumber }
        if !digits.isEmpty {
            rest = rest.dropFirst(digits.count)
            guard let mark = rest.first, mark == "." || mark == ")" else { return nil }
            rest = rest.dropFirst().drop { $0 == " " || $0 == "*" }
        }
        guard rest.hasPrefix("Question:") else { return nil }
        return rest.dropFirst("Question:".count).drop { $0 == "*" }
    }

    private static func draft(_ piece: String, _ task: LLM2LLMTask) -> Result<Draft, Fault> {
        let parts = parts(of: piece, at: "Answer:")
        // Counted in the whole piece: a second one before the answer is another item's.
        let marks = self.parts(of: piece, at: LLM2LLMTask.finalMark)
        guard parts.count == 2, task.kind != .numeric || marks.count == 2 else {
            return .failure(Fault(rejection: .form))
        }
        // A bold mark leaves its stars behind.
        let question = parts[0].trimmed.trimmingStars
        let answer = parts[1].trimmed.trimmingStars
        guard !question.isEmpty, !answer.isEmpty else {
            return .failure(Fault(rejection: .content))
        }
        switch task.kind {
        case .numeric:
            guard task.finalNumber(of: answer) != nil else { break }
            return .success(Draft(question: question, answer: answer))
        case .classification:
            let said = answer.lowercased()
            guard let label = task.labels.first(where: { $0.lowercased() == said }) else { break }
            return .success(Draft(question: question, answer: label))
        case .choice:
            guard let (stem, choices) = choices(in: question),
                let letter = LLM2LLMTask.letter(answer, count: choices.count)
            else { break }
            return .success(Draft(question: stem, choices: choices, answer: letter))
        }
        return .failure(Fault(rejection: .content))
    }

    /// The stem and the choices of a question whose last lines are `A. ...`, `B) ...`.
    private static func choices(in question: String) -> (stem: String, choices: [String])? {
        let lines = question.split(separator: "\n").map(\.trimmed)
        var choices: [String] = []
        var stem: [String] = []
        for line in lines {
            let letter = LLM2LLMTask.letters[min(choices.count, 25)]
            let rest = line.hasPrefix("(") ? line.dropFirst() : Substring(line)
            if rest.hasPrefix(letter), let mark = rest.dropFirst().first, ".):".contains(mark) {
                choices.append(rest.dropFirst(2).trimmed)
            } else if choices.isEmpty {
                stem.append(line)
            } else {
                choices[choices.count - 1] += "\n" + line
            }
        }
        guard choices.count > 1, !stem.isEmpty, !choices.contains("") else { return nil }
        return (stem.joined(separator: "\n"), choices)
    }

    /// A text cut at each place of a mark.
    private static func parts(of text: String, at mark: String) -> [String] {
        var parts: [String] = []
        var rest = Substring(text)
        while let place = rest.firstRange(of: mark) {
            parts.append(String(rest[..<place.lowerBound]))
            rest = rest[place.upperBound...]
        }
        return parts + [String(rest)]
    }
}

extension String {
    /// Without the stars of bold type at its ends.
    fileprivate var trimmingStars: String {
        let begun = drop { $0 == "*" || $0.isWhitespace }
        return String(begun.reversed().drop { $0 == "*" || $0.isWhitespace }.reversed())
    }
}
