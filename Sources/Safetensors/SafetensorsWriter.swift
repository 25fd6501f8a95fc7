// Writing a safetensors file. Tensors are laid out by falling element width (the given order among
// equals), so that every tensor is aligned; the header is padded so that the data starts at 8.

import Glibc

/// Writes safetensors files.
public enum SafetensorsWriter {
    /// How the file comes to be at its path.
    public enum Commit: Sendable {
        /// Written beside it, made durable, then renamed: the path holds the old file or the new.
        case atomic
        /// Written in place and not synced, for a caller that commits many files at once.
        case inPlace
    }

    /// Writes tensors and free text pairs to `path`; on failure no half file stays behind.
    public static func write(
        _ tensors: [TensorSource], metadata: [String: String] = [:], to path: String,
        commit: Commit = .atomic
    ) throws(SafetensorsError) {
        let ordered = tensors.enumerated().sorted {
            (-$0.element.dataType.byteWidth, $0.offset)
                < (-$1.element.dataType.byteWidth, $1.offset)
        }.map(\.element)
        let header = try headerBytes(ordered, metadata: metadata, path: path)
        let writtenPath = commit == .atomic ? "\(path).tmp-\(getpid())" : path
        let file = try OutputFile(path: writtenPath)
        do throws(SafetensorsError) {
            try file.write(header.bytes)
            for (tensor, wanted) in zip(ordered, header.counts) {
                var given = 0
                try tensor.produce { (bytes) throws(SafetensorsError) in
                    given += bytes.count
                    guard given <= wanted else { return }
                    try file.write(bytes)
                }
                guard given == wanted else {
                    throw SafetensorsError(
                        .invalidTensor,
                        "\(path): tensor '\(tensor.name)': \(tensor.dataType.rawValue) "
                            + "\(tensor.shape) wants \(wanted) bytes, got \(given)")
                }
            }
            try file.finish(durable: commit == .atomic)
            if commit == .atomic { try file.rename(to: path) }
        } catch {
            file.discard()
            throw error
        }
    }

    private static func headerBytes(
        _ tensors: [TensorSource], metadata: [String: String], path: String
    ) throws(SafetensorsError) -> (bytes: [UInt8], counts: [Int]) {
        var members: [String] = []
        var names: Set<String> = ["__metadata__"]
        var counts: [Int] = []
        var offset = 0
        if !metadata.isEmpty {
            let pairs = metadata.sorted { $0.key < $1.key }
                .map { "\(quoted($0.key)):\(quoted($0.value))" }
            members.append("\"__metadata__\":{\(pairs.joined(separator: ","))}")
        }
        for tensor in tensors {
            guard names.insert(tensor.name).inserted else {
                throw SafetensorsError(
                    .invalidTensor, "\(path): two tensors are named '\(tensor.name)'")
            }
            guard let count = tensor.dataType.byteCount(ofShape: tensor.shape) else {
                throw SafetensorsError(
                    .invalidTensor,
                    "\(path): tensor '\(tensor.name)': shape \(tensor.shape) is impossible")
            }
            let shape = tensor.shape.map(String.init).joined(separator: ",")
            members.append(
                "\(quoted(tensor.name)):{\"dtype\":\"\(tensor.dataType.rawValue)\","
                    + "\"shape\":[\(shape)],\"data_offsets\":[\(offset),\(offset + count)]}")
            counts.append(count)
            offset += count
        }
        var json = Array("{\(members.joined(separator: ","))}".utf8)
        json.append(contentsOf: repeatElement(0x20, count: (8 - json.count % 8) % 8))
        let length = UInt64(json.count)
        let prefix = (0..<8).map { UInt8(truncatingIfNeeded: length >> (8 * UInt64($0))) }
        return (prefix + json, counts)
    }

    private static func quoted(_ text: String) -> String {
        var out = "\""
        for scalar in text.unicodeScalars {
            switch scalar {
            case "\"": out += "\\\""
            case "\\": out += "\\\\"
            case "\u{0}"..<"\u{20}":
                let digits = String(scalar.value, radix: 16)
                out += "\\u" + String(repeating: "0", count: 4 - digits.count) + digits
            default: out.unicodeScalars.append(scalar)
            }
        }
        return out + "\""
    }
}
