// Saving and reading when nothing goes wrong.

import Collectives
import Foundation
import Safetensors
import Testing

@testable import Checkpoint

@Suite struct CheckpointStoreTests {
    @Test(arguments: 1...4, 1...4)
    func savedByAnyReadByAny(writers: Int, readers: Int) throws {
        try SampleRun.withFolder { folder in
            let store = CheckpointStore(directory: "\(folder)/run/checkpoints")
            try SampleRun.save(step: 7, into: store, ranks: writers)
            let fresh = CheckpointStore(directory: store.directory)
            _ = try ThreadWorld.run(ranks: readers) { communicator in
                let reader = try fresh.latest(communicator: communicator)
                try SampleRun.check(reader, step: 7, rank: communicator.rank, of: readers)
                // Also the whole of everything, across the writers' cuts.
                try SampleRun.check(reader, step: 7)
            }
        }
    }

    @Test func shardOfOneRankIsAnOrdinaryFile() throws {
        try SampleRun.withFolder { folder in
            let store = CheckpointStore(directory: folder)
            try SampleRun.save(step: 3, into: store, ranks: 1)
            let file = try SafetensorsFile(
                path: "\(folder)/step-000003/shard-00000-of-00001.safetensors")
            #expect(try file.entry("encoder.weight").shape == [37, 11])
            #expect(try file.entry("scale").shape == [])
        }
    }

    @Test func keepsTheNewest() throws {
        try SampleRun.withFolder { folder in
            let store = CheckpointStore(directory: folder, keep: 3)
            for step in 1...6 { try SampleRun.save(step: step, into: store, ranks: 2) }
            #expect(SampleRun.names(folder) == ["step-000004", "step-000005", "step-000006"])
            try SampleRun.check(try store.latest(), step: 6)
        }
    }

    @Test func emptyAndMissingFoldersHoldNothing() throws {
        try SampleRun.withFolder { folder in
            for path in [folder, "\(folder)/none"] {
                let reader = try CheckpointStore(directory: path).latest()
                #expect(reader == nil)
            }
            #expect(throws: CheckpointError.self) {
                try CheckpointStore(directory: folder).open("\(folder)/step-000001")
            }
        }
    }

    @Test func sameStepIsReplaced() throws {
        try SampleRun.withFolder { folder in
            let store = CheckpointStore(directory: folder)
            try SampleRun.save(step: 5, into: store, ranks: 3)
            try SampleRun.save(step: 5, into: store, ranks: 2)
            #expect(SampleRun.names(folder) == ["step-000005"])
            #expect(SampleRun.names("\(folder)/step-000005").count == 4)
            try SampleRun.check(try store.latest(), step: 5)
        }
    }

    @Test func newestIsWhatWasCommittedLast() throws {
        try SampleRun.withFolder { folder in
            // Steps 10 and 20, then a resume from 10 that comes to 15: 20 is another future's.
            let store = CheckpointStore(directory: folder)
            for step in [10, 20, 15] { try SampleRun.save(step: step, into: store, ranks: 1) }
            #expect(SampleRun.names(folder) == ["step-000015", "step-000020"])
            try SampleRun.check(try CheckpointStore(directory: folder).latest(), step: 15)
        }
    }

    @Test func reportTellsWhatWasDone() throws {
        try SampleRun.withFolder { folder in
            let store = CheckpointStore(directory: folder)
            for step in 1...2 { try SampleRun.save(step: step, into: store, ranks: 1) }
            let reports = try ThreadWorld.run(ranks: 2) {
                try SampleRun.save(step: 3, into: store, $0)
            }
            #expect(reports[0] == reports[1])
            #expect(reports[0].removed == ["step-000001"])
            #expect(reports[0].path == "\(folder)/step-000003")
            let bytes = SampleRun.names(reports[0].path).filter { $0 != Manifest.fileName }
                .map {
                    (try? Data(contentsOf: URL(fileURLWithPath: "\(reports[0].path)/\($0)")))?.count
                        ?? 0
                }
            #expect(reports[0].bytes == bytes.reduce(0, +))
        }
    }

    @Test func wrongPiecesAreNamed() throws {
        try SampleRun.withFolder { folder in
            let store = CheckpointStore(directory: folder)
            let values = UnsafeMutableBufferPointer<Float>.allocate(capacity: 10)
            values.initialize(repeating: 1)
            defer { values.deallocate() }
            func attempt(_ ranges: [Range<Int>]) -> String {
                let ranges = ranges
                let memory = UInt(bitPattern: values.baseAddress)
                do {
                    _ = try ThreadWorld.run(ranks: ranges.count) { communicator in
                        let base = UnsafePointer<Float>(bitPattern: memory)
                        let range = ranges[communicator.rank]
                        let piece = TensorPiece(
                            name: "w", globalShape: [10], elementRange: range,
                            values: UnsafeBufferPointer(start: base, count: range.count))
                        try store.save(
                            step: 1, pieces: [piece], state: Data(), communicator: communicator)
                    }
                    return "saved"
                } catch {
                    return "\(error)"
                }
            }
            #expect(attempt([0..<5, 6..<10]).hasSuffix("'w': the elements 5..<6 are missing"))
            #expect(attempt([0..<6, 5..<10]).hasSuffix("'w': the elements 5..<6 are given twice"))
            #expect(attempt([0..<5, 5..<9]).hasSuffix("'w': the elements 9..<10 are missing"))
            #expect(SampleRun.names(folder) == [])
            #expect(attempt([0..<5, 5..<10]) == "saved")
        }
    }

    @Test func readerRefusesWhatDoesNotFit() throws {
        try SampleRun.withFolder { folder in
            let store = CheckpointStore(directory: folder)
            try SampleRun.save(step: 1, into: store, ranks: 2)
            let reader = try #require(try store.latest())
            var room = [Float](repeating: 0, count: 4)
            let failures = room.withUnsafeMutableBufferPointer { buffer in
                [("scale", 0..<2), ("encoder.bias", 8..<12), ("other", 0..<4)].map { name, range in
                    do throws(CheckpointError) {
                        try reader.read(name, range, into: buffer)
                        return "read"
                    } catch {
                        return error.code.rawValue
                    }
                }
            }
            #expect(failures == ["mismatch", "mismatch", "missingTensor"])
            #expect(try reader.floats("encoder.bias").count == 11)
        }
    }
}
