// A save whose process is killed, or may not write on: this test program is started again as a child
// that saves step 2 and dies in a given phase. What it leaves behind is then read and written on.

import Collectives
import Foundation
import Glibc
import Testing

@testable import Checkpoint

/// What a child is told: a folder, the step, the phase to die in or the bytes that it may write.
struct ChildOrder: Codable {
    let folder: String
    let step: Int
    var killIn: SavePhase?
    var limitBytes: Int?

    static let variable = "RETORT_CHILD_SAVE"

    /// The order that this process was given, if it is a child.
    static var own: ChildOrder? {
        ProcessInfo.processInfo.environment[variable].flatMap {
            try? JSONDecoder().decode(ChildOrder.self, from: Data($0.utf8))
        }
    }
}

/// The child: enabled only when KilledSaveTests starts it.
@Suite(.enabled(if: ChildOrder.own != nil, "started by KilledSaveTests"))
struct ChildSave {
    @Test func save() throws {
        guard let order = ChildOrder.own else { return }
        var store = CheckpointStore(directory: order.folder)
        if let phase = order.killIn {
            store.observer = { reached in
                if reached == phase { kill(getpid(), SIGKILL) }
            }
        }
        if let bytes = order.limitBytes {
            // Without this the limit is a signal that ends the process; with it, it is an error.
            signal(SIGXFSZ, SIG_IGN)
            var limit = rlimit(rlim_cur: UInt(bytes), rlim_max: UInt(bytes))
            setrlimit(__rlimit_resource_t(UInt32(RLIMIT_FSIZE.rawValue)), &limit)
        }
        do {
            try SampleRun.save(step: order.step, into: store, ranks: 2)
            exit(0)
        } catch let error as CheckpointError {
            _ = error.message.withCString { write(STDERR_FILENO, $0, strlen($0)) }
            exit(error.code == .unwritable ? 3 : 4)
        }
    }
}

@Suite(.serialized, .enabled(if: ChildOrder.own == nil, "this is the child"))
struct KilledSaveTests {
    /// Starts the child and waits for its end.
    private func child(_ order: ChildOrder) throws -> (
        status: Int32, reason: Process.TerminationReason, text: String
    ) {
        let process = Process()
        process.executableURL = URL(
            fileURLWithPath: try FileManager.default.destinationOfSymbolicLink(
                atPath: "/proc/self/exe"))
        process.arguments = ["--testing-library", "swift-testing", "--filter", "ChildSave"]
        var environment = ProcessInfo.processInfo.environment
        environment[ChildOrder.variable] = String(
            decoding: try JSONEncoder().encode(order), as: UTF8.self)
        process.environment = environment
        let pipe = Pipe()
        process.standardOutput = FileHandle.nullDevice
        process.standardError = pipe
        try process.run()
        let bytes = pipe.fileHandleForReading.readDataToEndOfFile()
        process.waitUntilExit()
        return (
            process.terminationStatus, process.terminationReason,
            String(decoding: bytes, as: UTF8.self)
        )
    }

    @Test(arguments: SavePhase.allCases) func killedIn(_ phase: SavePhase) throws {
        try SampleRun.withFolder { folder in
            let store = CheckpointStore(directory: folder)
            try SampleRun.save(step: 1, into: store, ranks: 3)
            // The phase of setting aside exists only where the step is there already.
            let replaces = phase == .oldSetAside
            if replaces { try SampleRun.save(step: 2, into: store, ranks: 1) }
            let end = try child(ChildOrder(folder: folder, step: 2, killIn: phase))
            #expect(end.reason == .uncaughtSignal && end.status == SIGKILL)

            let isCommitted = [.renamed, .committed, .pruned].contains(phase)
            let fresh = CheckpointStore(directory: folder)
            let reader = try fresh.latest()
            try SampleRun.check(reader, step: isCommitted || replaces ? 2 : 1)
            #expect(reader?.skipped.count == (isCommitted ? 0 : 1))
            #expect(reader?.skipped.allSatisfy { $0.path.hasSuffix("/step-000002.tmp") } == true)

            // The same again goes through, and leaves nothing of the broken one.
            #expect(try child(ChildOrder(folder: folder, step: 2)).status == 0)
            try SampleRun.check(try CheckpointStore(directory: folder).latest(), step: 2)
            #expect(SampleRun.names(folder) == ["step-000001", "step-000002"])
        }
    }

    @Test(arguments: [100, 1400]) func fileSizeLimit(bytes: Int) throws {
        // The smaller limit stops the shards, the larger one the manifest.
        try SampleRun.withFolder { folder in
            let store = CheckpointStore(directory: folder)
            try SampleRun.save(step: 1, into: store, ranks: 2)
            let end = try child(ChildOrder(folder: folder, step: 2, limitBytes: bytes))
            #expect(end.reason == .exit && end.status == 3)
            #expect(end.text.contains("step 2 could not be saved"))
            #expect(end.text.contains("File too large"))
            #expect(SampleRun.names(folder) == ["step-000001"])
            try SampleRun.check(try CheckpointStore(directory: folder).latest(), step: 1)
        }
    }
}
