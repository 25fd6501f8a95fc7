// What waits for the backward pass, and in which form: as it is, rounded to bfloat16 at half the
// memory, or not at all because it can be made again.
//
// The model says when it is done with a value (`discard`). In float32 only values that are cheap to make
// again give their memory back; with bfloat16 products also those whose only later use is as an operand
// of a product (which rounds them anyway) or in a gradient, where bfloat16 is what is customary.

import TensorCore

/// A matrix that an operation keeps for its backward pass.
enum Kept {
    case float32(Matrix)
    case bfloat16(BFloat16Matrix)
}

/// A value that the model has no more use for.
struct Discarded {
    /// The value at half the memory; nil where it is made again from what its operation kept.
    var stash: BFloat16Matrix?
    /// The value again, while the backward pass needs it.
    var again: Matrix?
}

extension Tape {
    /// Says that the model won't use a value any more.
    ///
    /// Its memory serves others, unless the backward pass needs the value as it is. A value may be
    /// discarded once, and must not be read afterwards.
    public func discard(_ variable: Variable) {
        precondition(weights(variable) == nil, "a weight is discarded")
        var entry = Discarded()
        if isRecording {
            switch nodes[variable.index].operation {
            case .activatedLinear, .gatedLinear, .rootMeanSquareNorm:
                break
            case .linear, .linearAddNorm, .linearAdd, .attention, .disentangledAttention,
                .causalAttention, .dropout:
                guard precision == .bfloat16 else { return }
                entry.stash = narrowed(variable.value)
            default:
                return
            }
        }
        precondition(
            discarded.updateValue(entry, forKey: variable.index) == nil, "discarded twice")
        recycle(variable.value)
    }

    /// A value for the backward pass: as it was, or again if it was discarded.
    func value(of variable: Variable) -> Matrix {
        guard var entry = discarded[variable.index] else { return variable.value }
        if let again = entry.again { return again }
        let again: Matrix
        if let stash = entry.stash {
            again = widened(stash)
        } else {
            again = remade(nodes[variable.index].operation)
        }
        entry.again = again
        discarded[variable.index] = entry
        return again
    }

    private func remade(_ operation: Operation) -> Matrix {
        switch operation {
        case .activatedLinear(_, _, let activation, let argument):
            return remake(activation, argument)
        case .gatedLinear(_, _, let gateAndUp):
            return remakeGated(gateAndUp)
        case .rootMeanSquareNorm(let x, let gamma, let epsilon, _):
            let input = value(of: x)
            let again = fresh(rows: input.rows, columns: input.columns)
            compute.measured("norm again") {
                compute.rootMeanSquareNorm(
                    input, gamma: gamma.value, epsilon: epsilon, into: again)
            }
            return again
        default: preconditionFailure("a discarded value that can't be made again")
        }
    }

    /// A discarded value as an operand of products, where it is there in that form.
    func stash(of variable: Variable) -> BFloat16Matrix? { discarded[variable.index]?.stash }

    /// Gives the memory of a value that was made again back, when nothing before it needs it.
    func forget(_ variable: Variable) {
        if let again = discarded[variable.index]?.again { recycle(again) }
    }

    /// Keeps a matrix of the tape's own for the backward pass; it must not be used any more.
    func keep(_ matrix: Matrix) -> Kept {
        guard isRecording, precision == .bfloat16 else { return .float32(matrix) }
        defer { recycle(matrix) }
        return .bfloat16(narrowed(matrix))
    }

    /// Runs a body with what was kept.
    func withKept<Result>(_ kept: Kept, _ body: (Matrix) -> Result) -> Result {
        switch kept {
        case .float32(let matrix): return body(matrix)
        case .bfloat16(let stash):
            let again = widened(stash)
            defer { recycle(again) }
            return body(again)
        }
    }

    private func narrowed(_ matrix: Matrix) -> BFloat16Matrix {
        let stash = arena.bfloat16Matrix(matrix.rows, matrix.columns)
        compute.measured("narrow") { compute.narrow(matrix, into: stash) }
        return stash
    }

    private func widened(_ stash: BFloat16Matrix) -> Matrix {
        let matrix = fresh(rows: stash.rows, columns: stash.columns)
        compute.measured("widen") { compute.widen(stash, into: matrix) }
        return matrix
    }
}
