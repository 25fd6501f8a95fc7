// The output layer over a large vocabulary together with its loss: scores are made, turned into gradients
// and used up some rows at a time. The whole table of scores, N x V, is never in memory.
//
// The layer's weight may be the token table (tied embeddings). Its gradient then is, leaf by leaf, the
// output layer's part and then the tokens' rows; as the latter come last in the backward pass, the
// former are made again there, which costs one product more than an untied layer.
//
// Shape legend: N tokens, M of them with a target, D width, V vocabulary.

public import TensorCore

/// A loss of some rows of scores.
///
/// It gets which of the chosen rows these are, and replaces their scores (`rows x V`) by the loss's
/// gradient. It may be called twice for a row and must do the same both times.
public typealias ScoreLoss = (_ chosen: Range<Int>, _ scores: Matrix) -> Void

/// A tied output layer whose weight gradient waits for the token table's.
struct TiedHead {
    let x: Variable
    let chosen: [Int]
    let loss: ScoreLoss
}

extension Tape {
    /// Runs the output layer and its loss over some tokens.
    ///
    /// - Parameters:
    ///   - x: The states before the output layer, `N x D`.
    ///   - weight: Its weight, `V x D`.
    ///   - chosen: The rows that have a target, rising.
    ///   - isTied: Whether the weight is the token table, used by `embeddingSum` on this tape.
    ///   - loss: What becomes of the scores.
    /// - Returns: The gradient by `x`, for `backward(from: x, gradient:)`; nil on a tape that doesn't
    ///   record.
    public func headLoss(
        _ x: Variable, weight: Variable, chosen: [Int], isTied: Bool, loss: @escaping ScoreLoss
    ) -> Matrix? {
        let head = LinearLayer.trained(weight: weight, bias: nil)
        guard isRecording else {
            forEachChunk(chosen, of: 0..<layout.tokenCount, x, head, loss) { _, _, _ in }
            return nil
        }
        let gradient = fresh(rows: x.value.rows, columns: x.value.columns)
        gradient.fill(0)
        if isTied, let indices = weights(weight) {
            tiedHeads[indices] = TiedHead(x: x, chosen: chosen, loss: loss)
            for leaf in layout.leaves {
                forEachChunk(chosen, of: layout.rows(ofLeaf: leaf, on: .tokens), x, head, loss) {
                    rows, _, dScores in
                    scatter(dScores, head, rows, into: gradient)
                }
            }
        } else {
            foldLeaves(of: weight, axis: .tokens) { leaf, dWeight in
                dWeight.fill(0)
                forEachChunk(chosen, of: leaf, x, head, loss) { rows, states, dScores in
                    scatter(dScores, head, rows, into: gradient)
                    addWeightGradient(dScores, states, to: dWeight)
                }
            }
        }
        return gradient
    }

    /// The same with a frozen output layer, tied or not: there is no gradient but that by `x`.
    public func headLoss(
        _ x: Variable, frozen: FrozenLinear, chosen: [Int], loss: @escaping ScoreLoss
    ) -> Matrix? {
        let head = LinearLayer.frozen(frozen, nil)
        let gradient = isRecording ? fresh(rows: x.value.rows, columns: x.value.columns) : nil
        gradient?.fill(0)
        forEachChunk(chosen, of: 0..<layout.tokenCount, x, head, loss) { rows, _, dScores in
            if let gradient { scatter(dScores, head, rows, into: gradient) }
        }
        return gradient
    }

    /// The gradient of a token table that is the output layer's weight too.
    func foldTiedTable(_ table: Variable, _ head: TiedHead, ids: [Int32], _ dy: Matrix) {
        let layer = LinearLayer.trained(weight: table, bias: nil)
        foldLeaves(of: table, axis: .tokens) { leaf, dTable in
            dTable.fill(0)
            forEachChunk(head.chosen, of: leaf, head.x, layer, head.loss) { _, states, dScores in
                addWeightGradient(dScores, states, to: dTable)
            }
            for row in leaf {
                let place = dTable.row(Int(ids[row]))
                compute.serial.add(place, dy.row(row), into: place)
            }
        }
    }

    /// Rows at a time: their scores take at most 64 MiB, as far as 16 rows do.
    private func chunkRows(_ vocabulary: Int) -> Int { max(16, min(256, (1 << 24) / vocabulary)) }

    /// Calls a body with the rows, the states and the gradients by the scores of some chosen tokens of a
    /// leaf at a time; chunks never cross a leaf.
    private func forEachChunk(
        _ chosen: [Int], of leaf: Range<Int>, _ x: Variable, _ head: LinearLayer,
        _ loss: ScoreLoss, _ body: (_ rows: [Int], _ states: Matrix, _ dScores: Matrix) -> Void
    ) {
        let first = chosen.partitioningIndex { $0 >= leaf.lowerBound }
        let end = chosen.partitioningIndex { $0 >= leaf.upperBound }
        let vocabulary = head.width
        for start in stride(from: first, to: end, by: chunkRows(vocabulary)) {
            let part = start..<min(end, start + chunkRows(vocabulary))
            let rows = Array(chosen[part])
            let states = fresh(rows: rows.count, columns: x.value.columns)
            let scores = fresh(rows: rows.count, columns: vocabulary)
            compute.embedding(x.value, ids: rows.map { Int32($0) }, into: states)
            compute.measured("head") { multiply(states, head, into: scores) }
            compute.measured("loss") { loss(part, scores) }
            if isRecording { body(rows, states, scores) }
            recycle(states)
            recycle(scores)
        }
    }

    /// The scores of some states by the output layer, which has no update of low rank.
    private func multiply(_ states: Matrix, _ head: LinearLayer, into scores: Matrix) {
        switch head {
        case .trained(let weight, let bias): multiply(states, weight, bias, into: scores)
        case .frozen(let frozen, _):
            compute.gemm(
                states, stored: frozen.weight, into: scores, bias: frozen.bias,
                precision: precision)
        }
    }

    private func scatter(_ dScores: Matrix, _ head: LinearLayer, _ rows: [Int], into dx: Matrix) {
        let gradient = fresh(rows: dScores.rows, columns: dx.columns)
        compute.measured("head gradient") {
            switch head {
            case .trained(let weight, _):
                compute.gemm(dScores, weight.value, into: gradient, precision: precision)
            case .frozen(let frozen, _):
                compute.gemm(
                    dScores, stored: frozen.weight, transposed: true, into: gradient,
                    precision: precision)
            }
        }
        for (index, row) in rows.enumerated() { dx.row(row).copy(from: gradient.row(index)) }
        recycle(gradient)
    }

    private func addWeightGradient(_ dScores: Matrix, _ states: Matrix, to sum: Matrix) {
        compute.measured("head weight gradient") {
            compute.gemm(
                dScores, transposed: true, states, into: sum, accumulate: true,
                precision: precision)
        }
    }
}

extension [Int] {
    /// The first index of a sorted array whose element fulfils a condition that stays true after it.
    fileprivate func partitioningIndex(_ condition: (Int) -> Bool) -> Int {
        var (low, high) = (0, count)
        while low < high {
            let middle = (low + high) / 2
            if condition(self[middle]) { high = middle } else { low = middle + 1 }
        }
        return low
    }
}
