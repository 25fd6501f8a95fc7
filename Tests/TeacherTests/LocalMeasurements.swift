// Figures, not checks: how fast answers are scored and their best tokens kept, and what a place takes on
// disk. Printed when RETORT_MEASURE is set.

import Collectives
import Foundation
import Models
import TensorCore
import TestSupport
import Testing

@testable import Teacher

@Suite(
    .enabled(
        if: ProcessInfo.processInfo.environment["RETORT_MEASURE"] != nil, "needs RETORT_MEASURE"))
struct LocalMeasurements {
    private func measure(_ name: String, _ path: String, vocabulary: Int) async throws {
        let folder = try TestSupport.TemporaryFolder()
        let samples = (0..<32).map { index in
            var numbers = SampleNumbers(seed: UInt64(index + 1))
            let tokens = (0..<128).map { _ in Int32(numbers.below(vocabulary)) }
            return SignalSample(
                id: "s\(index)", prompt: Array(tokens[..<64]), answer: Array(tokens[64...]))
        }
        for threads in [1, 2] {
            let seconds = try await LocalWorld(isChat: false).run(ranks: 1) { communicator in
                let model = try LocalModel(
                    folder: path, chatTemplate: "none", compute: Compute(threads: threads))
                let recorder = SignalRecorder(
                    model, folder: folder.file("signals\(threads)"), communicator: communicator,
                    isStopRequested: { false })
                // The processor's time: these figures are also taken on busy machines.
                let begun = clock()
                _ = try recorder.record(samples, count: 64)
                return Double(clock() - begun) / 1e6
            }[0]
            print(
                "\(name), \(threads) threads: \(Int(32 * 128 / seconds)) tokens read and "
                    + "\(Int(32 * 64 / seconds)) places recorded a second of the processor")
        }
        let file = RankFiles.signals.path(folder: folder.file("signals1"), rank: 0)
        let size = try FileManager.default.attributesOfItem(atPath: file)[.size] as? Int ?? 0
        print("\(name): \(Double(size) / Double(32 * 64)) bytes a place on disk, k = 64")
    }

    @Test(.enabled(if: SharedData.has("data/stories260k"))) func stories() async throws {
        try await measure(
            "stories260k", SharedData.path("data/stories260k"), vocabulary: 512)
    }

    /// 8 layers of 512, inner width 1376.
    @Test(arguments: [8192, 128_256]) func random(vocabulary: Int) async throws {
        let folder = try TestSupport.TemporaryFolder()
        var model = TinyLlama(
            width: 512, layers: 8, heads: 8, inner: 1376, maximumLength: 512,
            vocabulary: vocabulary)
        for index in model.tensors.indices {
            model.tensors[index].values = model.tensors[index].values.map { $0 / 8 }
        }
        try model.write(to: folder.file("model"))
        try await measure(
            "a random Llama with \(vocabulary) tokens", folder.file("model"),
            vocabulary: vocabulary)
    }
}
