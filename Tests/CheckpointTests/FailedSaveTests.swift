// A save that fails on some rank: an error on every rank, the earlier checkpoints untouched, nothing
// left behind, and the next save works.

import Collectives
import Foundation
import Glibc
import Testing

@testable import Checkpoint

@Suite struct FailedSaveTests {
    /// Errors of all ranks when step 2 fails.
    private func failSave(
        in folder: String, ranks: Int, _ store: CheckpointStore
    ) throws -> [CheckpointError] {
        try ThreadWorld.run(ranks: ranks) { communicator in
            do {
                try SampleRun.save(step: 2, into: store, communicator)
                return CheckpointError(.mismatch, "it was saved")
            } catch let error as CheckpointError {
                return error
            }
        }
    }

    @Test(arguments: SavePhase.allCases) func troubleInAnyPhase(_ phase: SavePhase) throws {
        try SampleRun.withFolder { folder in
            let store = CheckpointStore(directory: folder)
            try SampleRun.save(step: 1, into: store, ranks: 3)
            var failing = CheckpointStore(directory: folder)
            failing.observer = { (reached) throws(CheckpointError) in
                if reached == phase { throw CheckpointError(.unwritable, "no space left here") }
            }
            let errors = try failSave(in: folder, ranks: 3, failing)
            let isTooLate: [SavePhase] = [.renamed, .committed, .pruned]
            if phase == .oldSetAside {
                // There was nothing to set aside.
                #expect(errors.allSatisfy { $0.message == "it was saved" })
                return
            }
            for error in errors {
                #expect(error == errors[0])
                #expect(error.code == .unwritable)
                #expect(error.message.contains("no space left here"))
            }
            #expect(
                SampleRun.names(folder)
                    == (isTooLate.contains(phase)
                        ? ["step-000001", "step-000002"] : ["step-000001"]))
            try SampleRun.check(try store.open("\(folder)/step-000001"), step: 1)
            try SampleRun.save(step: 3, into: store, ranks: 2)
            try SampleRun.check(try CheckpointStore(directory: folder).latest(), step: 3)
        }
    }

    @Test func oneRankCanNotWrite() throws {
        try SampleRun.withFolder { folder in
            let store = CheckpointStore(directory: folder)
            try SampleRun.save(step: 1, into: store, ranks: 2)
            let blocked = "\(folder)/step-000002.tmp/shard-00001-of-00002.safetensors"
            var failing = CheckpointStore(directory: folder)
            failing.observer = { (reached) throws(CheckpointError) in
                // A folder where rank 1's file should go.
                if reached == .folderMade { try DurableFiles.makeDirectory(blocked) }
            }
            let errors = try failSave(in: folder, ranks: 2, failing)
            for error in errors {
                #expect(error == errors[0])
                #expect(error.message.contains("rank 1: "))
                #expect(error.message.contains(blocked))
            }
            #expect(SampleRun.names(folder) == ["step-000001"])
            try SampleRun.save(step: 2, into: store, ranks: 2)
        }
    }

    @Test func fileWhereTheFolderShouldBe() throws {
        try SampleRun.withFolder { folder in
            try Data().write(to: URL(fileURLWithPath: "\(folder)/file"))
            let store = CheckpointStore(directory: "\(folder)/file/checkpoints")
            let errors = try failSave(in: folder, ranks: 2, store)
            #expect(errors.allSatisfy { $0.code == .unwritable })
        }
    }

    @Test(.enabled(if: TinyDisk.isPossible, "needs the right to mount"))
    func fullDisk() throws {
        try SampleRun.withFolder { folder in
            let disk = "\(folder)/disk"
            try DurableFiles.makeDirectory(disk)
            #expect(TinyDisk.mount(at: disk))
            defer { TinyDisk.unmount(disk) }
            let store = CheckpointStore(directory: "\(disk)/checkpoints", keep: 2)
            try SampleRun.save(step: 1, into: store, ranks: 2)
            let ballast = URL(fileURLWithPath: "\(disk)/ballast")
            try Data(count: 210 << 10).write(to: ballast)
            var errors: [CheckpointError] = []
            for step in 2..<40 where errors.isEmpty {
                let grow = URL(fileURLWithPath: "\(disk)/grow\(step)")
                try? Data(count: 4 << 10).write(to: grow)
                errors = try failSave(in: disk, ranks: 2, store).filter { $0.code == .unwritable }
            }
            #expect(errors.count == 2)
            #expect(errors.first?.message.contains("No space left on device") == true)
            #expect(SampleRun.names("\(disk)/checkpoints").allSatisfy { !$0.hasSuffix(".tmp") })
            try SampleRun.check(
                try CheckpointStore(directory: store.directory).latest(),
                step: SampleRun.names("\(disk)/checkpoints").contains("step-000002") ? 2 : 1)
            try FileManager.default.removeItem(at: ballast)
            try SampleRun.save(step: 50, into: store, ranks: 2)
            try SampleRun.check(try CheckpointStore(directory: store.directory).latest(), step: 50)
        }
    }
}

/// A file system of 256 KiB in memory.
private enum TinyDisk {
    static func mount(at path: String) -> Bool {
        Glibc.mount("tmpfs", path, "tmpfs", 0, "size=256k") == 0
    }

    static func unmount(_ path: String) {
        umount2(path, Int32(MNT_DETACH))
    }

    static var isPossible: Bool {
        let attempt = try? SampleRun.withFolder { folder in
            let isMounted = mount(at: folder)
            if isMounted { unmount(folder) }
            return isMounted
        }
        return attempt ?? false
    }
}
