// `retort init`: a decoder with random weights, to be trained from scratch.

import ArgumentParser
import Models
import Tokenizers

/// Writes a model folder of random weights.
struct InitCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "init",
        abstract: "Write a decoder with random weights, to be trained from scratch.",
        discussion: """
            retort init config.json --tokenizer models/qwen --output models/small
            config.json is one that transformers writes for llama, qwen2 or mistral, with sizes of \
            your own; a recipe with method.name: fine_tune trains the folder.
            """)

    @Argument(help: "A config.json with the sizes that are wanted.")
    var config: String

    @Option(help: "A model folder whose tokenizer it is to have.")
    var tokenizer: String

    @Option(help: "Where the weights start.")
    var seed: UInt64 = 0

    @Option(name: .shortAndLong, help: "The folder to write.")
    var output: String

    func run() throws {
        try Launch.alone {
            let bound = try Tokenizer(contentsOf: tokenizer).idBound
            let vocabulary = try DecoderConfiguration(file: config).vocabularySize
            guard bound <= vocabulary else {
                throw ModelError(
                    .malformed,
                    "\(config): vocab_size \(vocabulary) is less than the tokenizer's \(bound) ids")
            }
            let count = try FreshDecoder.write(
                configuration: config, tokenizer: tokenizer, seed: seed, to: output)
            StandardOutput.write("\(output): \(count) weights\n")
        }
    }
}
