// What somebody says in words as choices of the protocol: the tutor's and the instructor's texts, and the
// examiner's letters with their log-probabilities.

import Foundation
import NIOCore

/// Somebody who answers instead of the labels.
protocol Voice: Sendable {
    /// The choices of an answer, their tokens, and what is wrong with it, if that is counted.
    func choices(
        _ scan: RequestScan, isChat: Bool, body: UnsafeRawBufferPointer
    ) -> (bytes: ByteBuffer, completionTokens: Int, flaw: String?)
}

/// Somebody who answers in words alone: the tutor, or the instructor.
protocol TextVoice: Voice {
    /// The words of a choice.
    ///
    /// - Parameters:
    ///   - message: The last user's message.
    ///   - request: A hash of the request's bytes.
    ///   - choice: The choice's index.
    func reply(to message: String, request: UInt64, choice: Int) -> String
}

extension TextVoice {
    func choices(
        _ scan: RequestScan, isChat: Bool, body: UnsafeRawBufferPointer
    ) -> (bytes: ByteBuffer, completionTokens: Int, flaw: String?) {
        let message = WrittenText.message(scan, body)
        let request = Hash.bytes(body)
        let (bytes, tokens) = WrittenText.choices(
            (0..<scan.choiceCount).map { reply(to: message, request: request, choice: $0) },
            isChat: isChat, maximumTokens: scan.maximumTokens)
        return (bytes, tokens, nil)
    }
}

extension Examiner: Voice {
    /// The choices of an answer, their tokens, and what is wrong with it.
    func choices(
        _ scan: RequestScan, isChat: Bool, body: UnsafeRawBufferPointer
    ) -> (bytes: ByteBuffer, completionTokens: Int, flaw: String?) {
        let message = WrittenText.message(scan, body)
        if let reply = reply(to: message, request: Hash.bytes(body)) {
            let (bytes, tokens) = WrittenText.choices(
                [reply.text], isChat: isChat, maximumTokens: scan.maximumTokens)
            return (bytes, tokens, reply.flaw)
        }
        guard let letters = letters(of: message), let first = letters.first else {
            let (bytes, tokens) = WrittenText.choices(
                ["I can't say."], isChat: isChat, maximumTokens: scan.maximumTokens)
            return (bytes, tokens, nil)
        }
        let best = letters.reduce(first) { $1.probability > $0.probability ? $1 : $0 }
        let others = letters.map { (text: $0.letter, probability: $0.probability) }
        let choice = ChoiceWriter(
            key: .init(
                isChat: isChat, label: 0, sureness: 0,
                alternatives: scan.wantsLogprobs ? min(max(scan.topLogprobs, 0), 20) : nil,
                isJSON: false, maximumTokens: max(1, scan.maximumTokens), index: 0, flaw: .none),
            tokens: [
                Answers.Token(best.letter, among: others + [("The", 0.01), ("I", 0.005)])
            ]
        ).choice()
        return (choice.bytes, choice.completionTokens, nil)
    }
}

/// Texts as choices; their tokens are words and marks.
enum WrittenText {
    /// The last message as it was before it became JSON.
    static func message(_ scan: RequestScan, _ body: UnsafeRawBufferPointer) -> String {
        let quoted = Data(
            [UInt8(ascii: "\"")] + Array(body[scan.text]) + [UInt8(ascii: "\"")])
        return (try? JSONDecoder().decode(String.self, from: quoted)) ?? ""
    }

    static func choices(
        _ texts: [String], isChat: Bool, maximumTokens: Int
    ) -> (bytes: ByteBuffer, completionTokens: Int) {
        var buffer = ByteBuffer()
        var tokens = 0
        for (index, whole) in texts.enumerated() {
            let (text, count, isCut) = cut(whole, to: maximumTokens)
            tokens += count
            let encoder = JSONEncoder()
            encoder.outputFormatting = .withoutEscapingSlashes
            let quoted = (try? encoder.encode(text)).map { String(decoding: $0, as: UTF8.self) }
            let content = quoted ?? "\"\""
            if index > 0 { buffer.writeStaticString(",") }
            buffer.writeString("{\"index\":\(index),")
            buffer.writeString(
                isChat
                    ? "\"message\":{\"role\":\"assistant\",\"content\":\(content)}"
                    : "\"text\":\(content)")
            buffer.writeString(
                ",\"logprobs\":null,\"finish_reason\":\"\(isCut ? "length" : "stop")\"}")
        }
        return (buffer, tokens)
    }

    /// A text's first words and marks.
    private static func cut(
        _ text: String, to most: Int
    ) -> (text: String, tokens: Int, isCut: Bool) {
        var tokens = 0
        var isInWord = false
        var index = text.startIndex
        while index < text.endIndex {
            let letter = text[index]
            let isWord = letter.isLetter || letter.isNumber
            if !letter.isWhitespace, !(isWord && isInWord) {
                guard tokens < most else { return (String(text[..<index]), tokens, true) }
                tokens += 1
            }
            isInWord = isWord
            index = text.index(after: index)
        }
        return (text, max(1, tokens), false)
    }
}
