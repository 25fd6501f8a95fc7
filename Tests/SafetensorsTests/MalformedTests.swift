// Every breach of the format is refused with one line that names the file, and no bytes, however
// broken, make the reader leave its map.

import Foundation
import Testing

@testable import Safetensors

@Suite struct MalformedTests {
    private let folder: TemporaryFolder

    init() throws { folder = try TemporaryFolder() }

    private func file(_ header: String, data: Int, length: Int? = nil) -> [UInt8] {
        let json = Array(header.utf8)
        let count = UInt64(length ?? json.count)
        return (0..<8).map { UInt8(truncatingIfNeeded: count >> (8 * UInt64($0))) } + json
            + [UInt8](repeating: 1, count: data)
    }

    private func tensor(
        _ name: String = "a", _ type: String = "F32", _ shape: String = "[2]", _ offsets: String
    ) -> String {
        "\"\(name)\":{\"dtype\":\"\(type)\",\"shape\":\(shape),\"data_offsets\":\(offsets)}"
    }

    @Test func breaches() throws {
        let good = "{\(tensor("a", "[0,8]"))}"
        let cases: [(String, [UInt8], String)] = [
            ("empty", [], "empty"),
            ("seven bytes", [1, 2, 3, 4, 5, 6, 7], "7 bytes"),
            ("huge header", file(good, data: 8, length: 1 << 40), "not a safetensors file"),
            ("header beyond the end", file(good, data: 8, length: 1000), "truncated?"),
            ("cut data", file(good, data: 7), "truncated?"),
            ("tail", file(good, data: 9), "belong to none"),
            ("not JSON", file("hello", data: 0), "'{' is wanted"),
            ("two objects", file(good + "{}", data: 8), "follows the object"),
            ("cut JSON", file("{\"a\":{\"dtype\":\"F3", data: 0), "too early"),
            (
                "hole", file("{\(tensor("a", "[0,8]")),\(tensor("b", "[12,20]"))}", data: 20),
                "starts at"
            ),
            (
                "overlap", file("{\(tensor("a", "[0,8]")),\(tensor("b", "[4,12]"))}", data: 12),
                "starts at"
            ),
            ("size", file("{\(tensor("a", "F32", "[3]", "[0,8]"))}", data: 8), "wants 12 bytes"),
            (
                "backwards", file("{\(tensor("a", "F32", "[2]", "[8,0]"))}", data: 8),
                "wants 8 bytes"
            ),
            (
                "overflow",
                file("{\(tensor("a", "F32", "[4611686018427387904,4]", "[0,8]"))}", data: 8),
                "impossible"
            ),
            ("negative", file("{\(tensor("a", "F32", "[-2]", "[0,8]"))}", data: 8), "whole number"),
            ("fraction", file("{\(tensor("a", "F32", "[2.0]", "[0,8]"))}", data: 8), "wanted"),
            (
                "too great",
                file("{\(tensor("a", "F32", "[99999999999999999999]", "[0,8]"))}", data: 8),
                "too great"
            ),
            (
                "type", file("{\(tensor("a", "F4", "[2]", "[0,8]"))}", data: 8),
                "'F4' is not supported"
            ),
            (
                "twice", file("{\(tensor("a", "[0,8]")),\(tensor("a", "[8,16]"))}", data: 16),
                "twice"
            ),
            ("unknown key", file("{\"a\":{\"x\":[1]}}", data: 0), "unknown key 'x'"),
            ("lacking", file("{\"a\":{\"dtype\":\"F32\"}}", data: 0), "lacks"),
            ("one offset", file("{\(tensor("a", "F32", "[2]", "[8]"))}", data: 8), "two numbers"),
            ("bad UTF-8", file("{\"", data: 0, length: 4) + [0xFF, 0x22], "UTF-8"),
            ("surrogate", file("{\"\\ud800\":1}", data: 0), "surrogate"),
            ("metadata", file("{\"__metadata__\":{\"a\":1}}", data: 0), "'\"' is wanted"),
        ]
        for (name, bytes, words) in cases {
            let path = try folder.write(name, bytes)
            let error = #expect(throws: SafetensorsError.self, "\(name)") {
                try SafetensorsFile(path: path)
            }
            let message = error?.message ?? ""
            #expect(message.hasPrefix(path), "\(name): \(message)")
            #expect(message.contains(words), "\(name): \(message)")
            #expect(!message.contains("\n"), "\(name): \(message)")
        }
        // The one from which they were made is fine.
        #expect(try SafetensorsFile(path: folder.write("good", file(good, data: 8))).names == ["a"])
    }

    private func tensor(_ name: String, _ offsets: String) -> String {
        tensor(name, "F32", "[2]", offsets)
    }

    @Test func noSuchFileAndFolders() throws {
        for path in [folder.file("absent"), folder.path] {
            let error = #expect(throws: SafetensorsError.self) { try SafetensorsFile(path: path) }
            #expect(error?.code == .unreadable)
        }
    }

    @Test func anyByteMayBeBroken() throws {
        let path = folder.file("fuzz")
        try SafetensorsWriter.write(
            [
                TensorSource(name: "a", shape: [3], floats: [1, 2, 3]),
                TensorSource(name: "b", shape: [2], int64s: [1, 2]),
            ], metadata: ["k": "v"], to: path)
        let good = [UInt8](try Data(contentsOf: URL(fileURLWithPath: path)))
        let headerEnd = good.count - 28
        var refused = 0
        for index in 0..<headerEnd {
            for value in [0, 0x22, 0x30, 0x39, 0x5B, 0x7D, 0xFF] as [UInt8]
            where value != good[index] {
                var bytes = good
                bytes[index] = value
                let path = try folder.write("broken", bytes)
                do throws(SafetensorsError) {
                    // What is still legal must lie within the file.
                    for entry in try SafetensorsFile(path: path).entries {
                        _ = entry.bytes.reduce(0) { $0 &+ Int($1) }
                    }
                } catch {
                    refused += 1
                }
            }
        }
        #expect(refused > headerEnd * 4)
        for length in 0..<good.count {
            let path = try folder.write("cut", good[..<length])
            #expect(throws: SafetensorsError.self) { try SafetensorsFile(path: path) }
        }
    }
}
