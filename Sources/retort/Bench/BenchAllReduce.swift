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
                let peak = try copyRate(mebibytes << 20, context.communicator)
                guard context.console.isLeader else { continue }
                let rate = Double(mebibytes << 20) / seconds / 1e9
                // What each rank has to send and to receive, whatever the algorithm.
                let ranks = Double(context.communicator.size)
                let bus = rate * 2 * (ranks - 1) / ranks
                StandardOutput.write(
                    ReportValue.object([
                        .init("peer", "retort"), .init("mib", .integer(mebibytes)),
                        .init("ranks", .integer(context.communicator.size)),
                        .init("seconds", .number(rounded(seconds, 1_000_000))),
                        .init("gb_per_s", .number(rounded(rate, 100))),
                        .init("bus_gb_per_s", .number(rounded(bus, 100))),
                        .init("peak_gb_per_s", .number(rounded(peak, 100))),
                        .init("share", .number(rounded(bus / peak, 1000))),
                    ]).json + "\n")
            }
            return 0
        }
    }

    /// Bytes a second that a rank copies in its memory while all ranks do: the slowest rank's best of
    /// ten, in GB/s.
    private func copyRate(_ bytes: Int, _ communicator: Communicator) throws -> Double {
        let from = UnsafeMutableRawBufferPointer.allocate(byteCount: bytes, alignment: 64)
        let to = UnsafeMutableRawBufferPointer.allocate(byteCount: bytes, alignment: 64)
        defer {
            unsafe from.deallocate()
            unsafe to.deallocate()
        }
        unsafe from.initializeMemory(as: UInt8.self, repeating: 1)
        var best = Double.infinity
        try communicator.barrier()
        for _ in 0..<10 {
            let start = ContinuousClock.now
            unsafe to.copyMemory(from: UnsafeRawBufferPointer(from))
            best = min(best, (ContinuousClock.now - start).inSeconds)
        }
        return try communicator.allReduce([Double(bytes) / best / 1e9], .minimum)[0]
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
