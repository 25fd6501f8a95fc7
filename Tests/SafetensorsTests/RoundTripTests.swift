// What is written is what is read, of every type and shape.

import Foundation
import Testing

@testable import Safetensors

@Suite struct RoundTripTests {
    let folder = try? TemporaryFolder()

    private func path(_ name: String) throws -> String {
        try #require(folder).file(name)
    }

    @Test func floatsIntegersAndMetadata() throws {
        let path = try path("a.safetensors")
        let metadata = ["format": "pt", "note": "a \"quote\", \\ and \n\u{1} é 🙂"]
        try SafetensorsWriter.write(
            [
                TensorSource(name: "w", shape: [2, 3], floats: [1, -2.5, 3e-30, .infinity, 0, 7]),
                TensorSource(name: "ids", shape: [4], int64s: [1, -2, .max, .min]),
                TensorSource(name: "ünïcode \"name\"", shape: [], floats: [42]),
                TensorSource(name: "none", shape: [3, 0], floats: [Float]()),
            ], metadata: metadata, to: path)
        let file = try SafetensorsFile(path: path)
        #expect(file.metadata == metadata)
        // Wider elements first, otherwise as given.
        #expect(file.names == ["ids", "w", "ünïcode \"name\"", "none"])
        #expect(try file.floats("w") == [1, -2.5, 3e-30, .infinity, 0, 7])
        #expect(try file.entry("w").shape == [2, 3])
        #expect(try file.int64s("ids") == [1, -2, .max, .min])
        #expect(try file.floats("ünïcode \"name\"") == [42])
        #expect(try file.entry("ünïcode \"name\"").shape == [])
        #expect(try file.floats("none") == [])
        #expect(try file.entry("none").shape == [3, 0])
    }

    @Test func everyTensorIsAligned() throws {
        let path = try path("b.safetensors")
        let one = [UInt8](repeating: 7, count: 1)
        try one.withUnsafeBytes { bytes in
            try SafetensorsWriter.write(
                [
                    TensorSource(name: "mask", dataType: .bool, shape: [1], bytes: bytes),
                    TensorSource(name: "x", shape: [1], floats: [1]),
                    TensorSource(name: "i", shape: [1], int64s: [1]),
                ], to: path)
        }
        for entry in try SafetensorsFile(path: path).entries {
            let address = Int(bitPattern: entry.bytes.baseAddress)
            #expect(address.isMultiple(of: entry.dataType.byteWidth), "\(entry.name)")
        }
    }

    @Test func anEmptyFileOfTensors() throws {
        let path = try path("c.safetensors")
        try SafetensorsWriter.write([], to: path)
        let file = try SafetensorsFile(path: path)
        #expect(file.names.isEmpty)
        #expect(try Data(contentsOf: URL(fileURLWithPath: path)).count == 16)
    }

    @Test func rangesOfElements() throws {
        let path = try path("d.safetensors")
        let values = (0..<1000).map(Float.init)
        try SafetensorsWriter.write(
            [TensorSource(name: "v", shape: [10, 100], floats: values)], to: path)
        let file = try SafetensorsFile(path: path)
        var part = [Float](repeating: 0, count: 7)
        try part.withUnsafeMutableBufferPointer { try file.copyFloats("v", 993..<1000, into: $0) }
        #expect(part == Array(values[993...]))
        #expect(throws: SafetensorsError.self) {
            try part.withUnsafeMutableBufferPointer {
                try file.copyFloats("v", 994..<1001, into: $0)
            }
        }
        #expect(throws: SafetensorsError.self) {
            try part.withUnsafeMutableBufferPointer { try file.copyFloats("v", into: $0) }
        }
    }

    @Test func halvesAreExact() throws {
        for bits in 0...UInt16.max {
            let wanted = Float(Float16(bitPattern: bits))
            let got = widenedHalf(bits)
            #expect(got.bitPattern == wanted.bitPattern || (got.isNaN && wanted.isNaN), "\(bits)")
        }
    }

    @Test func narrowFloatsAndIntegersWiden() throws {
        let path = try path("e.safetensors")
        func raw<Value>(_ name: String, _ type: DataType, _ values: [Value]) -> TensorSource {
            let bytes = values.withUnsafeBytes { Array($0) }
            return TensorSource(name: name, dataType: type, shape: [values.count]) {
                (sink) throws(SafetensorsError) in
                // In two pieces, as a producer may.
                var failure: SafetensorsError?
                bytes.withUnsafeBytes { buffer in
                    do throws(SafetensorsError) {
                        try sink(UnsafeRawBufferPointer(rebasing: buffer[..<1]))
                        try sink(UnsafeRawBufferPointer(rebasing: buffer[1...]))
                    } catch { failure = error }
                }
                if let failure { throw failure }
            }
        }
        try SafetensorsWriter.write(
            [
                raw("f64", .float64, [1.5, -.pi] as [Double]),
                raw("bf16", .bfloat16, [0x3F80, 0xC000] as [UInt16]),
                raw("f16", .float16, [0x3C00, 0xC000] as [UInt16]),
                raw("i8", .int8, [-3, 4] as [Int8]), raw("u8", .uint8, [200] as [UInt8]),
                raw("i16", .int16, [-300] as [Int16]), raw("u16", .uint16, [65535] as [UInt16]),
                raw("i32", .int32, [-70000] as [Int32]), raw("u32", .uint32, [.max] as [UInt32]),
                raw("u64", .uint64, [5] as [UInt64]), raw("big", .uint64, [.max] as [UInt64]),
                raw("yes", .bool, [1, 0] as [UInt8]),
            ], to: path)
        let file = try SafetensorsFile(path: path)
        #expect(try file.floats("f64") == [1.5, Float(-Double.pi)])
        #expect(try file.floats("bf16") == [1, -2])
        #expect(try file.floats("f16") == [1, -2])
        #expect(try file.int64s("i8") == [-3, 4])
        #expect(try file.int64s("u8") == [200])
        #expect(try file.int64s("i16") == [-300])
        #expect(try file.int64s("u16") == [65535])
        #expect(try file.int64s("i32") == [-70000])
        #expect(try file.int64s("u32") == [4_294_967_295])
        #expect(try file.int64s("u64") == [5])
        #expect(try file.int64s("yes") == [1, 0])
        #expect(throws: SafetensorsError.self) { try file.int64s("big") }
        #expect(throws: SafetensorsError.self) { try file.int64s("f16") }
        #expect(throws: SafetensorsError.self) { try file.floats("i8") }
        let missing = #expect(throws: SafetensorsError.self) { try file.entry("nothing") }
        #expect(missing?.code == .missingTensor)
    }

    @Test(.enabled(if: SharedData.has("reference/golden")))
    func filesOfTheReferenceImplementation() throws {
        let root = SharedData.path("reference/golden")
        let names = try #require(FileManager.default.enumerator(atPath: root))
            .compactMap { $0 as? String }.filter { $0.hasSuffix(".safetensors") }
        #expect(!names.isEmpty)
        for name in names {
            let file = try SafetensorsFile(path: "\(root)/\(name)")
            #expect(!file.entries.isEmpty)
            for entry in file.entries where entry.dataType.isFloat {
                let sum = try entry.floats().reduce(0, +)
                #expect(!sum.isNaN, "\(name): \(entry.name)")
            }
        }
    }
}
