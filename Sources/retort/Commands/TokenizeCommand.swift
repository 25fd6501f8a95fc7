// `retort tokenize`: texts in, token ids out, a JSON line each.

import ArgumentParser
import Foundation
import Tokenizers

/// Tokenises JSON lines.
struct TokenizeCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "tokenize",
        abstract: "Turn JSON lines {\"text\"} into {\"ids\",\"tokens\"}.",
        discussion: "Reads FILE or standard input; a line may hold a second text, \"pair\".")

    @Option(help: "tokenizer.json, or a folder that holds it.")
    var tokenizer: String

    @Flag(name: .customLong("no-special"), help: "Leave the special tokens out.")
    var noSpecial = false

    @Argument(help: "JSON lines; standard input without it.")
    var file: String?

    func run() throws {
        try Launch.alone {
            let tokenizer = try Tokenizer(contentsOf: tokenizer)
            var lines =
                if let file { try ByteLines(path: file) } else {
                    ByteLines(.standardInput, name: "standard input")
                }
            var pending = Data()
            try tokenizer.tokenizeLines(&lines, addSpecialTokens: !noSpecial) { line in
                pending.append(contentsOf: line)
                if pending.count > 1 << 16 {
                    try StandardOutput.write(pending)
                    pending.removeAll(keepingCapacity: true)
                }
            }
            try StandardOutput.write(pending)
        }
    }
}
