// What a new instruction must be to be taken: the published filters, in their order. A pure function of the
// reply, but for what it must be unlike.

import Teacher

/// Why a reply is no new instruction.
enum InstructionRejection: String, Codable, CaseIterable {
    /// No reply came, or an empty one.
    case noReply = "no_reply"
    /// The reply was cut by its length.
    case cut
    /// Three words or fewer.
    case short
    /// It begins with a mark, or with a letter that isn't ASCII.
    case firstCharacter = "first_character"
    /// It speaks of an instruction: most likely a repetition of what was asked.
    case forbiddenWord = "forbidden_word"
    /// Too near to an instruction that is there.
    case similar
}

/// Reads the generator's replies.
enum InstructionFilter {
    /// The fewest words of an instruction.
    static let fewestWords = 4

    /// The instruction of a reply, or why it is none; what it is like is another matter.
    static func instruction(
        _ reply: TextAnswer
    ) -> Result<String, InstructionFault> {
        guard let words = reply.words?.trimmed, let first = words.unicodeScalars.first else {
            return .failure(.init(.noReply))
        }
        if case .cut = reply { return .failure(.init(.cut)) }
        guard words.split(whereSeparator: \.isWhitespace).count >= fewestWords else {
            return .failure(.init(.short))
        }
        guard first.isASCII, !isMark(first) else { return .failure(.init(.firstCharacter)) }
        guard !words.lowercased().contains("instruction") else {
            return .failure(.init(.forbiddenWord))
        }
        return .success(words)
    }

    /// ASCII's marks: whatever can be seen and is neither letter nor digit.
    private static func isMark(_ scalar: Unicode.Scalar) -> Bool {
        scalar.value > 0x20 && scalar.value < 0x7f && !scalar.properties.isAlphabetic
            && scalar.properties.numericType == nil
    }
}

/// A rejection as an error.
struct InstructionFault: Error, Equatable {
    let rejection: InstructionRejection

    init(_ rejection: InstructionRejection) { self.rejection = rejection }
}
