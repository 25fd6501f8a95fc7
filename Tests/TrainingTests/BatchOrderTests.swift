// Which samples come by when, and how often they were used.

import Foundation
import Testing
import Training

@Suite struct BatchOrderTests {
    private func epochs(_ order: BatchOrder) -> [[[Int]]] {
        var order = order
        return (0..<order.epochs).map { epoch in
            (0..<order.stepsPerEpoch).map {
                order.samples(ofStep: epoch * order.stepsPerEpoch + $0)
            }
        }
    }

    @Test(arguments: [(20, 4), (21, 4), (3, 8), (1, 1), (64, 64)])
    func everySampleOnceAnEpoch(poolSize: Int, batchSize: Int) {
        let order = BatchOrder(poolSize: poolSize, batchSize: batchSize, epochs: 3, seed: 5)
        #expect(order.totalSteps == 3 * ((poolSize + batchSize - 1) / batchSize))
        for batches in epochs(order) {
            #expect(batches.flatMap { $0 }.sorted() == Array(0..<poolSize))
            #expect(batches.dropLast().allSatisfy { $0.count == batchSize })
        }
    }

    @Test func aFunctionOfSeedAndStep() {
        func order(_ seed: UInt64) -> BatchOrder {
            BatchOrder(poolSize: 50, batchSize: 7, epochs: 2, seed: seed)
        }
        #expect(epochs(order(1)) == epochs(order(1)))
        #expect(epochs(order(1)) != epochs(order(2)))
        #expect(epochs(order(1))[0] != epochs(order(1))[1])
        // Asked for in any order, as after a resume.
        var forward = order(1)
        let all = (0..<16).map { forward.samples(ofStep: $0) }
        var mixed = order(1)
        #expect(
            [11, 2, 15, 2, 8].map { mixed.samples(ofStep: $0) }
                == [11, 2, 15, 2, 8].map { all[$0] })
    }

    /// The size of a batch cuts the same order elsewhere.
    @Test func batchesCutOnePermutation() {
        let sizes = [3, 10, 50].map {
            epochs(BatchOrder(poolSize: 50, batchSize: $0, epochs: 2, seed: 3)).map {
                $0.flatMap { $0 }
            }
        }
        #expect(sizes[0] == sizes[1] && sizes[1] == sizes[2])
    }

    @Test func usage() throws {
        var usage = SampleUsage(poolSize: 130)
        #expect(usage.distinct == 0 && usage.distinctRatio == 0)
        usage.add(kept: [0, 63, 64, 129], offered: 8)
        usage.add(kept: [129, 5], offered: 8)
        usage.add(kept: [], offered: 4)
        #expect(usage.visits == 6 && usage.offered == 20 && usage.distinct == 5)
        #expect(usage.distinctRatio == 5.0 / 130)
        #expect(usage.visitRatio(epochs: 3) == 6.0 / 390)
        let data = try JSONEncoder().encode(usage)
        #expect(try JSONDecoder().decode(SampleUsage.self, from: data) == usage)
        #expect(SampleUsage(poolSize: 0).distinctRatio == 0)
    }
}
