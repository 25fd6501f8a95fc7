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
        // The output's shape is known when the body has run; a place for one of the input's is at hand.
        let output = fresh(rows: x.value.rows, columns: x.value.columns)
        let mark = arena.mark
        let inner = Tape(
            compute: compute, memory: memory, parameters: parameters, layout: layout,
            precision: precision)
        let result = body(inner, inner.record(.input, x.value, axis: x.axis)).value
        precondition(
            result.rows == output.rows && result.columns == output.columns,
            "a recomputed part makes \(result.rows)x\(result.columns) of "
                + "\(output.rows)x\(output.columns)")
        output.copy(from: result)
        arena.rewind(to: mark)
        return record(.recomputed(x, body), output, axis: x.axis)
    }

    /// Runs the part again, recording, and differentiates it.
    func differentiateRecomputed(
        _ x: Variable, _ body: (Tape, Variable) -> Variable, _ dy: Matrix
    ) {
        accumulate(
            into: x,
            writing: { dx in
                let mark = arena.mark
                let inner = Tape(
                    compute: compute, memory: memory, parameters: parameters, layout: layout,
                    precision: precision, sink: sink)
                inner.differentiatedParameters = differentiatedParameters
                // Recorded first, so differentiated last: nothing writes to its gradient afterwards.
                let input = inner.record(.input, value(of: x), axis: x.axis)
                let output = body(inner, input)
                inner.walk(from: output, gradient: dy)
                if let gradient = inner.inputGradient {
                    dx.copy(from: gradient)
                } else {
                    dx.fill(0)
                }
                differentiatedParameters = inner.differentiatedParameters
                arena.rewind(to: mark)
            })
    }
}
