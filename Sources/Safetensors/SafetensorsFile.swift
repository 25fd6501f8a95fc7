// Reading a safetensors file: 8 bytes of header length, a JSON header, then the tensors' bytes.
// The file is mapped, so opening costs the header alone. Format: huggingface/safetensors, README.

/// An open safetensors file.
public struct SafetensorsFile: Sendable {
    /// Where it lies.
    public let path: String
    /// Its tensors, in the order of their bytes.
    public let entries: [TensorEntry]
    /// The free text pairs of its header (`__metadata__`).
    public let metadata: [String: String]
    private let indexes: [String: Int]
    private let mapping: FileMapping

    /// Opens and checks a file; every breach of the format is refused with one line.
    public init(path: String) throws(SafetensorsError) {
        let mapping = try FileMapping(path: path)
        let header = try FileHeader(file: mapping.bytes, path: path)
        self.path = path
        self.mapping = mapping
        metadata = header.metadata
        entries = header.tensors.map {
            TensorEntry(
                name: $0.name, dataType: $0.dataType, shape: $0.shape,
                bytes: UnsafeRawBufferPointer(rebasing: mapping.bytes[$0.range]), mapping: mapping)
        }
        indexes = Dictionary(
            uniqueKeysWithValues: entries.enumerated().map { ($0.element.name, $0.offset) })
    }

    /// Gives the memory that reading took back to the system.
    ///
    /// Reading goes on as before. The map of a file counts as memory of the process until then.
    public func releasePages() { mapping.releasePages() }

    /// The tensors' names, in the order of their bytes.
    public var names: [String] { entries.map(\.name) }

    /// Whether a tensor of that name is there.
    public func contains(_ name: String) -> Bool { indexes[name] != nil }

    /// The tensor of a name.
    public func entry(_ name: String) throws(SafetensorsError) -> TensorEntry {
        guard let index = indexes[name] else {
            throw SafetensorsError(
                .missingTensor, "\(path): no tensor '\(name)' among its \(entries.count)")
        }
        return entries[index]
    }

    /// A tensor's elements as `Float` (from F32, F16, BF16, F64).
    public func floats(_ name: String) throws(SafetensorsError) -> [Float] {
        try entry(name).floats()
    }

    /// Converts a tensor, or a range of its elements, into `target`, whose count must fit.
    public func copyFloats(
        _ name: String, _ elements: Range<Int>? = nil,
        into target: UnsafeMutableBufferPointer<Float>
    ) throws(SafetensorsError) {
        try entry(name).copyFloats(elements, into: target)
    }

    /// A tensor's elements as `Int64` (from any integer or boolean type).
    public func int64s(_ name: String) throws(SafetensorsError) -> [Int64] {
        try entry(name).int64s()
    }
}
