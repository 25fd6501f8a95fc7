// Weight gradients: one fixed binary tree over the leaves of the global batch.
//
// A weight's gradient is a sum over all rows of the step's batch. Floating-point addition is not
// associative, so the order is fixed: rows inside a leaf in order, leaves in one binary tree. A rank
// computes whole subtrees (its canonical nodes); ranks add theirs in the same tree. The result is
// the same bits whichever rank had which leaf.
//
// The activations of all leaves of a rank are computed in one batch, and only here, where rows are
// summed, are leaves told apart: partial sums live in a few scratch matrices of one weight's size,
// never in whole-model buffers. An empty leaf is skipped; sums start at +0, so that this equals
// adding its zero. Embedding tables: EmbeddingFold.swift.

public import TensorCore

/// Where the weight gradients of a pass go: whole subtrees of the step's gradient tree.
public struct GradientSink {
    /// A subtree and the flat gradient buffer that receives its sum.
    public struct Node: Sendable {
        /// The leaves of the subtree; their count is a power of two.
        public let leaves: Range<Int>
        /// `1 x elementCount`, laid out as the parameter set; zero in the gaps.
        public let gradients: Matrix
        /// Tables whose gradients are taken by rows.
        public let collectors: [RowCollector]

        /// A subtree with its buffer.
        public init(leaves: Range<Int>, gradients: Matrix, collectors: [RowCollector] = []) {
            precondition(
                leaves.count > 0 && leaves.count & (leaves.count - 1) == 0,
                "a subtree of \(leaves.count) leaves")
            self.leaves = leaves
            self.gradients = gradients
            self.collectors = collectors
        }
    }

    /// The subtrees, in the order of their leaves; together they cover the batch.
    public let nodes: [Node]
    /// Told the indices of weights as soon as their gradients stand in all buffers.
    let finished: (_ indices: Range<Int>) -> Void

    /// A sink of the given subtrees.
    public init(nodes: [Node], finished: @escaping (_ indices: Range<Int>) -> Void = { _ in }) {
        self.nodes = nodes
        self.finished = finished
    }
}

extension Tape {
    /// Sums a weight's gradient over the leaves, and writes it to every subtree's buffer.
    ///
    /// - Parameters:
    ///   - parameter: The weight.
    ///   - axis: What the summed rows stand for.
    ///   - addsExactly: Whether a contribution of so many rows can be added where it is computed, with
    ///     the bits of a sum that is computed apart and then added.
    ///   - contribution: Writes or adds the sum over the given rows of one leaf.
    func foldLeaves(
        of parameter: Variable, axis: RowAxis, addsExactly: (_ rows: Int) -> Bool,
        _ contribution: (_ rows: Range<Int>, _ into: Matrix, _ adding: Bool) -> Void
    ) {
        foldLeaves(of: parameter, axis: axis, addsExactly: addsExactly) { _, rows, into, adding in
            contribution(rows, into, adding)
        }
    }

    /// The same with the leaf's place in the batch, for contributions that are not of its rows alone.
    func foldLeaves(
        of parameter: Variable, axis: RowAxis, addsExactly: (_ rows: Int) -> Bool,
        _ contribution: (_ leaf: Int, _ rows: Range<Int>, _ into: Matrix, _ adding: Bool) -> Void
    ) {
        guard let indices = claim(parameter), let sink else { return }
        for node in sink.nodes {
            let destination = view(indices, of: node)
            let written = fold(
                node.leaves, axis: axis, into: destination, addsExactly: addsExactly, contribution)
            if !written { destination.fill(0) }
        }
        sink.finished(indices)
    }

    /// As `foldLeaves(of:axis:addsExactly:_:)` for contributions that can't be added in place.
    func foldLeaves(
        of parameter: Variable, axis: RowAxis,
        _ contribution: (_ rows: Range<Int>, _ into: Matrix) -> Void
    ) {
        foldLeaves(of: parameter, axis: axis, addsExactly: { _ in false }) { rows, sum, _ in
            contribution(rows, sum)
        }
    }

    /// As `foldLeaves(of:axis:_:)` for two weights of one row each whose sums come together.
    func foldLeaves(
        of first: Variable, and second: Variable, axis: RowAxis,
        _ contribution: (_ rows: Range<Int>, _ first: Matrix, _ second: Matrix) -> Void
    ) {
        guard let firstIndex = claim(first), let secondIndex = claim(second), let sink else {
            return
        }
        let both = fresh(rows: 2, columns: first.value.columns)
        for node in sink.nodes {
            let written = fold(
                node.leaves, axis: axis, into: both, addsExactly: { _ in false }
            ) { _, rows, pair, _ in
                contribution(rows, pair.row(0), pair.row(1))
            }
            if !written { both.fill(0) }
            view(firstIndex, of: node).copy(from: both.row(0))
            view(secondIndex, of: node).copy(from: both.row(1))
        }
        recycle(both)
        sink.finished(firstIndex)
        sink.finished(secondIndex)
    }

    /// Sums over the leaves of a subtree; false when all of them are empty and nothing is written.
    private func fold(
        _ leaves: Range<Int>, axis: RowAxis, into destination: Matrix,
        addsExactly: (Int) -> Bool, _ contribution: (Int, Range<Int>, Matrix, Bool) -> Void
    ) -> Bool {
        if leaves.count == 1 {
            let rows = rows(ofLeaf: leaves.lowerBound, on: axis)
            if rows.isEmpty { return false }
            contribution(leaves.lowerBound - layout.leaves.lowerBound, rows, destination, false)
            return true
        }
        let middle = leaves.lowerBound + leaves.count / 2
        let (left, right) = (leaves.lowerBound..<middle, middle..<leaves.upperBound)
        guard fold(left, axis: axis, into: destination, addsExactly: addsExactly, contribution)
        else {
            return fold(
                right, axis: axis, into: destination, addsExactly: addsExactly, contribution)
        }
        if right.count == 1 {
            let rows = rows(ofLeaf: right.lowerBound, on: axis)
            if rows.isEmpty { return true }
            if addsExactly(rows.count) {
                contribution(
                    right.lowerBound - layout.leaves.lowerBound, rows, destination, true)
                return true
            }
        }
        let partial = fresh(rows: destination.rows, columns: destination.columns)
        if fold(right, axis: axis, into: partial, addsExactly: addsExactly, contribution) {
            compute.add(destination, partial, into: destination)
        }
        recycle(partial)
        return true
    }

    /// Gradients of weights that took no part in the pass are zero.
    func zeroUntouchedParameters() {
        guard let sink else { return }
        for index in parameters.parameters.indices
        where !differentiatedParameters.contains(index) {
            for node in sink.nodes {
                if let collector = node.collector(of: index..<index + 1) {
                    _ = collector.begin([])
                    for range in parameters.parameters[index].range.without(collector.elements) {
                        node.gradients.columns(range).fill(0)
                    }
                } else {
                    view(index..<index + 1, of: node).fill(0)
                }
            }
            sink.finished(index..<index + 1)
        }
    }

    /// The weights' place in a subtree's buffer.
    func view(_ indices: Range<Int>, of node: GradientSink.Node) -> Matrix {
        precondition(
            !node.collectors.contains { indices.contains($0.table) },
            "\(parameters.parameters[indices.lowerBound].name) is taken by rows and is no "
                + "embedding table")
        return parameters.view(indices, of: node.gradients)
    }

    /// The indices of weights, marked as differentiated in this pass.
    func claim(_ variable: Variable) -> Range<Int>? {
        guard let indices = weights(variable) else { return nil }
        for index in indices {
            // Adding a second use's subtree sums would make the order of additions depend on which
            // subtrees a rank has; a tied weight must be folded in one go.
            precondition(
                differentiatedParameters.insert(index).inserted,
                "\(parameters.parameters[index].name) is used twice in one pass")
        }
        return indices
    }
}
