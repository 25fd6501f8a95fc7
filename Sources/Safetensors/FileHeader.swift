// The header of a file, checked: every tensor's bytes are as many as its shape and type want, and
// together they cover the data without holes, overlaps or a tail. Nothing outside this file decides
// what a legal file is.

/// The checked header of a safetensors file.
struct FileHeader {
    struct Tensor {
        let name: String
        let dataType: DataType
        let shape: [Int]
        /// Bytes of the file.
        let range: Range<Int>
    }

    /// In the order of their bytes.
    let tensors: [Tensor]
    let metadata: [String: String]

    /// The reference implementation's limit; a greater length is a sign of another kind of file.
    static let greatestLength = 100_000_000

    init(file bytes: UnsafeRawBufferPointer, path: String) throws(SafetensorsError) {
        func malformed(_ what: String) -> SafetensorsError {
            SafetensorsError(.malformed, "\(path): \(what)")
        }
        guard bytes.count >= 8 else {
            throw malformed("\(bytes.count) bytes cannot be a safetensors file (truncated?)")
        }
        let length = bytes.loadUnaligned(as: UInt64.self)
        guard length <= Self.greatestLength else {
            throw malformed(
                "the header would be \(length) bytes long; this is not a safetensors file")
        }
        let dataStart = 8 + Int(length)
        guard dataStart <= bytes.count else {
            throw malformed(
                "the header wants \(length) bytes, the file has \(bytes.count - 8) (truncated?)")
        }
        let raw: (tensors: [RawTensor], metadata: [String: String])
        do throws(HeaderScanner.Trouble) {
            raw = try Self.scan(UnsafeRawBufferPointer(rebasing: bytes[8..<dataStart]))
        } catch {
            throw malformed("header, byte \(error.offset): \(error.what)")
        }
        let dataCount = bytes.count - dataStart
        var tensors: [Tensor] = []
        tensors.reserveCapacity(raw.tensors.count)
        var names: Set<String> = []
        var end = 0
        // Stable, so that empty tensors keep the header's order.
        let inOrder = raw.tensors.enumerated().sorted {
            ($0.element.start, $0.element.end, $0.offset)
                < ($1.element.start, $1.element.end, $1.offset)
        }
        for (_, tensor) in inOrder {
            let subject = "tensor '\(tensor.name)'"
            guard names.insert(tensor.name).inserted else {
                throw malformed("\(subject) stands twice in the header")
            }
            guard let dataType = DataType(rawValue: tensor.dataType) else {
                throw SafetensorsError(
                    .unsupported,
                    "\(path): \(subject): element type '\(tensor.dataType)' is not supported")
            }
            guard let wanted = dataType.byteCount(ofShape: tensor.shape) else {
                throw malformed("\(subject): shape \(tensor.shape) is impossible")
            }
            guard tensor.start <= tensor.end, tensor.end - tensor.start == wanted else {
                throw malformed(
                    "\(subject): \(dataType.rawValue) \(tensor.shape) wants \(wanted) bytes, "
                        + "its offsets [\(tensor.start), \(tensor.end)] give another number")
            }
            guard tensor.start == end else {
                throw malformed(
                    "\(subject): starts at \(tensor.start), the tensor before it ends at \(end)")
            }
            guard tensor.end <= dataCount else {
                throw malformed(
                    "\(subject): ends at \(tensor.end) of \(dataCount) data bytes (truncated?)")
            }
            end = tensor.end
            tensors.append(
                Tensor(
                    name: tensor.name, dataType: dataType, shape: tensor.shape,
                    range: (dataStart + tensor.start)..<(dataStart + tensor.end)))
        }
        guard end == dataCount else {
            throw malformed("\(dataCount - end) bytes after the last tensor belong to none")
        }
        self.tensors = tensors
        self.metadata = raw.metadata
    }

    private struct RawTensor {
        let name: String
        var dataType = ""
        var shape: [Int] = []
        var start = 0
        var end = 0
    }

    private static func scan(
        _ bytes: UnsafeRawBufferPointer
    ) throws(HeaderScanner.Trouble) -> (tensors: [RawTensor], metadata: [String: String]) {
        var scanner = HeaderScanner(bytes)
        var tensors: [RawTensor] = []
        var metadata: [String: String] = [:]
        try scanner.object { (scanner, key) throws(HeaderScanner.Trouble) in
            if key == "__metadata__" {
                try scanner.object { (scanner, key) throws(HeaderScanner.Trouble) in
                    metadata[key] = try scanner.string()
                }
            } else {
                tensors.append(try scanTensor(&scanner, name: key))
            }
        }
        guard scanner.atEnd() else { throw scanner.trouble("something follows the object") }
        return (tensors, metadata)
    }

    private static func scanTensor(
        _ scanner: inout HeaderScanner, name: String
    ) throws(HeaderScanner.Trouble) -> RawTensor {
        var tensor = RawTensor(name: name)
        var seen: [String] = []
        try scanner.object { (scanner, key) throws(HeaderScanner.Trouble) in
            guard !seen.contains(key) else {
                throw scanner.trouble("tensor '\(name)': '\(key)' stands twice")
            }
            seen.append(key)
            switch key {
            case "dtype": tensor.dataType = try scanner.string()
            case "shape": tensor.shape = try scanner.naturals()
            case "data_offsets":
                let offsets = try scanner.naturals()
                guard offsets.count == 2 else {
                    throw scanner.trouble("tensor '\(name)': data_offsets wants two numbers")
                }
                (tensor.start, tensor.end) = (offsets[0], offsets[1])
            default: throw scanner.trouble("tensor '\(name)': unknown key '\(key)'")
            }
        }
        guard seen.count == 3 else {
            throw scanner.trouble("tensor '\(name)' lacks dtype, shape or data_offsets")
        }
        return tensor
    }
}
