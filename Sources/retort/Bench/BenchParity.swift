// `retort bench parity FOLDER`: a model against the values that PyTorch recorded for it: logits,
// every gradient, and ten steps of AdamW; for encoders the loss and all hidden states, for decoders the
// greedy text too.
//
// The folder holds the model and `golden.safetensors` (`in.*` inputs, `out.logits`, `out.loss`,
// `grad.WEIGHT`, `curve.loss`, `curve.grad_norm`) with `golden.json` beside it, which gives the
// optimiser.

import ArgumentParser
import Autograd
import Collectives
import Foundation
import Models
import Reporting
import Safetensors
import TensorCore
import Training

/// Compares a model with recorded values.
struct BenchParity: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "parity",
        abstract: "Compare a model folder with its golden.safetensors; prints one JSON line.")

    @Argument(help: "A model folder with golden.safetensors, or base/, adapter/ and that file.")
    var folder: String

    @OptionGroup var compute: ComputeOptions

    func run() throws {
        try Launch.alone {
            let found = try compared()
            StandardOutput.write(found.json + "\n")
            if !found.passes { throw ExitCode(1) }
        }
    }
}

extension BenchParity {
    private func compared() throws -> ParityReport {
        if try DecoderParity.hasAdapter(folder) || DecoderFolder.isDecoder(folder) {
            return try DecoderParity(
                folder: folder, compute: Compute(threads: compute.threads)
            ).report()
        }
        return try ThreadWorld.run(ranks: 1) { communicator in
            try EncoderParity.report(
                folder: folder, compute: Compute(threads: compute.threads),
                communicator: communicator)
        }[0]
    }
}

/// What a comparison found.
struct ParityReport: Sendable {
    /// Largest error of a logit, by the largest logit.
    let logits: Double
    /// Worst relative error of a gradient's norm, and whose.
    let gradient: (error: Double, name: String)
    /// Worst relative error of the losses and of the gradient norms over the steps.
    let curve: Double
    /// Relative error of the loss; nil for decoders.
    var loss: Double?
    /// Worst error of a hidden state's element, by the largest of its layer; nil for decoders.
    var hidden: Double?
    /// Whether the recorded greedy text came out; nil where there is none.
    let greedy: Bool?
    let passes: Bool

    var json: String {
        var members: [ReportValue.Member] = [
            .init("logits", .number(logits)),
            .init("gradient", .number(gradient.error)),
            .init("worst_gradient", .text(gradient.name)),
            .init("curve", .number(curve)),
        ]
        if let loss { members.append(.init("loss", .number(loss))) }
        if let hidden { members.append(.init("hidden", .number(hidden))) }
        if let greedy { members.append(.init("greedy", .flag(greedy))) }
        members.append(.init("pass", .flag(passes)))
        return ReportValue.object(members).json
    }
}
