// The operations, forward: what a model is written with.
//
// Each makes its output in the arena, runs the kernel and records what the backward pass needs.
// Shape legend: R rows of the batch (tokens or sequences), D and E widths.

import TensorCore

extension Tape {
    /// Sum of rows of several tables: `y[i] = sum over t of tables[t][ids[t][i]]`, `N x D`.
    ///
    /// Ids must be inside their tables; the model checks its input.
    ///
    /// - Parameters:
    ///   - tables: The tables.
    ///   - ids: Of each table the row of each token.
    ///   - frozenRows: Of each table the row that gets no gradient, that of padding; nil for none.
    public func embeddingSum(
        _ tables: [Variable], ids: [[Int32]], frozenRows: [Int32?]? = nil
    ) -> Variable {
        let frozenRows = frozenRows ?? tables.map { _ in nil }
        precondition(
            tables.count == ids.count && tables.count == frozenRows.count && !tables.isEmpty)
        let output = fresh(rows: layout.tokenCount, columns: tables[0].value.columns)
        compute.measured("embedding") {
            compute.embedding(tables[0].value, ids: ids[0], into: output)
            if tables.count > 1 {
                let other = fresh(rows: output.rows, columns: output.columns)
                for (table, ids) in zip(tables, ids).dropFirst() {
                    compute.embedding(table.value, ids: ids, into: other)
                    compute.add(output, other, into: output)
                }
                recycle(other)
            }
        }
        return record(
            .embeddingSum(tables: tables, ids: ids, frozenRows: frozenRows), output, axis: .tokens)
    }

    /// The exact Gaussian error linear unit, `x Phi(x)`.
    public func gelu(_ x: Variable) -> Variable {
        let output = fresh(rows: x.value.rows, columns: x.value.columns)
        compute.gelu(x.value, into: output)
        return record(.gelu(x), output, axis: x.axis)
    }

    /// The hyperbolic tangent.
    public func tanh(_ x: Variable) -> Variable {
        let output = fresh(rows: x.value.rows, columns: x.value.columns)
        compute.tanh(x.value, into: output)
        return record(.tanh(x), output, axis: x.axis)
    }

    /// `max(x, 0)`.
    public func relu(_ x: Variable) -> Variable {
        let output = fresh(rows: x.value.rows, columns: x.value.columns)
        compute.relu(x.value, into: output)
        return record(.relu(x), output, axis: x.axis)
    }

    /// `a + b` of equal shapes.
    public func add(_ a: Variable, _ b: Variable) -> Variable {
        let output = fresh(rows: a.value.rows, columns: a.value.columns)
        compute.add(a.value, b.value, into: output)
        return record(.add(a, b), output, axis: a.axis)
    }

    /// Zeroes elements with the given probability and scales the others by `1 / (1 - p)`.
    ///
    /// Probability 0, or a tape that doesn't record, gives `x` itself.
    public func dropout(_ x: Variable, _ site: DropoutSite?) -> Variable {
        guard let site = active(site) else { return x }
        let output = fresh(rows: x.value.rows, columns: x.value.columns)
        let mask = arena.dropoutMask(output.rows, output.columns)
        compute.measured("dropout") {
            compute.dropout(
                x.value, probability: site.probability,
                stream: stream(site, axis: x.axis), into: output, keeping: mask)
        }
        return record(
            .dropout(x, probability: site.probability, mask: mask), output, axis: x.axis)
    }

    /// A site where elements are dropped indeed: not in inference, nor with probability 0.
    func active(_ site: DropoutSite?) -> DropoutSite? {
        guard let site, isRecording || drops, site.probability > 0 else { return nil }
        return site
    }

    /// The mean over each sequence's tokens: `N x D` gives `S x D`.
    public func meanPool(_ x: Variable) -> Variable {
        let output = fresh(rows: layout.sequenceCount, columns: x.value.columns)
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
        let output = fresh(rows: layout.sequenceCount, columns: x.value.columns)
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
