// A tensor to be written: its description, and where its bytes come from. Bytes are handed over in
// pieces, so that a tensor never needs to lie in memory in one piece.

/// A tensor to be written to a safetensors file.
public struct TensorSource {
    /// Hands bytes over to the file; may be called any number of times.
    public typealias Sink = (UnsafeRawBufferPointer) throws(SafetensorsError) -> Void

    /// The tensor's name.
    public let name: String
    /// The type of its elements.
    public let dataType: DataType
    /// Lengths of its axes, outermost first.
    public let shape: [Int]
    /// Gives all its bytes, in order, to the sink.
    let produce: (Sink) throws(SafetensorsError) -> Void

    /// A tensor whose bytes are produced in pieces when the file is written.
    public init(
        name: String, dataType: DataType, shape: [Int],
        produce: @escaping (Sink) throws(SafetensorsError) -> Void
    ) {
        self.name = name
        self.dataType = dataType
        self.shape = shape
        self.produce = produce
    }

    /// A tensor of raw bytes, which must stay valid until the file is written.
    public init(name: String, dataType: DataType, shape: [Int], bytes: UnsafeRawBufferPointer) {
        self.init(name: name, dataType: dataType, shape: shape) { (sink) throws(SafetensorsError) in
            try sink(bytes)
        }
    }

    /// A float32 tensor of memory that must stay valid until the file is written.
    public init(name: String, shape: [Int], floats: UnsafeBufferPointer<Float>) {
        self.init(
            name: name, dataType: .float32, shape: shape, bytes: UnsafeRawBufferPointer(floats))
    }

    /// A float32 tensor of an array.
    public init(name: String, shape: [Int], floats: [Float]) {
        self.init(name: name, dataType: .float32, shape: shape, array: floats)
    }

    /// An int64 tensor of an array.
    public init(name: String, shape: [Int], int64s: [Int64]) {
        self.init(name: name, dataType: .int64, shape: shape, array: int64s)
    }

    private init<Element: BitwiseCopyable>(
        name: String, dataType: DataType, shape: [Int], array: [Element]
    ) {
        self.init(name: name, dataType: dataType, shape: shape) { (sink) throws(SafetensorsError) in
            var failure: SafetensorsError?
            array.withUnsafeBytes { bytes in
                do throws(SafetensorsError) { try sink(bytes) } catch { failure = error }
            }
            if let failure { throw failure }
        }
    }
}
