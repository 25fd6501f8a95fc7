// A small run's tensors, and how any number of ranks saves and reads them.

import Collectives
import Foundation
import Testing

@testable import Checkpoint

/// Tensors with awkward sizes: nothing divides by the number of ranks.
enum SampleRun {
    static let shapes: [(name: String, shape: [Int])] = [
        ("encoder.weight", [37, 11]), ("encoder.bias", [11]), ("scale", []), ("nothing", [0, 4]),
        ("moment \"m\" é", [101]),
    ]

    static func value(_ name: String, _ index: Int, step: Int) -> Float {
        Float(index) * 0.37 + Float(step) + Float(name.utf8.count)
    }

    /// A temporary folder that is removed at the end.
    static func withFolder<Value>(_ body: (String) throws -> Value) throws -> Value {
        let path = NSTemporaryDirectory() + "/retort-checkpoint-\(UUID().uuidString)"
        try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(atPath: path) }
        return try body(path)
    }

    static func state(step: Int) -> Data { Data("{\"step\":\(step)}".utf8) }

    /// Saves a step: every tensor is cut into as many parts as there are ranks.
    @discardableResult
    static func save(
        step: Int, into store: CheckpointStore, _ communicator: Communicator
    ) throws -> SaveReport {
        var memory: [UnsafeMutableBufferPointer<Float>] = []
        defer { for buffer in memory { buffer.deallocate() } }
        let pieces = shapes.map { name, shape in
            let count = shape.reduce(1, *)
            let range =
                communicator.rank * count / communicator.size..<(communicator.rank + 1) * count
                / communicator.size
            let buffer = UnsafeMutableBufferPointer<Float>.allocate(capacity: range.count)
            for (place, index) in range.enumerated() {
                buffer.initializeElement(at: place, to: value(name, index, step: step))
            }
            memory.append(buffer)
            return TensorPiece(
                name: name, globalShape: shape, elementRange: range,
                values: UnsafeBufferPointer(buffer))
        }
        return try store.save(
            step: step, pieces: pieces, state: state(step: step), communicator: communicator)
    }

    static func save(step: Int, into store: CheckpointStore, ranks: Int) throws {
        _ = try ThreadWorld.run(ranks: ranks) { try save(step: step, into: store, $0) }
    }

    /// Checks a reader's contents, as rank `rank` of `ranks` reads them: its part of each tensor.
    static func check(_ reader: CheckpointReader?, step: Int, rank: Int = 0, of ranks: Int = 1)
        throws
    {
        let reader = try #require(reader)
        #expect(reader.step == step)
        #expect(reader.state == state(step: step))
        #expect(reader.tensorNames == shapes.map(\.name).sorted())
        for (name, shape) in shapes {
            #expect(try reader.shape(of: name) == shape)
            let count = shape.reduce(1, *)
            let range = rank * count / ranks..<(rank + 1) * count / ranks
            var values = [Float](repeating: .nan, count: range.count)
            try values.withUnsafeMutableBufferPointer { try reader.read(name, range, into: $0) }
            let isEqual = values == range.map { value(name, $0, step: step) }
            #expect(isEqual, "\(name), elements \(range)")
        }
    }

    /// The names in a folder.
    static func names(_ path: String) -> [String] {
        ((try? FileManager.default.contentsOfDirectory(atPath: path)) ?? []).sorted()
    }
}
