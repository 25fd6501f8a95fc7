// Writing that fails leaves what was there before, and nothing else.

import Foundation
import Testing

@testable import Safetensors

@Suite struct WriteFaultTests {
    private let folder: TemporaryFolder

    init() throws { folder = try TemporaryFolder() }

    @Test func aProducerWithTooFewOrTooManyBytes() throws {
        let path = folder.file("a.safetensors")
        try SafetensorsWriter.write([TensorSource(name: "a", shape: [1], floats: [1])], to: path)
        for count in [0, 1, 3, 9] {
            let wrong = TensorSource(
                name: "w", shape: [2], floats: [Float](repeating: 0, count: count))
            let error = #expect(throws: SafetensorsError.self) {
                try SafetensorsWriter.write([wrong], to: path)
            }
            #expect(error?.code == .invalidTensor)
            #expect(error?.message.contains("'w': F32 [2] wants 8 bytes") == true)
        }
        #expect(try folder.names() == ["a.safetensors"])
        #expect(try SafetensorsFile(path: path).names == ["a"])
    }

    @Test func contradictions() throws {
        let path = folder.file("b.safetensors")
        let one = TensorSource(name: "a", shape: [1], floats: [1])
        for tensors in [
            [one, one], [TensorSource(name: "n", shape: [-1], floats: [])],
            [TensorSource(name: "__metadata__", shape: [1], floats: [1])],
        ] {
            let error = #expect(throws: SafetensorsError.self) {
                try SafetensorsWriter.write(tensors, to: path)
            }
            #expect(error?.code == .invalidTensor)
        }
        #expect(try folder.names() == [])
    }

    @Test func noSuchFolder() throws {
        let error = #expect(throws: SafetensorsError.self) {
            try SafetensorsWriter.write([], to: folder.file("no/such/folder.safetensors"))
        }
        #expect(error?.code == .unwritable)
    }

    @Test func aFullDisk() async throws {
        // The file size limit of a process refuses a write as a full disk does.
        await #expect(processExitsWith: .success) {
            let folder = try TemporaryFolder()
            let path = folder.file("c.safetensors")
            try SafetensorsWriter.write(
                [TensorSource(name: "old", shape: [1], floats: [1])], to: path)
            signal(SIGXFSZ, SIG_IGN)
            var limit = rlimit(rlim_cur: 4096, rlim_max: 4096)
            setrlimit(__rlimit_resource_t(1), &limit)
            let big = TensorSource(
                name: "new", shape: [5000], floats: [Float](repeating: 1, count: 5000))
            for commit in [SafetensorsWriter.Commit.atomic, .inPlace] {
                let target = commit == .atomic ? path : folder.file("d.safetensors")
                let error = #expect(throws: SafetensorsError.self) {
                    try SafetensorsWriter.write([big], to: target, commit: commit)
                }
                #expect(error?.code == .unwritable)
            }
            #expect(try folder.names() == ["c.safetensors"])
            #expect(try SafetensorsFile(path: path).names == ["old"])
        }
    }
}
