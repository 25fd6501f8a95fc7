// Failures in worlds of threads: no rank hangs, all say the same.

import Synchronization
import Testing

@testable import Collectives

private struct Trouble: Error, Equatable {
    let rank: Int
}

@Suite struct ThreadFailureTests {
    /// Runs a world in which ranks fail, and returns what each rank ran into.
    private func outcomes(
        ranks: Int, watchdog: WatchdogOptions = WatchdogOptions(),
        _ body: @escaping @Sendable (Communicator) throws -> Void
    ) throws -> [String] {
        let seen = Mutex([String](repeating: "came through", count: ranks))
        do {
            _ = try ThreadWorld.run(ranks: ranks, watchdog: watchdog) { communicator in
                do {
                    try body(communicator)
                } catch {
                    seen.withLock { $0[communicator.rank] = "\(error)" }
                    throw error
                }
            }
        } catch {
            // Each rank's own view is compared instead.
        }
        return seen.withLock { $0 }
    }

    @Test func theOriginalErrorIsThrown() {
        #expect(throws: Trouble(rank: 2)) {
            try ThreadWorld.run(ranks: 4) { communicator in
                if communicator.rank == 2 { throw Trouble(rank: 2) }
                try communicator.barrier()
            }
        }
        #expect(throws: Trouble(rank: 0)) {
            try ThreadWorld.run(ranks: 1) { _ in throw Trouble(rank: 0) }
        }
    }

    @Test(arguments: 2...5) func agreementTellsAll(ranks: Int) throws {
        let last = ranks - 1
        let failure = RankFailure(rank: last, exitCode: 4, message: "no disk")
        let seen = try outcomes(ranks: ranks) { communicator in
            try communicator.agree()
            try communicator.agree(communicator.rank == last ? failure : nil)
        }
        #expect(seen == Array(repeating: "rank \(last): no disk", count: ranks))
    }

    @Test func aFailureEndsALeaseLoop() throws {
        let seen = try outcomes(ranks: 3) { communicator in
            let leases = try communicator.counter(named: "leases")
            while true {
                let lease = try leases.fetchAdd(1)
                if lease == 500 {
                    throw communicator.fail(exitCode: 3, message: "lease 500 is bad")
                }
            }
        }
        #expect(Set(seen).count == 1)
        #expect(seen[0].hasSuffix("lease 500 is bad"))
    }

    @Test(arguments: 0..<20) func aFailureInAStepFreesTheOthers(round: Int) throws {
        let seen = try outcomes(ranks: 4) { communicator in
            let tree = LeafTree(leafCount: 8, ranks: 4)
            let accumulator = TreeAccumulator(tree: tree, rank: communicator.rank, count: 200_000)
            let layout = BucketLayout(count: 200_000, ranks: 4, bucketSize: 10_000, blockSize: 64)
            for step in 0..<4 {
                accumulator.reset()
                for _ in accumulator.leaves {
                    _ = accumulator.beginLeaf()
                    accumulator.finishLeaf()
                }
                var pending: [PendingOperation] = []
                for bucket in layout.buckets.indices {
                    if step == 2 && communicator.rank == 1 && bucket == round {
                        throw Trouble(rank: 1)
                    }
                    pending.append(
                        communicator.startReduceScatter(
                            accumulator, layout: layout, bucket: bucket))
                }
                for operation in pending { try operation.wait() }
            }
        }
        #expect(seen[1] == "Trouble(rank: 1)")
        for rank in [0, 2, 3] { #expect(seen[rank] == "rank 1: Trouble(rank: 1)") }
    }

    @Test(arguments: 0..<4) func aFailureBetweenRowsFreesTheOthers(round: Int) throws {
        let rows = RowCase(leaves: 8, percent: 30)
        let seen = try outcomes(ranks: 4) { communicator in
            let accumulator = TreeAccumulator(
                tree: LeafTree(leafCount: 8, ranks: 4), rank: communicator.rank, count: rows.count,
                tables: rows.tables)
            let layout = rows.layout(ranks: 4, bucketSize: 700)
            for step in 0..<4 {
                _ = try rows.sum(communicator, accumulator, layout, step: step) { table in
                    if step == 2 && communicator.rank == round && table == round % 2 {
                        throw Trouble(rank: round)
                    }
                }
            }
        }
        for rank in 0..<4 where rank != round {
            #expect(seen[rank] == "rank \(round): Trouble(rank: \(round))")
        }
    }

    @Test func differentCallsAreNamed() throws {
        let seen = try outcomes(ranks: 2) { communicator in
            try communicator.barrier()
            if communicator.rank == 0 {
                _ = try communicator.allReduce([1.0], .sum)
            } else {
                _ = try communicator.allReduce([1.0, 2.0], .sum)
            }
        }
        #expect(seen[0] == seen[1])
        #expect(seen[0].contains("the ranks' calls differ"))
    }

    @Test func differentCountersAreNamed() throws {
        let seen = try outcomes(ranks: 2) { communicator in
            _ = try communicator.counter(named: communicator.rank == 0 ? "leases" : "budget")
        }
        for line in seen {
            #expect(line.contains("rank 1 asks for the counter 'budget' where rank 0"))
        }
    }

    @Test func theWatchdogNamesWhoIsMissing() throws {
        let reports = Mutex<[StallReport]>([])
        let options = WatchdogOptions(
            reportAfter: 0.1, giveUpAfter: 0.35,
            report: { report in reports.withLock { $0.append(report) } })
        let seen = try outcomes(ranks: 3, watchdog: options) { communicator in
            try communicator.barrier()
            while communicator.rank == 1 {
                try communicator.checkFailure()
            }
            try communicator.barrier()
        }
        let all = reports.withLock { $0 }
        #expect(all.count >= 2)
        // Beside rank 1 a rank may be missed that is just on its way.
        let last = try #require(all.last)
        #expect(last.missing.map(\.rank) == [1])
        #expect(last.operation == "barrier #2")
        #expect(last.missing[0].last == "barrier #1")
        #expect(seen.allSatisfy { $0.contains("missing: rank 1 (computing for") })
    }

    @Test func callsAfterAFailureThrowIt() throws {
        let seen = try outcomes(ranks: 2) { communicator in
            if communicator.rank == 0 { _ = communicator.fail(exitCode: 9, message: "first") }
            while !communicator.hasFailure {}
            var failures: Set<String> = []
            for _ in 0..<3 {
                do { try communicator.barrier() } catch { failures.insert("\(error)") }
                do { _ = try communicator.allGather([1]) } catch { failures.insert("\(error)") }
                do { try communicator.agree() } catch { failures.insert("\(error)") }
            }
            #expect(failures == ["rank 0: first"])
            #expect(communicator.fail(exitCode: 1, message: "second").message == "first")
            try communicator.checkFailure()
        }
        #expect(seen == ["rank 0: first", "rank 0: first"])
    }
}
