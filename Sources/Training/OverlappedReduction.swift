// The sum of gradients over the ranks, begun while the backward pass is still running: as soon as all
// weights of a bucket have their gradient, the communication thread takes the bucket.
//
// Buckets are begun from the last to the first, the order in which a backward pass completes a flat
// buffer that is laid out as the forward pass uses it; every rank keeps to that order, whatever it
// completes first, because a collective needs the same order everywhere.

import Autograd
import Collectives

/// The reduction of one step.
final class OverlappedReduction {
    private let communicator: Communicator
    private let accumulator: TreeAccumulator
    private let layout: BucketLayout
    private let parameters: ParameterSet
    /// Weights of each bucket that have no gradient yet.
    private var missing: [Int]
    /// Buckets that aren't begun: those below this one.
    private var next: Int
    private var pending: [PendingOperation] = []

    init(
        _ accumulator: TreeAccumulator, layout: BucketLayout, parameters: ParameterSet,
        communicator: Communicator
    ) {
        self.accumulator = accumulator
        self.layout = layout
        self.parameters = parameters
        self.communicator = communicator
        next = layout.buckets.count
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
        while next > 0, missing[next - 1] == 0 {
            next -= 1
            accumulator.fold(layout.buckets[next])
            begin(next)
        }
    }

    /// Begins what isn't begun yet, after the accumulator's last leaf, and waits for everything.
    func finish() throws {
        while next > 0 {
            next -= 1
            begin(next)
        }
        // All are waited for, also after a failure: they use the accumulator's buffers.
        let outcomes = pending.map { operation in Result { try operation.wait() } }
        for outcome in outcomes { try outcome.get() }
    }

    private func begin(_ bucket: Int) {
        pending.append(
            communicator.startReduceScatter(accumulator, layout: layout, bucket: bucket))
    }
}
