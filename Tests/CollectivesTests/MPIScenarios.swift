// Programs that fail under mpirun, each rank in its own way. MPIFaultTests starts them and looks at
// what comes out; they end the process, so they never run together with other tests.

import Foundation
import Glibc
import Testing

@testable import Collectives

/// An error of a program, with its exit code.
struct ScenarioError: Error {
    let exitCode: Int32
    let message: String
}

@Suite(
    .serialized,
    .enabled(
        if: LaunchEnvironment.current.isLaunched && Scenario.named != nil,
        "started by MPIFaultTests"))
struct MPIScenarios {
    @Test func scenario() {
        guard let scenario = Scenario.named else { return }
        var options = MPIOptions(failureGrace: 1, goodbyeGrace: 2)
        options.watchdog = WatchdogOptions(
            reportAfter: 0.5, giveUpAfter: scenario.givesUp ? 1.5 : nil,
            report: { say("stall: \($0)") })
        do {
            try MPIWorld.run(
                options: options,
                describe: { error in
                    guard let error = error as? ScenarioError else { return (70, "\(error)") }
                    return (error.exitCode, error.message)
                },
                report: { say("report: \($0)") }
            ) { communicator in
                do {
                    try scenario.run(communicator)
                } catch {
                    say("rank \(communicator.rank) ends with: \(error)")
                    throw error
                }
            }
            say("came through")
            exit(0)
        } catch let failure as RankFailure {
            say("thrown: \(failure)")
            exit(failure.exitCode)
        } catch {
            say("unexpected: \(error)")
            exit(99)
        }
    }
}

/// Writes a line in one piece, so that the lines of ranks don't mix.
private func say(_ line: String) {
    let text = line + "\n"
    _ = text.withCString { write(STDERR_FILENO, $0, strlen($0)) }
}

/// What the ranks of a failing program do.
enum Scenario: String, CaseIterable {
    case comesThrough, throwsInLeaseLoop, throwsInStep, allThrow, twoThrow, throwsAtTheEnd, killed
    case computesForEver, stopped, leavesWithoutWord, aborts, mismatchedCalls,
        throwsWhileOneComputes

    static var named: Scenario? {
        getenv("RETORT_SCENARIO").flatMap { Scenario(rawValue: String(cString: $0)) }
    }

    var givesUp: Bool {
        [.computesForEver, .stopped, .mismatchedCalls].contains(self)
    }

    func run(_ communicator: Communicator) throws {
        let rank = communicator.rank
        try communicator.barrier()
        switch self {
        case .comesThrough:
            try communicator.agree()
        case .throwsInLeaseLoop:
            let leases = try communicator.counter(named: "leases")
            var taken = 0
            while try leases.fetchAdd(1) < 100_000 {
                taken += 1
                usleep(2000)
                if rank == 1 && taken == 50 {
                    throw ScenarioError(exitCode: 23, message: "the teacher is gone")
                }
            }
        case .throwsInStep:
            try step(communicator, failing: 1, count: 24 << 20)
        case .allThrow:
            throw ScenarioError(exitCode: 5, message: "no such file")
        case .twoThrow:
            if rank != 1 { throw ScenarioError(exitCode: 10 + Int32(rank), message: "trouble") }
            try communicator.barrier()
        case .throwsAtTheEnd:
            if rank == 2 {
                usleep(300_000)
                throw ScenarioError(exitCode: 31, message: "late trouble")
            }
        case .killed:
            if rank == 1 { kill(getpid(), SIGKILL) }
            try communicator.barrier()
        case .computesForEver:
            if rank == 1 { while true { usleep(1000) } }
            try communicator.barrier()
        case .stopped:
            if rank == 1 { kill(getpid(), SIGSTOP) }
            try communicator.barrier()
        case .leavesWithoutWord:
            if rank == 1 { _exit(0) }
            try communicator.barrier()
        case .aborts:
            if rank == 1 { MPIWorld.abort(exitCode: 9) }
            try communicator.barrier()
        case .mismatchedCalls:
            if rank == 1 { _ = try communicator.allReduce([1.0], .sum) }
            try communicator.barrier()
        case .throwsWhileOneComputes:
            if rank == 0 { throw ScenarioError(exitCode: 41, message: "bad row") }
            if rank == 1 { usleep(1_000_000) }
            try communicator.checkFailure()
            try communicator.barrier()
        }
    }

    /// Steps until a rank fails between two buckets: the others are in the middle of large messages.
    private func step(_ communicator: Communicator, failing: Int, count: Int) throws {
        let tree = LeafTree(leafCount: 4, ranks: communicator.size)
        let accumulator = TreeAccumulator(tree: tree, rank: communicator.rank, count: count)
        let layout = BucketLayout(count: count, ranks: communicator.size)
        for round in 0..<3 {
            accumulator.reset()
            for _ in accumulator.leaves {
                _ = accumulator.beginLeaf()
                accumulator.finishLeaf()
            }
            var pending: [PendingOperation] = []
            for bucket in layout.buckets.indices {
                if round == 2 && communicator.rank == failing && bucket == 2 {
                    throw ScenarioError(exitCode: 17, message: "the loss is not finite")
                }
                pending.append(
                    communicator.startReduceScatter(accumulator, layout: layout, bucket: bucket))
            }
            for operation in pending { try operation.wait() }
        }
    }
}
