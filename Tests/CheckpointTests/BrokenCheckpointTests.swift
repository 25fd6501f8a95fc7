// Files that were cut, altered, lost or left behind: named, passed over, never read as if whole.

import Collectives
import Foundation
import Testing

@testable import Checkpoint

@Suite struct BrokenCheckpointTests {
    /// Saves steps 1 and 2, spoils a file of step 2, and returns why step 2 was passed over.
    private func spoil(
        _ file: String, ranks: Int = 2, readers: Int = 1, _ change: (URL) throws -> Void
    ) throws -> String {
        try SampleRun.withFolder { folder in
            let store = CheckpointStore(directory: folder)
            for step in 1...2 { try SampleRun.save(step: step, into: store, ranks: ranks) }
            let path = "\(folder)/step-000002"
            try change(URL(fileURLWithPath: "\(path)/\(file)"))
            let fresh = CheckpointStore(directory: folder)
            let skipped = try ThreadWorld.run(ranks: readers) { communicator in
                let reader = try fresh.latest(communicator: communicator)
                try SampleRun.check(reader, step: 1)
                return reader?.skipped ?? []
            }
            for other in skipped { #expect(other == skipped[0]) }
            #expect(skipped[0].map(\.path) == [path])
            #expect(throws: CheckpointError.self) { try fresh.open(path) }
            // The next save leaves two whole ones and removes nothing that is whole.
            try SampleRun.save(step: 3, into: fresh, ranks: 1)
            try SampleRun.check(try fresh.open("\(folder)/step-000001"), step: 1)
            try SampleRun.save(step: 4, into: fresh, ranks: 1)
            #expect(SampleRun.names(folder) == ["step-000003", "step-000004"])
            return skipped[0].first?.reason ?? ""
        }
    }

    private func flip(_ url: URL, at place: (Int) -> Int) throws {
        var bytes = try Data(contentsOf: url)
        bytes[place(bytes.count)] ^= 0x01
        try bytes.write(to: url)
    }

    @Test(arguments: 1...3) func truncatedShard(readers: Int) throws {
        let reason = try spoil("shard-00001-of-00002.safetensors", readers: readers) { url in
            let handle = try FileHandle(forWritingTo: url)
            try handle.truncate(atOffset: 100)
            try handle.close()
        }
        #expect(reason.hasPrefix("shard-00001-of-00002.safetensors has 100 bytes, "))
    }

    @Test(arguments: [0, 1, 2, 3]) func flippedBit(quarter: Int) throws {
        let reason = try spoil("shard-00000-of-00002.safetensors", readers: 2) { url in
            try flip(url) { min($0 - 1, $0 * quarter / 3) }
        }
        #expect(reason.contains("shard-00000-of-00002.safetensors has been altered"))
    }

    @Test func missingShard() throws {
        let reason = try spoil("shard-00001-of-00002.safetensors") {
            try FileManager.default.removeItem(at: $0)
        }
        #expect(reason == "shard-00001-of-00002.safetensors: is missing")
    }

    @Test func alteredState() throws {
        let reason = try spoil("state.json") { try flip($0) { _ in 3 } }
        #expect(reason.hasPrefix("state.json has been altered"))
    }

    @Test func missingManifest() throws {
        let reason = try spoil("manifest.json") { try FileManager.default.removeItem(at: $0) }
        #expect(reason == "manifest.json is missing")
    }

    @Test func everyBitOfTheManifestCounts() throws {
        try SampleRun.withFolder { folder in
            let store = CheckpointStore(directory: folder)
            try SampleRun.save(step: 1, into: store, ranks: 2)
            let bytes = try DurableFiles.read("\(folder)/step-000001/manifest.json")
            #expect(throws: Never.self) { try Manifest(decoding: bytes) }
            for index in bytes.indices {
                var altered = bytes
                altered[index] ^= 0x01
                #expect(throws: CheckpointError.self) { try Manifest(decoding: altered) }
            }
            for count in stride(from: 0, to: bytes.count, by: 7) {
                #expect(throws: CheckpointError.self) {
                    try Manifest(decoding: bytes.prefix(count))
                }
            }
        }
    }

    @Test func unfinishedSaveIsNamedAndRemovedByTheNext() throws {
        try SampleRun.withFolder { folder in
            let store = CheckpointStore(directory: folder)
            try SampleRun.save(step: 1, into: store, ranks: 1)
            let left = "\(folder)/step-000002.tmp"
            try FileManager.default.copyItem(atPath: "\(folder)/step-000001", toPath: left)
            let reader = try CheckpointStore(directory: folder).latest()
            try SampleRun.check(reader, step: 1)
            #expect(reader?.skipped.map(\.path) == [left])
            try SampleRun.save(step: 3, into: store, ranks: 1)
            #expect(SampleRun.names(folder) == ["step-000001", "step-000003"])
        }
    }

    @Test func foreignFoldersAreLeftAlone() throws {
        try SampleRun.withFolder { folder in
            let foreign = ["best", "step-12x", "step-1", "step-000001.old", "notes.txt"]
            for name in foreign {
                try DurableFiles.makeDirectory("\(folder)/\(name)")
            }
            let store = CheckpointStore(directory: folder)
            for step in 1...4 { try SampleRun.save(step: step, into: store, ranks: 1) }
            #expect(
                SampleRun.names(folder) == (foreign + ["step-000003", "step-000004"]).sorted())
        }
    }

    @Test func allBrokenIsAnError() throws {
        try SampleRun.withFolder { folder in
            let store = CheckpointStore(directory: folder)
            try SampleRun.save(step: 1, into: store, ranks: 1)
            try flip(URL(fileURLWithPath: "\(folder)/step-000001/state.json")) { _ in 0 }
            let fresh = CheckpointStore(directory: folder)
            let messages = try ThreadWorld.run(ranks: 2) { communicator in
                do {
                    _ = try fresh.latest(communicator: communicator)
                    return "read"
                } catch {
                    return "\(error)"
                }
            }
            #expect(messages[0] == messages[1])
            #expect(messages[0].contains("no checkpoint is whole"))
            #expect(messages[0].contains("state.json has been altered"))
        }
    }
}
