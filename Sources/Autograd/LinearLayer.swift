// What a linear layer is made of: weights that are trained, or a frozen weight that maybe has an update
// of low rank beside it, which is trained (Hu et al. 2021, arXiv 2106.09685).
//
// A frozen weight is held once, as packed panels; there is no gradient by it, no place for one, and no
// second copy for the backward pass (`Compute.gemm(_:stored:)`).
//
// Shape legend: R rows of the batch, D and E widths, r rank of an update, P the sum of some ranks.

public import TensorCore

/// A linear layer, or several with one input, side by side.
public enum LinearLayer {
    /// `x W^T + b` with a weight of `E x D` and a bias of `1 x E`, both trained.
    case trained(weight: Variable, bias: Variable?)
    /// `x W^T + b` with a weight that isn't trained, and its update.
    case frozen(FrozenLinear, LowRankUpdate?)

    /// E, the width of the output.
    var width: Int {
        switch self {
        case .trained(let weight, _): weight.value.rows
        case .frozen(let frozen, _): frozen.weight.columns
        }
    }
}

/// A weight that isn't trained.
public struct FrozenLinear {
    /// The transposed weight, `D x E`, packed for float32 products, maybe held as bfloat16.
    let weight: PackedMatrix
    /// `1 x E`, if any.
    let bias: Matrix?

    /// A frozen linear layer.
    ///
    /// - Parameters:
    ///   - weight: `W^T`, `D x E`, packed by the tape's compute context for float32 products.
    ///   - bias: `1 x E`, if any.
    public init(weight: PackedMatrix, bias: Matrix?) {
        self.weight = weight
        self.bias = bias
    }
}

/// `scale dropout(x) A^T B^T` for some parts of a linear layer's output, of low rank.
///
/// The parts have one input and share its dropout mask; peft draws one for each part, which is the same
/// for each part by itself.
public struct LowRankUpdate {
    /// One part of the output.
    public struct Part {
        /// Which columns of the output.
        let columns: Range<Int>
        /// B, `E_i x r_i`, of as many rows as there are columns.
        let up: Variable
        /// Factor on the part.
        let scale: Float

        /// A part of the output with its factors.
        public init(columns: Range<Int>, up: Variable, scale: Float) {
            precondition(
                up.value.rows == columns.count,
                "B of \(up.value.rows) rows for \(columns.count) columns")
            self.columns = columns
            self.up = up
            self.scale = scale
        }
    }

    /// All A one upon the other, `P x D`.
    let down: Variable
    /// The parts in the order of their A and of their columns.
    let parts: [Part]
    /// Dropout on the input.
    let dropout: DropoutSite?

    /// An update.
    ///
    /// - Parameters:
    ///   - down: The A of all parts one upon the other, `P x D`.
    ///   - parts: The parts in that order, their columns rising; at least one.
    ///   - dropout: Dropout on the input, of all parts alike.
    public init(down: Variable, parts: [Part], dropout: DropoutSite?) {
        precondition(
            down.value.rows == parts.reduce(0) { $0 + $1.up.value.columns },
            "A of \(down.value.rows) rows for parts of other ranks")
        self.down = down
        self.parts = parts
        self.dropout = dropout
    }

    /// The parts with their places in A's rows.
    var ranked: [(part: Part, ranks: Range<Int>)] {
        var start = 0
        return parts.map { part in
            defer { start += part.up.value.columns }
            return (part, start..<start + part.up.value.columns)
        }
    }
}

/// What an operation on the tape keeps of its linear layer.
enum LinearWeights {
    case trained(weight: Variable, bias: Variable?)
    case frozen(FrozenLinear, LowRankContext?)

    /// The variables that are trained.
    var trained: [Variable] {
        switch self {
        case .trained(let weight, let bias): [weight] + [bias].compactMap { $0 }
        case .frozen(_, let context):
            context.map { [$0.update.down] + $0.update.parts.map(\.up) } ?? []
        }
    }
}

/// What an update keeps for its backward pass.
struct LowRankContext {
    let update: LowRankUpdate
    /// `R x P`: `scale dropout(x) A^T`.
    let projected: Matrix
    /// What dropout kept of the input; nil for no dropout.
    let mask: DropoutMask?
}
