// `retort bench`: what the machine does, in JSON lines with the keys of the PyTorch scripts that are
// run beside it.

import ArgumentParser

/// Measures speed and correctness.
struct BenchCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "bench",
        abstract:
            "Measure matrix products, training, inference, all-reduce; check recorded values.",
        subcommands: [
            BenchGEMM.self, BenchTrain.self, BenchInfer.self, BenchAllReduce.self,
            BenchLoRA.self, BenchParity.self,
        ])
}
