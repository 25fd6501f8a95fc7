// The weights of a model: one flat float32 buffer in one fixed order, and named views of it.
//
// One buffer, because everything that treats all weights alike (all-reduce, clipping, optimiser,
// checkpoint) is then a loop over ranges of it, whatever the model. Each parameter starts on a
// cache line; the gaps are zero and stay zero.

public import TensorCore

/// One named weight: where it lies in the flat buffer and what shape its file gives it.
public struct Parameter: Sendable {
    /// The weight's name in the model folder, for instance `classifier.weight`.
    public let name: String
    /// The shape in the model folder; a vector has one dimension.
    public let shape: [Int]
    /// Position of the first element in the flat buffer.
    public let offset: Int

    /// The count of elements.
    public var count: Int { shape.reduce(1, *) }
    /// Rows of the matrix view: 1 for a vector.
    var rows: Int { shape.count > 1 ? shape[0] : 1 }
    var columns: Int { rows == 0 ? 0 : count / rows }
    /// The elements that the weight takes in the flat buffer.
    public var range: Range<Int> { offset..<(offset + count) }
}

/// All weights of a model in one flat buffer.
public final class ParameterSet: @unchecked Sendable {
    /// The weights in the order of the buffer.
    public let parameters: [Parameter]
    /// The flat buffer, `1 x elementCount`; whoever writes to it calls `noteChange()`.
    public let values: Matrix
    /// Rises whenever weights change: what is derived from them (packed panels) is made anew.
    public private(set) var revision = 0
    private let indices: [String: Int]
    private let storage: Arena

    /// Elements between the starts of two parameters are rounded up to this (64 bytes).
    private static let alignment = 16

    /// Lays out weights of the given names and shapes; all elements start at zero.
    ///
    /// - Parameters:
    ///   - layout: The weights in the order of the buffer.
    ///   - joined: Names of weights that follow the one before without a gap, so that both can be
    ///     viewed as one matrix: the projections of attention, say, which have one input.
    public init(_ layout: [(name: String, shape: [Int])], joined: Set<String> = []) {
        var offset = 0
        var parameters: [Parameter] = []
        var indices: [String: Int] = [:]
        for (name, shape) in layout {
            precondition(indices[name] == nil, "parameter \(name) is laid out twice")
            if !joined.contains(name) {
                offset = (offset + Self.alignment - 1) / Self.alignment * Self.alignment
            }
            let parameter = Parameter(name: name, shape: shape, offset: offset)
            indices[name] = parameters.count
            parameters.append(parameter)
            offset += parameter.count
        }
        offset = (offset + Self.alignment - 1) / Self.alignment * Self.alignment
        self.parameters = parameters
        self.indices = indices
        storage = Arena()
        values = storage.matrix(1, offset)
        values.fill(0)
    }

    /// Elements of the flat buffer, gaps included.
    public var elementCount: Int { values.columns }
    /// The count of weights, gaps excluded.
    public var weightCount: Int { parameters.reduce(0) { $0 + $1.count } }

    /// The index of the weight of that name.
    public func index(of name: String) -> Int? { indices[name] }

    /// The matrix view of weight `index` inside `flat`, a buffer laid out like `values`.
    public func view(_ index: Int, of flat: Matrix) -> Matrix { view(index..<index + 1, of: flat) }

    /// The view of neighbouring weights that are joined as one matrix: their rows one after another,
    /// or vectors end to end.
    public func view(_ indices: Range<Int>, of flat: Matrix) -> Matrix {
        let first = parameters[indices.lowerBound]
        let last = parameters[indices.upperBound - 1]
        let range = first.offset..<last.range.upperBound
        let rows = first.shape.count > 1 ? parameters[indices].reduce(0) { $0 + $1.rows } : 1
        let columns = rows == 0 ? 0 : range.count / rows
        precondition(
            parameters[indices].reduce(0) { $0 + $1.count } == range.count
                && (rows == 1 || parameters[indices].allSatisfy { $0.columns == columns }),
            "\(first.name) to \(last.name) aren't joined, or have rows of different lengths")
        return flat.columns(range).reshaped(rows: rows, columns: columns)
    }

    /// The matrix view of weight `index`.
    public func value(_ index: Int) -> Matrix { view(index, of: values) }

    /// Says that weights were changed.
    public func noteChange() { revision += 1 }
}
