// `retort tokenize`: texts in, token ids out, a JSON line each.

import ArgumentParser
import Foundation
import Tokenizers

/// Tokenises JSON lines.
struct TokenizeCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "tokenize",
        abstract: "Turn JSON lines {\"text\"} into {\"ids\",\"tokens\"}.",
        discussion: "Reads standard input, or FILE; a line may have a second text, \"pair\".")

    @Option(help: "tokenizer.json, or a folder that holds it.")
    var tokenizer: String

    @Flag(name: .customLong("no-special"), help: "Leave the special tokens out.")
    var noSpecial = false

    @Argument(help: "JSON lines; without it, standard input.")
    var file: String?

    func run() throws {
        try Launch.alone {
            let tokenizer = try Tokenizer(contentsOf: tokenizer)
            let output = BufferedOutput()
            try JSONLinesTokenizer(tokenizer: tokenizer, addSpecialTokens: !noSpecial)
                .run(file: file, write: output.write)
            output.flush()
        }
    }
}
