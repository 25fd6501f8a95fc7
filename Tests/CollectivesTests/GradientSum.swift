// The gradient sum of a step as a training loop does it, and the plain sum it must equal bit for bit.

import Testing

@testable import Collectives

/// A leaf's value at an index: numbers whose sum depends on the order of the additions.
func leafValue(_ leaf: Int, _ index: Int) -> Float {
    var mixed = UInt64(truncatingIfNeeded: leaf &* 1_000_003 &+ index &* 7919 &+ 12345)
    mixed ^= mixed >> 33
    mixed &*= 0xff51_afd7_ed55_8ccd
    mixed ^= mixed >> 29
    let fraction = Float(mixed & 0xFFFFFF) / Float(1 << 24) - 0.5
    return fraction * Float(1 << Int((mixed >> 32) % 12))
}

/// The tree sum in plain loops.
func plainTreeSum(leaves: Int, count: Int) -> [Float] {
    var level = (0..<leaves).map { leaf in (0..<count).map { leafValue(leaf, $0) } }
    while level.count > 1 {
        level = (0..<level.count / 2).map { pair in
            zip(level[2 * pair], level[2 * pair + 1]).map { $0 + $1 }
        }
    }
    return level[0]
}

/// Sums the leaves over the ranks and gathers the parts, as a step does.
///
/// - Parameter overlapping: fold and start each bucket inside the last leaf, from the last bucket on.
func distributedSum(
    _ communicator: Communicator, accumulator: TreeAccumulator, layout: BucketLayout,
    overlapping: Bool = false
) throws -> [Float] {
    accumulator.reset()
    var pending: [PendingOperation] = []
    for leaf in accumulator.leaves {
        let buffer = accumulator.beginLeaf()
        for index in 0..<accumulator.count { buffer[index] += leafValue(leaf, index) }
        if overlapping, leaf == accumulator.leaves.upperBound - 1 {
            for bucket in layout.buckets.indices.reversed() {
                accumulator.fold(layout.buckets[bucket])
                pending.append(
                    communicator.startReduceScatter(accumulator, layout: layout, bucket: bucket))
            }
        }
        accumulator.finishLeaf()
    }
    if overlapping {
        if accumulator.leaves.isEmpty {
            pending = layout.buckets.indices.reversed().map {
                communicator.startReduceScatter(accumulator, layout: layout, bucket: $0)
            }
        }
        for operation in pending { try operation.wait() }
    } else {
        try communicator.reduceScatter(accumulator, layout: layout)
    }
    let flat = accumulator.reduced
    try communicator.allGather(flat, layout: layout)
    return Array(flat)
}
