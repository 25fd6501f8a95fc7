// The data-parallel student: the same weights on every rank, one global batch a step.
//
// A step: cut the batch into the V leaves of the gradient tree; each rank takes its leaves through the
// student; gradients are summed in the tree and scattered; each rank updates its own part; the parts
// are gathered. The loss is a sum over samples divided by a count over the whole batch, so nothing
// depends on how samples fell on ranks, and with the fixed tree not even the last bit does.
//
// Not here: what the student is and what its loss is (StudentTask.swift).
//
// Shape legend: V leaves.

public import Autograd
public import Collectives
import Models
public import TensorCore

/// What a step did.
public struct StepReport: Sendable {
    /// Weighted mean loss: over the samples of a classifier, over the predicted tokens of a decoder.
    public let loss: Double
    /// Norm of the whole gradient before clipping.
    public let gradientNorm: Double
}

/// A student that all ranks train together.
public final class ParallelStudent<Task: StudentTask> {
    /// The student with its loss; its weights are equal on all ranks between steps.
    public let task: Task
    /// The ranks.
    public let communicator: Communicator
    /// This rank's arithmetic.
    public let compute: Compute
    let options: TrainingOptions
    let layout: BucketLayout
    let optimizer: ShardedOptimizer
    /// Updates so far.
    public internal(set) var updates = 0
    private let tree: LeafTree
    private let tables: EmbeddingTables
    private let accumulator: TreeAccumulator
    /// Memory of the passes: between steps it may serve other passes of the same student, which then
    /// share its packed weights.
    public let memory = TapeMemory()
    private let seed: UInt64
    private let appliesDropout: Bool

    /// Elements whose squares are summed in one go; ranks' parts never cut a block.
    private static var blockSize: Int { 16_384 }

    /// Sets training up around a student whose weights are equal on all ranks.
    public convenience init(
        _ task: Task, options: TrainingOptions, seed: UInt64,
        communicator: Communicator, compute: Compute, appliesDropout: Bool = true
    ) {
        self.init(
            task, options: options, seed: seed, communicator: communicator, compute: compute,
            appliesDropout: appliesDropout, smallestRowTable: EmbeddingTables.smallestCount)
    }

    /// As above, with embedding tables from `smallestRowTable` elements kept by rows: the same bits
    /// whatever it is.
    init(
        _ task: Task, options: TrainingOptions, seed: UInt64,
        communicator: Communicator, compute: Compute, appliesDropout: Bool, smallestRowTable: Int
    ) {
        self.task = task
        self.appliesDropout = appliesDropout
        self.options = options
        self.seed = seed
        self.communicator = communicator
        self.compute = compute
        let count = task.parameters.elementCount
        tables = EmbeddingTables(
            task.rowTables, of: task.parameters, blockSize: Self.blockSize,
            smallestCount: smallestRowTable)
        layout = BucketLayout(
            count: count, ranks: communicator.size, blockSize: Self.blockSize,
            apart: tables.tables.map(\.elements))
        tree = LeafTree(leafCount: options.microBatches, ranks: communicator.size)
        accumulator = TreeAccumulator(
            tree: tree, rank: communicator.rank, count: count, tables: tables.tables)
        optimizer = ShardedOptimizer(
            options, layout: layout, rank: communicator.rank, compute: compute)
    }

    /// Trains on one global batch, which every rank is given whole.
    ///
    /// - Parameters:
    ///   - batch: All samples of the step, at least one; what only passes need of them (see the task)
    ///     may be left out for those outside of this rank's share (see `share(of:)`).
    ///   - step: The step's number: what dropout is keyed by.
    ///   - rate: The learning rate.
    public func train(
        on batch: [Task.Sample], step: Int, rate: Double
    ) throws -> StepReport {
        precondition(!batch.isEmpty, "a step without samples")
        var losses: [[Double]] = []
        accumulator.reset()
        let reduction = OverlappedReduction(
            accumulator, layout: layout, parameters: task.parameters,
            communicator: communicator)
        let levels = passes(batch)
        let normalizer = task.normalizer(of: batch)
        for (index, level) in levels.enumerated() {
            losses += try pass(
                level: level, batch, normalizer: normalizer, step: step,
                reduction: index == levels.count - 1 ? reduction : nil)
        }
        // In this order on all ranks: a rank without leaves begins all of its buckets here.
        try compute.measured("reduce gradients") { try reduction.finish() }
        let loss = try compute.measured("sum losses") {
            try communicator.sumOfLeaves(losses, width: 1, tree: tree)[0]
        }
        let gradients = unsafe Matrix(accumulator.reduced)
        let norm = try compute.measured("gradient norm") { try gradientNorm(gradients) }
        guard norm.isFinite, loss.isFinite else {
            throw TrainingError(
                .diverged,
                "step \(step): loss \(loss), gradient norm \(norm); "
                    + "lower train.learning_rate or check the data")
        }
        let limit = options.maximumGradientNorm
        let scale = limit > 0 && norm > limit ? limit / (norm + 1e-6) : 1  // torch's epsilon
        updates += 1
        compute.measured("optimiser") {
            optimizer.step(
                parameters: task.parameters.values, gradients: gradients, update: updates,
                rate: rate, gradientScale: Float(scale))
        }
        try compute.measured("gather weights") { try gatherWeights() }
        return StepReport(loss: loss, gradientNorm: norm)
    }

    /// The places of a batch of `count` that this rank takes through the student in a step.
    public func share(of count: Int) -> Range<Int> {
        let leaves = tree.leaves(of: communicator.rank)
        return boundary(leaves.lowerBound, count)..<boundary(leaves.upperBound, count)
    }

    /// Puts the ranks' parts of the weights together.
    func gatherWeights() throws {
        let values = task.parameters.values
        try unsafe communicator.allGather(values.buffer, layout: layout)
        task.parameters.noteChange()
    }

    // MARK: - Parts of a step

    /// First sample of a leaf.
    private func boundary(_ leaf: Int, _ count: Int) -> Int { leaf * count / tree.leafCount }

    /// The levels of the subtrees that this rank computes one after another: its canonical nodes,
    /// halved until each fits the memory of a pass.
    private func passes(_ batch: [Task.Sample]) -> [Int] {
        tree.nodes(of: communicator.rank).flatMap { halved($0.leaves, batch) }
    }

    private func halved(_ leaves: Range<Int>, _ batch: [Task.Sample]) -> [Int] {
        let samples =
            boundary(leaves.lowerBound, batch.count)..<boundary(leaves.upperBound, batch.count)
        let tokens = batch[samples].reduce(0) { $0 + task.tokenCount(of: $1) }
        if leaves.count == 1 || tokens <= options.maximumTokensPerPass {
            return [leaves.count.trailingZeroBitCount]
        }
        let middle = leaves.lowerBound + leaves.count / 2
        return halved(leaves.lowerBound..<middle, batch)
            + halved(middle..<leaves.upperBound, batch)
    }

    /// Forward and backward over one subtree; returns the loss of each of its leaves.
    ///
    /// The last pass of a step begins the reduction of what it completes.
    private func pass(
        level: Int, _ batch: [Task.Sample], normalizer: Double, step: Int,
        reduction: OverlappedReduction?
    ) throws -> [[Double]] {
        let (leaves, buffer) = unsafe accumulator.beginSubtree(level: level)
        defer { compute.measured("add passes") { accumulator.finishLeaf() } }
        let gradients = unsafe Matrix(buffer)
        let offsets = (leaves.lowerBound...leaves.upperBound).map { boundary($0, batch.count) }
        let samples = batch[offsets[0]..<offsets[leaves.count]]
        guard !samples.isEmpty else {
            for range in accumulator.bufferedRanges { gradients.columns(range).fill(0) }
            reduction?.finished(task.parameters.parameters.indices)
            return leaves.map { _ in [0] }
        }
        let layout = try task.layout(
            samples, leafOffsets: offsets.map { $0 - offsets[0] }, leaves: leaves)
        memory.reset()
        let tape = Tape(
            compute: compute, memory: memory, parameters: task.parameters, layout: layout,
            precision: options.precision,
            sink: GradientSink(nodes: [
                .init(
                    leaves: leaves, gradients: gradients,
                    collectors: tables.collectors(accumulator))
            ]) { reduction?.finished($0) })
        let losses = task.pass(
            samples,
            StudentPass(
                tape: tape, normalizer: normalizer,
                dropout: appliesDropout ? DropoutPlan(seed: seed, step: UInt64(step)) : nil,
                memory: memory))
        return zip(offsets, offsets.dropFirst()).map { start, end in
            [losses[(start - offsets[0])..<(end - offsets[0])].reduce(0, +)]
        }
    }

    private func gradientNorm(_ gradients: Matrix) throws -> Double {
        let squares = layout.ownedBlocks(by: communicator.rank).map {
            compute.sumOfSquares(gradients.columns(layout.block($0)))
        }
        return try communicator.sumInBlockOrder(squares, layout: layout).squareRoot()
    }
}

extension Matrix {
    /// A row vector over memory that someone else owns.
    @unsafe init(_ buffer: UnsafeMutableBufferPointer<Float>) {
        guard let base = buffer.baseAddress else {
            preconditionFailure("an empty gradient buffer")
        }
        unsafe self.init(base: base, rows: 1, columns: buffer.count)
    }

    /// The elements of a matrix without gaps between its rows.
    @unsafe var buffer: UnsafeMutableBufferPointer<Float> {
        unsafe UnsafeMutableBufferPointer(start: base, count: rows * columns)
    }
}
