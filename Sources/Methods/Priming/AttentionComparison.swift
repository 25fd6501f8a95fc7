// A decoder's attention under the prompts of priming's arms, side by side: what the paper explains its arms by.
// It says how a teacher reads, not how well a student learns from it.

import Corpus
import Models
import Reporting
public import TensorCore
import Tokenizers

/// Reports of attention over the same questions under several prompts.
public struct AttentionComparison: Sendable {
    private let arms: [(arm: PrimingArm, report: AttentionReport)]
    private let tooLong: Int
    private let threshold: Double

    /// What is looked at.
    public struct Options: Sendable {
        /// The prompts.
        public var arms: [PrimingArm] = [.none]
        /// The decoder's form of prompts, and its longest one in tokens.
        public var form = Recipe.StudentOptions()
        /// The user's own prompts.
        public var prompts = Recipe.PrimingOptions.PromptOptions()
        /// The most questions.
        public var limit = 32
        /// What counts as a large weight.
        public var threshold = 0.1

        /// The defaults.
        public init() {}
    }

    /// Lets a decoder read questions under each prompt.
    ///
    /// - Parameters:
    ///   - model: The decoder's folder.
    ///   - data: Where the questions are (`pool`) and what their fields are called.
    ///   - options: What is looked at.
    ///   - compute: Where the decoder runs.
    /// - Throws: `ModelError`, `TokenizerError`, `CorpusError`, or `MethodError` where no question is short
    ///   enough under all prompts.
    public static func measure(
        model: String, data: Recipe.DataOptions, _ options: Options, compute: Compute
    ) throws -> AttentionComparison {
        let folder = try DecoderFolder(path: model)
        var form = options.form
        form.model = model
        form.maximumLength = min(form.maximumLength, folder.configuration.maximumLength)
        let format = try ExampleFormat(
            form, folder: folder, tokenizer: Tokenizer(contentsOf: model))
        let records = try RunInputs.read(data.pool, data, labelRequired: false).records
        let prompts = try options.arms.map { try PrimingPrompt($0, options.prompts) }
        // The same questions under every prompt: one that is too long under any is left out of all.
        var texts = prompts.map { _ in [[Int32]]() }
        var tooLong = 0
        for record in records where texts.first.map({ $0.count < options.limit }) == true {
            let read = try prompts.map { try format.prompt($0.text(record.text)) }
            guard read.allSatisfy({ !$0.isEmpty && $0.count <= form.maximumLength }) else {
                tooLong += 1
                continue
            }
            for (index, ids) in read.enumerated() { texts[index].append(ids) }
        }
        guard texts.first?.isEmpty == false else {
            throw MethodError(
                .invalidRecipe,
                "none of \(records.count) questions is at most \(form.maximumLength) tokens long under "
                    + "all prompts; raise --max-seq-length")
        }
        let decoder = try Models.Decoder(folder, compute: compute)
        let reports = try texts.map {
            try AttentionReport.measure(
                decoder, texts: $0, threshold: Float(options.threshold))
        }
        return AttentionComparison(
            arms: zip(options.arms, reports).map { (arm: $0, report: $1) }, tooLong: tooLong,
            threshold: options.threshold)
    }

    private init(
        arms: [(arm: PrimingArm, report: AttentionReport)], tooLong: Int, threshold: Double
    ) {
        self.arms = arms
        self.tooLong = tooLong
        self.threshold = threshold
    }

    /// Tables for the terminal, one a prompt.
    public var text: String {
        let tables = arms.map { arm, report in
            var table = TextTable([
                .init("layer", .right), .init("entropy, nats", .right),
                .init("self-attention", .right), .init("share above \(threshold)", .right),
                .init("cosine to next", .right),
            ])
            for (index, layer) in report.layers.enumerated() {
                table.add([
                    String(index), fixed(layer.entropy, 4), fixed(layer.selfAttention, 4),
                    fixed(layer.shareAboveThreshold, 4),
                    layer.cosineToNext.map { fixed($0, 4) } ?? "-",
                ])
            }
            return
                "arm \(arm.rawValue): \(report.textCount) questions, \(report.tokenCount) tokens\n\n"
                + table.text + "\n"
        }
        return tables.joined()
            + (tooLong > 0 ? "\(tooLong) questions were too long and are left out\n" : "")
    }

    /// All figures as one JSON object.
    public var json: String {
        ReportValue.object([
            .init("threshold", .number(threshold)), .init("too_long", .integer(tooLong)),
            .init(
                "arms",
                .list(
                    arms.map { arm, report in
                        .object([
                            .init("arm", .text(arm.rawValue)),
                            .init("questions", .integer(report.textCount)),
                            .init("tokens", .integer(report.tokenCount)),
                            .init("layers", .list(report.layers.map(Self.value))),
                        ])
                    })),
        ]).json
    }

    private static func value(_ layer: AttentionReport.Layer) -> ReportValue {
        .object([
            .init("entropy", .number(layer.entropy)),
            .init("self_attention", .number(layer.selfAttention)),
            .init("share_above", .number(layer.shareAboveThreshold)),
            .init("cosine_to_next", layer.cosineToNext.map { .number($0) } ?? .null),
        ])
    }
}
