// `retort attention`: how a decoder attends to questions, layer by layer, under the prompts of priming.

import ArgumentParser
import Kernels
import Methods
import TensorCore

/// Reports a decoder's attention.
struct AttentionCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "attention",
        abstract: "Report how a decoder attends to questions, layer by layer.",
        discussion: """
            Mean entropy, self-attention, share of large weights, and cosine of the same head in \
            neighbouring layers, under one or several prompts of the method priming:
              retort attention Llama-3.2-1B-Instruct train.jsonl --text-field question \\
                --arm none --arm teacher --arm ground_truth
            """)

    @Argument(help: "A decoder's folder.")
    var model: String

    @Argument(help: "Files of questions.")
    var data: [String]

    @Option(help: "The field with the question.")
    var textField = "text"

    @Option(
        help: "A prompt: none, teacher, ground_truth, confidence, custom; may be given again.")
    var arm: [String] = []

    @Option(help: "The prompt of the arm custom; {{question}} stands for the question.")
    var prompt: String?

    @Option(help: "The chat format; otherwise the folder's own.")
    var chatTemplate: String?

    @Option(help: "A plain form with {{prompt}} in it, instead of a chat.")
    var promptTemplate: String?

    @Option(help: "The most questions.")
    var limit = 32

    @Option(help: "Longest prompt in tokens; longer ones are left out.")
    var maxSeqLength = 512

    @Option(help: "What counts as a large weight.")
    var threshold = 0.1

    @Flag(help: "One JSON object instead of tables.")
    var json = false

    @Option(help: "Threads; otherwise as many as this process may use processors.")
    var threads: Int?

    func validate() throws {
        for name in arm where PrimingArm(rawValue: name) == nil {
            let names = PrimingArm.allCases.map(\.rawValue).joined(separator: ", ")
            throw ValidationError("--arm '\(name)' is not one of \(names)")
        }
        guard limit > 0, maxSeqLength > 0, threads ?? 1 > 0 else {
            throw ValidationError("--limit, --max-seq-length and --threads are at least 1")
        }
    }

    func run() throws {
        try Launch.alone {
            var fields = Recipe.DataOptions()
            fields.pool = data
            fields.textField = textField
            fields.labelField = nil
            var options = AttentionComparison.Options()
            if !arm.isEmpty { options.arms = arm.compactMap(PrimingArm.init) }
            options.prompts.custom = prompt
            options.form.chatTemplate = chatTemplate
            options.form.promptTemplate = promptTemplate
            options.form.maximumLength = maxSeqLength
            options.limit = limit
            options.threshold = threshold
            let comparison = try AttentionComparison.measure(
                model: model, data: fields, options, compute: Compute(threads: threads))
            StandardOutput.write(json ? comparison.json + "\n" : comparison.text)
        }
    }
}
