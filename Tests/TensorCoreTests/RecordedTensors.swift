// Tensors that PyTorch recorded, read by a few lines of the tests' own: TensorCore knows no files.

import Foundation

/// A safetensors file of ../shared/reference/golden.
struct RecordedTensors {
    struct Missing: Error { let name: String }

    private struct Entry: Decodable {
        let dtype: String
        let offsets: [Int]

        enum CodingKeys: String, CodingKey {
            case dtype
            case offsets = "data_offsets"
        }
    }

    private let entries: [String: Entry]
    private let bytes: [UInt8]

    static func path(_ name: String) -> String {
        URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
            .deletingLastPathComponent().deletingLastPathComponent()
            .appendingPathComponent("shared/reference/golden/\(name)/golden.safetensors").path
    }

    static func exists(_ name: String) -> Bool {
        FileManager.default.fileExists(atPath: path(name))
    }

    init(_ name: String) throws {
        let data = try Data(contentsOf: URL(fileURLWithPath: Self.path(name)))
        let header = data.prefix(8).reversed().reduce(0) { $0 << 8 | Int($1) }
        entries = try JSONDecoder().decode([String: Entry].self, from: data[8..<8 + header])
        bytes = Array(data[(8 + header)...])
    }

    func floats(_ name: String) throws -> [Float] { try values(name, "F32") }

    func doubles(_ name: String) throws -> [Double] { try values(name, "F64") }

    private func values<Value: BitwiseCopyable>(_ name: String, _ type: String) throws -> [Value] {
        guard let entry = entries[name], entry.dtype == type, entry.offsets.count == 2 else {
            throw Missing(name: name)
        }
        return bytes.withUnsafeBytes { all in
            let part = all[entry.offsets[0]..<entry.offsets[1]]
            return (0..<part.count / MemoryLayout<Value>.size).map {
                UnsafeRawBufferPointer(rebasing: part).loadUnaligned(
                    fromByteOffset: $0 * MemoryLayout<Value>.size, as: Value.self)
            }
        }
    }
}
