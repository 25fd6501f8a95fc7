// `retort bench allreduce`: the gradient's way over the ranks (reduce-scatter in the fixed tree, then
// all-gather), timed without any arithmetic around it.

import ArgumentParser
import Collectives
import Foundation
import Methods
import Reporting
import Training

/// Times the sum of a gradient over the ranks.
struct BenchAllReduce: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "allreduce",
        abstract: "Time the sum of a gradient over all ranks; a JSON line a size.")

    @Option(help: "Sizes in MiB.")
    var size: [Int] = [4, 64, 90]

    @Option(help: "Timed sums a size; the median counts.")
    var repetitions = 15

    @Flag(help: "JSON lines; the only form there is.")
    var json = false

    func run() throws {
        try Launch.onRanks { context in
            for mebibytes in size where mebibytes > 0 {
                let seconds = try median(mebibytes << 18, context.communicator)
                guard context.console.isLeader else { continue }
                let rate = Double(mebibytes << 20) / seconds / 1e9
                StandardOutput.write(
                    ReportValue.object([
                        .init("peer", "retort"), .init("mib", .integer(mebibytes)),
                        .init("ranks", .integer(context.communicator.size)),
                        .init("seconds", .number(rounded(seconds, 1_000_000))),
                        .init("gb_per_s", .number(rounded(rate, 100))),
                    ]).json + "\n")
            }
            return 0
        }
    }

    private func median(_ count: Int, _ communicator: Communicator) throws -> Double {
        let layout = BucketLayout(count: count, ranks: communicator.size)
        let leaves = (1...).lazy.map { 1 << $0 }.first { $0 >= communicator.size } ?? 2
        let tree = LeafTree(leafCount: leaves, ranks: communicator.size)
        let accumulator = TreeAccumulator(tree: tree, rank: communicator.rank, count: count)
        let weights = UnsafeMutableBufferPointer<Float>.allocate(capacity: count)
        unsafe weights.initialize(repeating: 1)
        defer { unsafe weights.deallocate() }
        var seconds: [Double] = []
        for _ in 0..<max(1, repetitions) {
            accumulator.reset()
            for _ in accumulator.leaves {
                _ = unsafe accumulator.beginLeaf()
                accumulator.finishLeaf()
            }
            try communicator.barrier()
            let start = ContinuousClock.now
            try communicator.reduceScatter(accumulator, layout: layout)
            try unsafe communicator.allGather(weights, layout: layout)
            seconds.append((ContinuousClock.now - start).inSeconds)
        }
        return seconds.sorted()[seconds.count / 2]
    }
}
