// Parts of a model whose activations are not kept: the backward pass runs them forward once more (Chen et
// al. 2016, arXiv 1604.06174). It costs a third more arithmetic and leaves one value a part in memory.

import TensorCore

extension Tape {
    /// Runs a part of the model without keeping what is inside it.
    ///
    /// - Parameters:
    ///   - x: The part's input. The body must not discard it.
    ///   - body: The part: takes a tape and its input, gives its output. It is run again in the backward
    ///     pass and must do the same then.
    /// - Returns: The part's output, of any width, with the rows of `x`.
    public func recomputed(
        _ x: Variable, _ body: @escaping (_ tape: Tape, _ x: Variable) -> Variable
    ) -> Variable {
        guard isRecording else { return body(self, x) }
        return record(.recomputed(x, body), apart(x, body), axis: x.axis)
    }

    /// Runs a part of the model that has no trained weights, on a value that needs no gradient: nothing
    /// inside is kept, and the backward pass stops at its output.
    ///
    /// - Parameters:
    ///   - x: The part's input, which needs no gradient. The body must not discard it.
    ///   - body: The part: takes a tape and its input, gives an output of the input's shape.
    /// - Returns: The part's output as a constant.
    public func frozen(_ x: Variable, _ body: (_ tape: Tape, _ x: Variable) -> Variable) -> Variable
    {
        guard isRecording else { return body(self, x) }
        precondition(!needsGradient(x), "a frozen part behind a trained one")
        return constant(apart(x, body), axis: x.axis)
    }

    /// The output of a part on a tape of its own that records nothing.
    private func apart(_ x: Variable, _ body: (Tape, Variable) -> Variable) -> Matrix {
        // The output's shape is known when the body has run; a place for one of the input's is at hand.
        let output = fresh(rows: x.value.rows, columns: x.value.columns)
        let mark = arena.mark
        let inner = Tape(
            compute: compute, memory: memory, parameters: parameters, layout: layout,
            precision: precision)
        // It records nothing, but is part of a training step.
        inner.drops = true
        let result = body(inner, inner.record(.input, x.value, axis: x.axis)).value
        precondition(
            result.rows == output.rows && result.columns == output.columns,
            "a part apart makes \(result.rows)x\(result.columns) of "
                + "\(output.rows)x\(output.columns)")
        output.copy(from: result)
        arena.rewind(to: mark)
        return output
    }

    /// Runs the part again, recording, and differentiates it.
    func differentiateRecomputed(
        _ x: Variable, _ body: (Tape, Variable) -> Variable, _ dy: Matrix
    ) {
        if needsGradient(x) {
            accumulate(into: x, writing: { differentiateAgain(x, body, dy, into: $0) })
        } else {
            differentiateAgain(x, body, dy, into: nil)
        }
    }

    private func differentiateAgain(
        _ x: Variable, _ body: (Tape, Variable) -> Variable, _ dy: Matrix, into dx: Matrix?
    ) {
        let mark = arena.mark
        let inner = Tape(
            compute: compute, memory: memory, parameters: parameters, layout: layout,
            precision: precision, sink: sink)
        inner.differentiatedParameters = differentiatedParameters
        // Recorded first, so differentiated last: nothing writes to its gradient afterwards.
        let input = inner.record(dx == nil ? .constant : .input, value(of: x), axis: x.axis)
        let output = body(inner, input)
        inner.walk(from: output, gradient: dy)
        if let gradient = inner.inputGradient {
            dx?.copy(from: gradient)
        } else {
            dx?.fill(0)
        }
        differentiatedParameters = inner.differentiatedParameters
        arena.rewind(to: mark)
    }
}
