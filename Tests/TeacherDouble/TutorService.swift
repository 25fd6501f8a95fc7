// What somebody says in words as choices of the protocol.

import Foundation
import NIOCore

/// Somebody who answers in words: the tutor, or the instructor.
protocol TextVoice: Sendable {
    /// The words of a choice.
    ///
    /// - Parameters:
    ///   - message: The last user's message.
    ///   - request: A hash of the request's bytes.
    ///   - choice: The choice's index.
    func reply(to message: String, request: UInt64, choice: Int) -> String
}

extension TextVoice {
    /// The last message as it was before it became JSON.
    private static func text(_ bytes: UnsafeRawBufferPointer) -> String {
        let quoted = Data([UInt8(ascii: "\"")] + Array(bytes) + [UInt8(ascii: "\"")])
        return (try? JSONDecoder().decode(String.self, from: quoted)) ?? ""
    }

    /// The choices of an answer and their tokens, which are words and marks.
    func choices(
        _ scan: RequestScan, isChat: Bool, body: UnsafeRawBufferPointer
    ) -> (bytes: ByteBuffer, completionTokens: Int) {
        let message = Self.text(UnsafeRawBufferPointer(rebasing: body[scan.text]))
        let request = Hash.bytes(body)
        var buffer = ByteBuffer()
        var tokens = 0
        for index in 0..<scan.choiceCount {
            let (text, count, isCut) = Self.cut(
                reply(to: message, request: request, choice: index), to: scan.maximumTokens)
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
