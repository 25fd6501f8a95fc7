// Figures, not checks: the time of losses over a large vocabulary. Printed when RETORT_MEASURE is set.

import Foundation
import TensorCore
import Testing

/// Nanoseconds that this thread has computed.
private func threadNanoseconds() -> Int {
    var time = timespec()
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &time)
    return Int(time.tv_sec) * 1_000_000_000 + Int(time.tv_nsec)
}

@Suite(
    .enabled(
        if: ProcessInfo.processInfo.environment["RETORT_MEASURE"] != nil, "needs RETORT_MEASURE"))
struct LossMeasurements {
    /// Microseconds a token of 151,936 scores, one thread; the least of some runs.
    @Test func largeVocabulary() {
        let (rows, columns, k) = (32, 151_936, 64)
        let compute = Compute(threads: 1)
        var numbers = SampleNumbers(seed: 79)
        withArena { arena in
            let scores = arena.matrix(rows, columns, numbers.floats(rows * columns, scale: 8))
            let teacher = arena.matrix(rows, columns, numbers.floats(rows * columns, scale: 8))
            let gradient = arena.matrix(rows, columns)
            let targets = numbers.ids(rows, below: columns)
            let top = TopTargets(
                ids: (0..<rows * k).map { Int32($0 % k * 2000) },
                logProbabilities: [Float](repeating: log(0.9 / Float(k)), count: rows * k),
                restMasses: [Float](repeating: 0.1, count: rows),
                starts: (0...rows).map { $0 * k }, temperature: 1)
            func report(_ name: String, _ body: () -> Void) {
                let seconds = (0..<5).map { _ in
                    // This thread's own time: the machine may be busy with other work.
                    let start = threadNanoseconds()
                    body()
                    return Double(threadNanoseconds() - start) / 1e9
                }
                let microseconds = (seconds.min() ?? 0) * 1e6 / Double(rows)
                print("\(name): \(Int(microseconds.rounded())) us a token")
            }
            var losses = [Double](repeating: 0, count: rows)
            report("cross-entropy") {
                compute.crossEntropy(scores, targets: targets, into: gradient, losses: &losses)
            }
            for kind in [Divergence.forward, .reverse, .jensenShannon(beta: 0.5)] {
                for share in [0, 0.5] {
                    let loss = SoftTargetLoss(kind, temperature: 2, hardShare: share)
                    report("\(kind), full teacher, hard share \(share)") {
                        _ = compute.softTargets(
                            scores, teacher: teacher, targets: targets, loss, into: gradient)
                    }
                    report("\(kind), top \(k), hard share \(share)") {
                        _ = compute.softTargets(
                            scores, teacher: top, places: 0..<rows, targets: targets, loss,
                            into: gradient)
                    }
                }
            }
        }
    }
}
