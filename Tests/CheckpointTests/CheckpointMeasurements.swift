// Figures, not checks: how long a checkpoint of a small encoder and its moments takes. Printed when
// RETORT_MEASURE is set.

import Collectives
import Foundation
import Testing

@testable import Checkpoint

@Suite(
    .enabled(
        if: ProcessInfo.processInfo.environment["RETORT_MEASURE"] != nil, "needs RETORT_MEASURE"))
struct CheckpointMeasurements {
    /// 22.7 million parameters and two moments, on two ranks: 272 MB.
    @Test func saveAndVerify() throws {
        try SampleRun.withFolder { folder in
            let store = CheckpointStore(directory: folder)
            let count = 22_713_216
            let clock = ContinuousClock()
            let times = try ThreadWorld.run(ranks: 2) { communicator in
                let range = communicator.rank * count / 2..<(communicator.rank + 1) * count / 2
                let values = UnsafeMutableBufferPointer<Float>.allocate(capacity: range.count)
                values.initialize(repeating: 0.5)
                defer { values.deallocate() }
                let pieces = ["parameters", "first moments", "second moments"].map {
                    TensorPiece(
                        name: $0, globalShape: [count], elementRange: range,
                        values: UnsafeBufferPointer(values))
                }
                var times: [Duration] = []
                for step in 1...3 {
                    times.append(
                        try clock.measure {
                            try store.save(
                                step: step, pieces: pieces, state: Data("{}".utf8),
                                communicator: communicator)
                        })
                }
                return times
            }
            print("save of \(count * 12) bytes on 2 ranks: \(times[0])")
            var reader: CheckpointReader?
            let verified = try clock.measure {
                reader = try CheckpointStore(directory: folder).latest()
            }
            var values = [Float](repeating: 0, count: count)
            let read = try clock.measure {
                for name in reader?.tensorNames ?? [] {
                    try values.withUnsafeMutableBufferPointer { try reader?.read(name, into: $0) }
                }
            }
            print("find and verify: \(verified), read: \(read)")
            #expect(values[count - 1] == 0.5)
        }
    }
}
