// What a rank hands over for a checkpoint: a range of a named tensor's elements. Which rank had which
// range leaves no trace in what is read back.

/// A range of the elements of a named float32 tensor, in row-major order.
@safe public struct TensorPiece: @unchecked Sendable {
    /// The tensor's name.
    public let name: String

    /// The shape of the whole tensor.
    public let globalShape: [Int]

    /// The elements that this piece holds.
    public let elementRange: Range<Int>

    /// Their values; valid until the save has returned.
    public let values: UnsafeBufferPointer<Float>

    /// Describes a piece; memory isn't copied.
    public init(
        name: String, globalShape: [Int], elementRange: Range<Int>,
        values: UnsafeBufferPointer<Float>
    ) {
        let count = globalShape.reduce(1, *)
        precondition(
            elementRange.lowerBound >= 0 && elementRange.upperBound <= count
                && values.count == elementRange.count,
            "'\(name)' \(globalShape): elements \(elementRange) with \(values.count) values")
        self.name = name
        self.globalShape = globalShape
        self.elementRange = elementRange
        unsafe self.values = values
    }

    /// Describes a whole tensor as one piece.
    public init(name: String, globalShape: [Int], values: UnsafeBufferPointer<Float>) {
        unsafe self.init(
            name: name, globalShape: globalShape, elementRange: 0..<values.count, values: values)
    }

    /// Its name inside a shard: a whole tensor keeps its own, so that a checkpoint of one rank opens
    /// like any safetensors file.
    var entryName: String {
        isWhole ? name : "\(name)[\(elementRange.lowerBound)..<\(elementRange.upperBound)]"
    }

    var isWhole: Bool { elementRange == 0..<globalShape.reduce(1, *) }
}
