// The operations, forward: what a model is written with.
//
// Each makes its output in the arena, runs the kernel and records what the backward pass needs.
// Shape legend: R rows of the batch (tokens or sequences), D and E widths.

import TensorCore

extension Tape {
    /// Sum of rows of several tables: `y[i] = sum over t of tables[t][ids[t][i]]`, `N x D`.
    ///
    /// Ids must be inside their tables; the model checks its input.
    public func embeddingSum(_ tables: [Variable], ids: [[Int32]]) -> Variable {
        precondition(tables.count == ids.count && !tables.isEmpty)
        let output = arena.matrix(layout.tokenCount, tables[0].value.columns)
        compute.embedding(tables[0].value, ids: ids[0], into: output)
        if tables.count > 1 {
            let other = fresh(rows: output.rows, columns: output.columns)
            for (table, ids) in zip(tables, ids).dropFirst() {
                compute.embedding(table.value, ids: ids, into: other)
                compute.add(output, other, into: output)
            }
            recycle(other)
        }
        return record(.embeddingSum(tables: tables, ids: ids), output, axis: .tokens)
    }

    /// `x W^T + b`: `R x D` by `E x D` gives `R x E`.
    public func linear(_ x: Variable, weight: Variable, bias: Variable?) -> Variable {
        let output = arena.matrix(x.value.rows, weight.value.rows)
        compute.gemm(
            x.value, transposed: false, weight.value, transposed: true, into: output,
            bias: bias?.value)
        return record(.linear(x: x, weight: weight, bias: bias), output, axis: x.axis)
    }

    /// The exact Gaussian error linear unit, `x Phi(x)`.
    public func gelu(_ x: Variable) -> Variable {
        let output = arena.matrix(x.value.rows, x.value.columns)
        compute.gelu(x.value, into: output)
        return record(.gelu(x), output, axis: x.axis)
    }

    /// The hyperbolic tangent.
    public func tanh(_ x: Variable) -> Variable {
        let output = arena.matrix(x.value.rows, x.value.columns)
        compute.tanh(x.value, into: output)
        return record(.tanh(x), output, axis: x.axis)
    }

    /// `max(x, 0)`.
    public func relu(_ x: Variable) -> Variable {
        let output = arena.matrix(x.value.rows, x.value.columns)
        compute.relu(x.value, into: output)
        return record(.relu(x), output, axis: x.axis)
    }

    /// `a + b` of equal shapes.
    public func add(_ a: Variable, _ b: Variable) -> Variable {
        let output = arena.matrix(a.value.rows, a.value.columns)
        compute.add(a.value, b.value, into: output)
        return record(.add(a, b), output, axis: a.axis)
    }

    /// Zeroes elements with the given probability and scales the others by `1 / (1 - p)`.
    ///
    /// Probability 0, or a tape that doesn't record, gives `x` itself.
    public func dropout(_ x: Variable, _ site: DropoutSite?) -> Variable {
        guard let site, site.probability > 0, isRecording else { return x }
        let stream = site.stream(layout, axis: x.axis)
        let output = arena.matrix(x.value.rows, x.value.columns)
        compute.dropout(x.value, probability: site.probability, stream: stream, into: output)
        return record(
            .dropout(x, probability: site.probability, stream: stream), output, axis: x.axis)
    }

    /// Normalises every row to mean 0 and variance 1, then scales by gamma and adds beta.
    public func layerNorm(
        _ x: Variable, gamma: Variable, beta: Variable, epsilon: Float
    ) -> Variable {
        let output = arena.matrix(x.value.rows, x.value.columns)
        let mean = arena.vector(x.value.rows)
        let reciprocalDeviation = arena.vector(x.value.rows)
        compute.layerNorm(
            x.value, gamma: gamma.value, beta: beta.value, epsilon: epsilon, into: output,
            mean: mean, reciprocalDeviation: reciprocalDeviation)
        return record(
            .layerNorm(
                x, gamma: gamma, beta: beta, mean: mean,
                reciprocalDeviation: reciprocalDeviation), output, axis: x.axis)
    }

    /// The mean over each sequence's tokens: `N x D` gives `S x D`.
    public func meanPool(_ x: Variable) -> Variable {
        let output = arena.matrix(layout.sequenceCount, x.value.columns)
        for sequence in 0..<layout.sequenceCount {
            let rows = layout.sequenceOffsets[sequence]..<layout.sequenceOffsets[sequence + 1]
            compute.columnSum(x.value.rows(rows), into: output.row(sequence))
            compute.scale(
                1 / Float(rows.count), output.row(sequence), into: output.row(sequence))
        }
        return record(.meanPool(x), output, axis: .sequences)
    }

    func meanPoolBackward(_ dy: Matrix, into dx: Matrix, _ adding: Bool) {
        if !adding { dx.fill(0) }
        for sequence in 0..<layout.sequenceCount {
            let rows = layout.sequenceOffsets[sequence]..<layout.sequenceOffsets[sequence + 1]
            for row in rows {
                compute.axpy(1 / Float(rows.count), dy.row(sequence), into: dx.row(row))
            }
        }
    }

    /// The first row of each sequence: `N x D` gives `S x D`.
    public func firstToken(_ x: Variable) -> Variable {
        let output = arena.matrix(layout.sequenceCount, x.value.columns)
        for sequence in 0..<layout.sequenceCount {
            output.row(sequence).copy(from: x.value.row(layout.sequenceOffsets[sequence]))
        }
        return record(.firstToken(x), output, axis: .sequences)
    }

    func firstTokenBackward(_ dy: Matrix, into dx: Matrix, _ adding: Bool) {
        if !adding { dx.fill(0) }
        for sequence in 0..<layout.sequenceCount {
            let row = dx.row(layout.sequenceOffsets[sequence])
            compute.add(row, dy.row(sequence), into: row)
        }
    }
}

/// One place in a model where dropout happens, in one step.
public struct DropoutSite: Sendable {
    /// The chance that an element is zeroed.
    public let probability: Float
    /// The run's seed.
    public let seed: UInt64
    /// The step, so that every step draws anew.
    public let step: UInt64
    /// Which place of the model.
    public let site: UInt32

    /// A dropout site.
    public init(probability: Float, seed: UInt64, step: UInt64, site: UInt32) {
        self.probability = probability
        self.seed = seed
        self.step = step
        self.site = site
    }

    func stream(_ layout: BatchLayout, axis: RowAxis) -> DropoutStream {
        layout.dropoutStream(seed: seed, step: step, site: site, axis: axis)
    }
}
