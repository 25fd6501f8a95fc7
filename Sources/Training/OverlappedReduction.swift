// The sum of gradients over the ranks, begun while the backward pass is still running: as soon as all
// weights of a bucket have their gradient, the communication thread takes the bucket.
//
// Buckets are begun from the last to the first, the order in which a backward pass completes a flat
// buffer that is laid out as the forward pass uses it; every rank keeps to that order, whatever it
// completes first, because a collective needs the same order everywhere. Tables that are kept by rows
// come last: a backward pass ends with them.

import Autograd
import Collectives

/// The reduction of one step.
final class OverlappedReduction {
    private let communicator: Communicator
    private let accumulator: TreeAccumulator
    private let layout: BucketLayout
    private let parameters: ParameterSet
    /// The buckets that are reduced as buffers, in the order in which they are begun.
    private let order: [Int]
    /// Weights of each bucket that have no gradient yet.
    private var missing: [Int]
    /// Place in `order` of the first bucket that isn't begun.
    private var next = 0
    private var pending: [PendingOperation] = []

    init(
        _ accumulator: TreeAccumulator, layout: BucketLayout, parameters: ParameterSet,
        communicator: Communicator
    ) {
        self.accumulator = accumulator
        self.layout = layout
        self.parameters = parameters
        self.communicator = communicator
        order = layout.buckets.indices.reversed().filter { bucket in
            accumulator.bufferedRanges.contains { $0.overlaps(layout.buckets[bucket]) }
        }
        missing = layout.buckets.map { bucket in
            parameters.parameters.count { $0.range.overlaps(bucket) }
        }
    }

    /// Takes note that weights have their gradient in the rank's last pass.
    func finished(_ indices: Range<Int>) {
        for parameter in parameters.parameters[indices] {
            for bucket in layout.buckets.indices
            where layout.buckets[bucket].overlaps(parameter.range) {
                missing[bucket] -= 1
            }
        }
        while next < order.count, missing[order[next]] == 0 {
            accumulator.fold(layout.buckets[order[next]])
            beginNext()
        }
    }

    /// Begins what isn't begun yet, after the accumulator's last leaf, and waits for everything.
    func finish() throws {
        while next < order.count { beginNext() }
        for table in accumulator.tables.indices {
            pending.append(
                communicator.startReduceRows(accumulator, layout: layout, table: table))
        }
        // All are waited for, also after a failure: they use the accumulator's buffers.
        let outcomes = pending.map { operation in Result { try operation.wait() } }
        for outcome in outcomes { try outcome.get() }
    }

    private func beginNext() {
        pending.append(
            communicator.startReduceScatter(accumulator, layout: layout, bucket: order[next]))
        next += 1
    }
}
