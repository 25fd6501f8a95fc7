// Real failures of real processes: mpirun is started on this test program with a scenario, and its
// exit code, its output and the time it took are looked at.

import Foundation
import Testing

@testable import Collectives

@Suite(
    .serialized,
    .enabled(
        if: !LaunchEnvironment.current.isLaunched && MPIJob.isPossible,
        "needs mpirun, and not to be under it"))
struct MPIFaultTests {
    @Test func comesThrough() throws {
        let job = try MPIJob.run(.comesThrough)
        #expect(job.exitCode == 0)
        #expect(job.count("came through") == 3)
    }

    @Test func aRankThrowsWhileAllTakeLeases() throws {
        let job = try MPIJob.run(.throwsInLeaseLoop)
        #expect(job.exitCode == 23)
        #expect(job.count("report: rank 1: the teacher is gone") == 1)
        #expect(job.count("ends with: rank 1: the teacher is gone") == 2)
        #expect(job.seconds < 10)
    }

    @Test func aRankThrowsInAStep() throws {
        let job = try MPIJob.run(.throwsInStep)
        #expect(job.exitCode == 17)
        #expect(job.count("report: rank 1: the loss is not finite") == 1)
        #expect(job.count("ends with: rank 1: the loss is not finite") == 2)
        #expect(job.seconds < 15)
    }

    @Test func allThrowTheSame() throws {
        let job = try MPIJob.run(.allThrow)
        #expect(job.exitCode == 5)
        #expect(job.count("report: ") == 1)
    }

    @Test func twoThrowAtATime() throws {
        let job = try MPIJob.run(.twoThrow)
        // Whichever was first, or rank 0 if neither knew of the other: all say the same.
        #expect(job.exitCode == 10 || job.exitCode == 12)
        #expect(job.count("report: rank \(job.exitCode - 10): trouble") == 1)
        // The rank between them, and the other thrower if it heard the news before it came to throw.
        #expect((1...2).contains(job.count("ends with: rank \(job.exitCode - 10): trouble")))
    }

    @Test func aRankThrowsWhenOthersAreDone() throws {
        let job = try MPIJob.run(.throwsAtTheEnd)
        #expect(job.exitCode == 31)
        #expect(job.count("came through") == 0)
        #expect(job.count("report: rank 2: late trouble") == 1)
    }

    @Test func aRankThrowsWhileOneComputes() throws {
        let job = try MPIJob.run(.throwsWhileOneComputes)
        #expect(job.exitCode == 41)
        #expect(job.count("ends with: rank 0: bad row") == 2)
    }

    @Test func aRankIsKilled() throws {
        let job = try MPIJob.run(.killed)
        #expect(job.exitCode == 137)
        #expect(job.count("came through") == 0)
        #expect(job.seconds < 15)
    }

    @Test func aRankLeavesWithoutAWord() throws {
        let job = try MPIJob.run(.leavesWithoutWord)
        #expect(job.exitCode != 0)
        #expect(job.count("came through") == 0)
        #expect(job.seconds < 15)
    }

    @Test func aRankAborts() throws {
        let job = try MPIJob.run(.aborts)
        #expect(job.exitCode == 9)
        #expect(job.seconds < 15)
    }

    @Test func aRankComputesForEver() throws {
        let job = try MPIJob.run(.computesForEver)
        #expect(job.exitCode == RankFailure.communicationExitCode)
        #expect(job.count("in barrier #2; missing: rank 1 (computing for ") >= 2)
        #expect(job.seconds < 20)
    }

    @Test func aRankIsStopped() throws {
        let job = try MPIJob.run(.stopped)
        #expect(job.exitCode == RankFailure.communicationExitCode)
        // Every rank that waits says so, unless mpirun ends it because another was faster.
        #expect(job.count("missing: rank 1 (does not answer)") >= 1)
        #expect(job.seconds < 20)
    }

    @Test func ranksMakeDifferentCalls() throws {
        let job = try MPIJob.run(.mismatchedCalls)
        #expect(job.exitCode == RankFailure.communicationExitCode)
        #expect(job.count("barrier #2") >= 1)
        #expect(job.count("all-reduce #2") >= 1)
        #expect(job.seconds < 20)
    }
}

/// A finished run of a scenario.
struct MPIJob {
    let exitCode: Int32
    let lines: [String]
    let seconds: Double

    /// Lines that contain a text.
    func count(_ text: String) -> Int { lines.count { $0.contains(text) } }

    private static let launcher = ["/usr/bin/mpirun", "/usr/local/bin/mpirun"]
        .first { FileManager.default.isExecutableFile(atPath: $0) }

    static var isPossible: Bool { launcher != nil }

    static func run(_ scenario: Scenario, ranks: Int = 3) throws -> MPIJob {
        let process = Process()
        process.executableURL = URL(fileURLWithPath: try #require(launcher))
        process.arguments = [
            "--allow-run-as-root", "--oversubscribe", "-np", "\(ranks)",
            try FileManager.default.destinationOfSymbolicLink(atPath: "/proc/self/exe"),
            "--testing-library", "swift-testing", "--filter", "MPIScenarios",
        ]
        var environment = ProcessInfo.processInfo.environment
        environment["RETORT_SCENARIO"] = scenario.rawValue
        process.environment = environment
        let output = FileManager.default.temporaryDirectory
            .appendingPathComponent("retort-scenario-\(UUID().uuidString)")
        _ = FileManager.default.createFile(atPath: output.path, contents: nil)
        defer { try? FileManager.default.removeItem(at: output) }
        let handle = try FileHandle(forWritingTo: output)
        process.standardError = handle
        process.standardOutput = handle
        process.standardInput = FileHandle.nullDevice
        let start = Date()
        try process.run()
        while process.isRunning {
            Thread.sleep(forTimeInterval: 0.02)
            if Date().timeIntervalSince(start) > 60 {
                process.terminate()
                Issue.record("\(scenario) hangs")
                process.waitUntilExit()
            }
        }
        try handle.close()
        let text = String(decoding: try Data(contentsOf: output), as: UTF8.self)
        let job = MPIJob(
            exitCode: process.terminationStatus,
            lines: text.split(separator: "\n").map(String.init),
            seconds: Date().timeIntervalSince(start))
        if ProcessInfo.processInfo.environment["RETORT_SHOW"] != nil { print(text) }
        return job
    }
}
