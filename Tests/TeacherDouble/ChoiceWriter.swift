// One choice of an answer as JSON, in the shape of the chat or of the plain completion.

import Foundation
import NIOCore

/// Writes a choice.
struct ChoiceWriter {
    let key: Answers.ChoiceKey
    let tokens: [Answers.Token]

    /// The choice, cut to the tokens asked for.
    func choice() -> Answers.Choice {
        var kept = tokens.count
        var isCut = false
        if key.flaw == .cut {
            (kept, isCut) = (tokens.count / 2, true)
        } else if tokens.count > key.maximumTokens {
            (kept, isCut) = (max(0, key.maximumTokens), true)
        }
        var said = Array(tokens[..<kept])
        if key.flaw == .cut, said.isEmpty, let first = tokens.first {
            // Of a single token half its letters are left.
            said = [Answers.Token(String(first.text.prefix((first.text.count + 1) / 2)))]
        }
        let text = said.map(\.text).joined()
        var json = "{\"index\":\(key.index),"
        json +=
            key.isChat
            ? "\"message\":{\"role\":\"assistant\",\"content\":\(quoted(text)),\"refusal\":null}"
            : "\"text\":\(quoted(text))"
        json += ",\"logprobs\":" + (key.isChat ? chatLogprobs(said) : plainLogprobs(said))
        json += ",\"finish_reason\":\"\(isCut ? "length" : "stop")\"}"
        // Even an empty answer costs the token that ends it.
        return Answers.Choice(bytes: ByteBuffer(string: json), completionTokens: max(1, kept))
    }

    private func chatLogprobs(_ said: [Answers.Token]) -> String {
        guard key.alternatives != nil else { return "null" }
        let content = said.map { token in
            let entry = chatEntry(token.text, token.probability)
            let top = alternatives(of: token).map { "{\(chatEntry($0.text, $0.probability))}" }
            return "{\(entry),\"top_logprobs\":[\(top.joined(separator: ","))]}"
        }
        return "{\"content\":[\(content.joined(separator: ","))],\"refusal\":null}"
    }

    private func chatEntry(_ text: String, _ probability: Double) -> String {
        let bytes = text.utf8.map(String.init).joined(separator: ",")
        return "\"token\":\(quoted(text)),\"logprob\":\(log(probability)),\"bytes\":[\(bytes)]"
    }

    private func plainLogprobs(_ said: [Answers.Token]) -> String {
        guard key.alternatives != nil else { return "null" }
        var offset = 0
        var offsets: [String] = []
        for token in said {
            offsets.append(String(offset))
            offset += token.text.count
        }
        let top = said.map { token in
            let entries = alternatives(of: token).map {
                "\(quoted($0.text)):\(log($0.probability))"
            }
            return "{\(entries.joined(separator: ","))}"
        }
        return "{\"tokens\":[\(said.map { quoted($0.text) }.joined(separator: ","))],"
            + "\"token_logprobs\":[\(said.map { "\(log($0.probability))" }.joined(separator: ","))],"
            + "\"top_logprobs\":[\(top.joined(separator: ","))],"
            + "\"text_offset\":[\(offsets.joined(separator: ","))]}"
    }

    private func alternatives(
        of token: Answers.Token
    ) -> [(text: String, probability: Double)] {
        let top = Array(token.alternatives.prefix(key.alternatives ?? 0))
        return key.flaw == .duplicate ? Array(top.prefix(1)) + top : top
    }

    private func quoted(_ text: String) -> String {
        var quoted = "\""
        for scalar in text.unicodeScalars {
            switch scalar {
            case "\"": quoted += "\\\""
            case "\\": quoted += "\\\\"
            case "\n": quoted += "\\n"
            case _ where scalar.value < 0x20:
                quoted += (scalar.value < 16 ? "\\u000" : "\\u00") + String(scalar.value, radix: 16)
            default: quoted.unicodeScalars.append(scalar)
            }
        }
        return quoted + "\""
    }
}
