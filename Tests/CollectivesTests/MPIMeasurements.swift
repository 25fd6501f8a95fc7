// Figures, not checks; printed by rank 0 when asked for:
//
//   RETORT_MEASURE=1 mpirun -np 2 .build/release/retortPackageTests.xctest \
//       --testing-library swift-testing --filter MPIMeasurements

import CMPI
import Glibc
import Testing

@testable import Collectives

@Suite(
    .serialized,
    .enabled(
        if: LaunchEnvironment.current.isLaunched && getenv("RETORT_MEASURE") != nil,
        "needs mpirun and RETORT_MEASURE"))
struct MPIMeasurements {
    @Test(.enabled(if: getenv("RETORT_LARGE") == nil, "one world a process"))
    func measure() throws {
        let world = try MPIWorld()
        let communicator = world.communicator
        for mebibytes in [4, 90] { try gradientSum(communicator, mebibytes: mebibytes) }
        folding(communicator)
        try smallOperations(communicator)
        try overlap(communicator)
        try idleCost(communicator)
        #expect(try world.finalize())
    }

    /// Messages beyond 2^31 bytes: 2.1 GiB a rank, so not among the tests.
    @Test(.enabled(if: getenv("RETORT_LARGE") != nil, "needs RETORT_LARGE and memory"))
    func beyondTwoGibibytes() throws {
        let world = try MPIWorld(options: MPIOptions(maximumMessageBytes: Int(Int32.max)))
        let communicator = world.communicator
        let count = (1 << 31) / 4 + 12_345_678
        let buffer = FloatBuffer(count: count)
        let flat = UnsafeMutableBufferPointer(start: buffer.base, count: count)
        let last = communicator.size - 1
        let start = monotonicSeconds()
        if communicator.rank == 0 { for index in 0..<count { flat[index] = Float(index & 0xFFFF) } }
        try communicator.broadcast(flat, root: 0)
        var wrong = 0
        for index in 0..<count where flat[index] != Float(index & 0xFFFF) { wrong += 1 }
        #expect(wrong == 0)
        // The last rank has all but one element.
        var parts = [Range<Int>](repeating: 0..<0, count: communicator.size)
        parts[0] = 0..<1
        parts[last] = 1..<count
        for index in parts[communicator.rank] { flat[index] = 7 }
        try communicator.allGather(flat, parts: parts)
        wrong = 0
        for index in 0..<count where flat[index] != 7 { wrong += 1 }
        #expect(wrong == 0)
        say(
            communicator,
            "broadcast and all-gather of \(count * 4) bytes: "
                + figure(monotonicSeconds() - start, "s"))
        #expect(try world.finalize())
    }

    private func gradientSum(_ communicator: Communicator, mebibytes: Int) throws {
        let count = mebibytes << 18
        let ranks = communicator.size
        let tree = LeafTree(leafCount: ranks.nextPowerOfTwoForTests, ranks: ranks)
        let accumulator = TreeAccumulator(tree: tree, rank: communicator.rank, count: count)
        let layout = BucketLayout(count: count, ranks: ranks)
        let rounds = mebibytes > 32 ? 12 : 60
        var ours: [Double] = []
        var theirs: [Double] = []
        var parts: [(Double, Double)] = []
        let values = FloatBuffer(count: count)
        let sums = FloatBuffer(count: count)
        for index in 0..<count { values.base[index] = 1 }
        for _ in 0..<rounds {
            accumulator.reset()
            for _ in accumulator.leaves {
                let leaf = accumulator.beginLeaf()
                for index in 0..<count { leaf[index] = 1 }
                accumulator.finishLeaf()
            }
            try communicator.barrier()
            let start = monotonicSeconds()
            try communicator.reduceScatter(accumulator, layout: layout)
            let middle = monotonicSeconds()
            try communicator.allGather(accumulator.reduced, layout: layout)
            let end = monotonicSeconds()
            ours.append(end - start)
            parts.append((middle - start, end - middle))
            try communicator.barrier()
            var taken = 0.0
            try communicator.perform("yardstick") {
                MPI_Barrier(retort_mpi_world())
                let start = monotonicSeconds()
                retort_mpi_allreduce(values.base, sums.base, Int32(count), retort_mpi_world())
                taken = monotonicSeconds() - start
            }
            theirs.append(taken)
        }
        let bytes = Double(count) * 4
        func median(_ times: [Double]) -> Double { times.sorted()[times.count / 2] }
        let line = [
            "\(mebibytes) MiB on \(ranks) ranks: reduceScatter + allGather",
            figure(median(ours) * 1e3, "ms"), figure(bytes / median(ours) / 1e9, "GB/s"),
            "(" + figure(median(parts.map(\.0)) * 1e3, "+"),
            figure(median(parts.map(\.1)) * 1e3, "ms)"), "best",
            figure((ours.min() ?? 0) * 1e3, "ms;"), "MPI_Allreduce",
            figure(median(theirs) * 1e3, "ms"), figure(bytes / median(theirs) / 1e9, "GB/s"),
            "best", figure((theirs.min() ?? 0) * 1e3, "ms"),
        ]
        say(communicator, line.joined(separator: " "))
    }

    /// Adding one leaf to another inside a rank.
    private func folding(_ communicator: Communicator) {
        let count = 90 << 18
        let accumulator = TreeAccumulator(
            tree: LeafTree(leafCount: 4, ranks: 1), rank: 0, count: count)
        for round in 0..<3 {
            accumulator.reset()
            var line = "folding of leaves of 90 MiB:"
            for _ in 0..<4 {
                var start = monotonicSeconds()
                _ = accumulator.beginLeaf()
                line += " begin " + figure((monotonicSeconds() - start) * 1e3, "ms")
                start = monotonicSeconds()
                accumulator.finishLeaf()
                line += " finish " + figure((monotonicSeconds() - start) * 1e3, "ms,")
            }
            if round == 2 { say(communicator, line) }
        }
    }

    private func smallOperations(_ communicator: Communicator) throws {
        func time(_ name: String, rounds: Int, _ body: () throws -> Void) throws {
            try communicator.barrier()
            var times: [Double] = []
            for _ in 0..<rounds {
                let start = monotonicSeconds()
                try body()
                times.append(monotonicSeconds() - start)
            }
            let median = times.sorted()[rounds / 2] * 1e6
            let worst = (times.max() ?? 0) * 1e6
            say(
                communicator,
                "\(name): median " + figure(median, "us") + ", worst " + figure(worst, "us"))
        }
        try time("barrier", rounds: 1000) { try communicator.barrier() }
        try time("all-reduce of 4 doubles", rounds: 1000) {
            _ = try communicator.allReduce([1.0, 2, 3, 4], .sum)
        }
        let counter = try communicator.counter(named: "measured")
        try time("counter", rounds: 1000) { _ = try counter.fetchAdd(1) }
        // Rank 0 computes; its communication thread must answer.
        try communicator.barrier()
        if communicator.rank == 0 {
            compute(seconds: 1)
            try communicator.barrier()
        } else {
            var times: [Double] = []
            let end = monotonicSeconds() + 0.8
            while monotonicSeconds() < end {
                let start = monotonicSeconds()
                _ = try counter.fetchAdd(1)
                times.append(monotonicSeconds() - start)
                usleep(3000)
            }
            try communicator.barrier()
            print(
                "counter from rank \(communicator.rank) while rank 0 computes: median "
                    + figure(times.sorted()[times.count / 2] * 1e6, "us") + ", worst "
                    + figure((times.max() ?? 0) * 1e6, "us"))
        }
        try communicator.barrier()
    }

    /// A reduction that is started, then work on the same core, then the wait.
    private func overlap(_ communicator: Communicator) throws {
        let count = 90 << 18
        let ranks = communicator.size
        let tree = LeafTree(leafCount: ranks.nextPowerOfTwoForTests, ranks: ranks)
        let accumulator = TreeAccumulator(tree: tree, rank: communicator.rank, count: count)
        let layout = BucketLayout(count: count, ranks: ranks)
        for late in [0.0, 0.3] {
            accumulator.reset()
            for _ in accumulator.leaves {
                _ = accumulator.beginLeaf()
                accumulator.finishLeaf()
            }
            try communicator.barrier()
            // Rank 1 comes late: meanwhile rank 0 has operations in flight and computes.
            if communicator.rank == 1 && late > 0 { usleep(UInt32(late * 1e6)) }
            let before = communicator.trafficSoFar
            let clock = CommunicationClock()
            let pending = layout.buckets.indices.map {
                communicator.startReduceScatter(accumulator, layout: layout, bucket: $0)
            }
            compute(seconds: 0.4)
            for operation in pending { try operation.wait() }
            let account = communicator.trafficSoFar.since(before)
            say(
                communicator,
                "90 MiB in flight, rank 1 late by \(late) s, 0.4 s of computing: communication "
                    + figure(account.secondsCommunicating * 1e3, "ms") + ", exposed "
                    + figure(account.secondsWaited * 1e3, "ms") + ", its thread ran "
                    + figure(clock.seconds * 1e3, "ms"))
            try communicator.barrier()
        }
    }

    /// What the idle look costs a core that computes.
    private func idleCost(_ communicator: Communicator) throws {
        try communicator.barrier()
        let clock = CommunicationClock()
        let start = monotonicSeconds()
        compute(seconds: 2)
        let wall = monotonicSeconds() - start
        let share = clock.seconds / wall
        let looks = Double(clock.switches) / wall
        for rank in 0..<communicator.size {
            try communicator.barrier()
            guard rank == communicator.rank else { continue }
            print(
                "idle communication thread of rank \(rank): " + figure(share * 100, "% of a core, ")
                    + figure(looks, "looks/s"))
        }
    }

    /// Processor time of all threads but the one that asks.
    private struct CommunicationClock {
        private let start = Self.now
        private static var now: (seconds: Double, switches: Int) {
            var all = rusage()
            var own = timespec()
            getrusage(Int32(RUSAGE_SELF.rawValue), &all)
            clock_gettime(CLOCK_THREAD_CPUTIME_ID, &own)
            let total =
                Double(all.ru_utime.tv_sec + all.ru_stime.tv_sec)
                + Double(all.ru_utime.tv_usec + all.ru_stime.tv_usec) * 1e-6
            return (
                total - Double(own.tv_sec) - Double(own.tv_nsec) * 1e-9, Int(all.ru_nvcsw)
            )
        }
        var seconds: Double { Self.now.seconds - start.seconds }
        var switches: Int { Self.now.switches - start.switches }
    }

    /// Keeps the core busy in its caches; returns how often it went round.
    @discardableResult private func compute(seconds: Double) -> Int {
        let block = FloatBuffer(count: 4096)
        for index in 0..<4096 { block.base[index] = 1 }
        var rounds = 0
        let end = monotonicSeconds() + seconds
        while monotonicSeconds() < end {
            for _ in 0..<20 { addElements(block.base, block.base, into: block.base, count: 4096) }
            rounds += 1
        }
        return rounds
    }

    private func say(_ communicator: Communicator, _ line: String) {
        if communicator.rank == 0 { print(line) }
    }

    private func figure(_ value: Double, _ unit: String) -> String {
        "\((value * 100).rounded() / 100) \(unit)"
    }
}

extension Int {
    fileprivate var nextPowerOfTwoForTests: Int {
        var power = 1
        while power < self { power *= 2 }
        return power
    }
}
