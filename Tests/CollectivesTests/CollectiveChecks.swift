// What every transport must do: one list of checks, run on worlds of threads (ThreadWorldTests) and
// under mpirun (MPITests).

import Testing

@testable import Collectives

/// The checks, each run by every rank of a world.
enum CollectiveChecks {
    static let all: [(name: String, check: @Sendable (Communicator) throws -> Void)] = [
        ("broadcast", broadcast), ("all-gather", allGather), ("all-reduce", allReduce),
        ("sums by leaf and block", orderedSums), ("gradient sum", gradientSum),
        ("row sum", rowSum), ("row traffic", rowTraffic), ("overlap", overlap),
        ("counter", counter), ("counters", counters), ("barrier order", barrierOrder),
        ("traffic", traffic), ("agreement", agreement),
    ]

    static func broadcast(_ communicator: Communicator) throws {
        for root in 0..<communicator.size {
            for count in [0, 1, 7, 300_000] {
                var values = (0..<count).map { communicator.rank == root ? Int32($0 &* 3) : -1 }
                try values.withUnsafeMutableBufferPointer {
                    try communicator.broadcast($0, root: root)
                }
                #expect(values == (0..<count).map { Int32($0 &* 3) })
            }
            let own = Array("from \(communicator.rank)".utf8)
            let bytes = try communicator.broadcast(own, root: root)
            #expect(String(decoding: bytes, as: UTF8.self) == "from \(root)")
        }
        // Longer than one piece of the pipeline, and no multiple of it.
        var long = [UInt8](repeating: 0, count: (5 << 20) + 13)
        if communicator.rank == 0 { for index in long.indices { long[index] = UInt8(index % 251) } }
        try long.withUnsafeMutableBufferPointer { try communicator.broadcast($0) }
        #expect(long.indices.allSatisfy { long[$0] == UInt8($0 % 251) })
    }

    static func allGather(_ communicator: Communicator) throws {
        let rank = communicator.rank
        let gathered = try communicator.allGather([Int](repeating: rank, count: rank * 5 % 7))
        #expect(
            gathered == (0..<communicator.size).map { [Int](repeating: $0, count: $0 * 5 % 7) })
        #expect(
            try communicator.allGather([Double]()) == Array(repeating: [], count: communicator.size)
        )

        let parts = (0..<communicator.size).map { $0 * 1000..<$0 * 1000 + 1000 - $0 }
        var flat = [Float](repeating: -1, count: communicator.size * 1000)
        for index in parts[rank] { flat[index] = Float(index) }
        try flat.withUnsafeMutableBufferPointer { try communicator.allGather($0, parts: parts) }
        for part in parts {
            for index in part { #expect(flat[index] == Float(index)) }
        }

        let layout = BucketLayout(
            count: 10_007, ranks: communicator.size, bucketSize: 3000, blockSize: 16)
        var buffer = [Float](repeating: 0, count: layout.count)
        for range in layout.owned(by: rank) { for index in range { buffer[index] = Float(index) } }
        try buffer.withUnsafeMutableBufferPointer {
            try communicator.allGather($0, layout: layout)
        }
        #expect(buffer == (0..<layout.count).map { Float($0) })
    }

    static func allReduce(_ communicator: Communicator) throws {
        let rank = Double(communicator.rank)
        let ranks = (0..<communicator.size).map { Double($0) }
        #expect(
            try communicator.allReduce([rank, 0.1 * rank], .sum)
                == [ranks.reduce(0, +), ranks.dropFirst().reduce(0) { $0 + 0.1 * $1 }])
        #expect(try communicator.allReduce([rank, -rank], .minimum) == [0, -(ranks.last ?? 0)])
        #expect(try communicator.allReduce([rank], .maximum) == [ranks.last ?? 0])
        #expect(try communicator.allReduce([rank == 0 ? .nan : 1], .minimum)[0].isNaN)
        let whole = Int64(communicator.rank) + 1
        #expect(
            try communicator.allReduce([whole, -whole], .sum)
                == [1, -1].map { $0 * Int64(communicator.size * (communicator.size + 1) / 2) })
        #expect(try communicator.allReduce([whole], .maximum) == [Int64(communicator.size)])
        #expect(try communicator.allReduce([Double](), .sum) == [])
    }

    static func orderedSums(_ communicator: Communicator) throws {
        for leafCount in [1, 2, 8, 32] {
            let tree = LeafTree(leafCount: leafCount, ranks: communicator.size)
            let own = tree.leaves(of: communicator.rank).map { leaf in
                [Double(leafValue(leaf, 0)) / 3, 1]
            }
            let expected = tree.sum((0..<leafCount).map { Double(leafValue($0, 0)) / 3 })
            #expect(
                try communicator.sumOfLeaves(own, width: 2, tree: tree)
                    == [expected, Double(leafCount)])
        }
        for bucketSize in [64, 1000, 1 << 20] {
            let layout = BucketLayout(
                count: 5003, ranks: communicator.size, bucketSize: bucketSize, blockSize: 64)
            func sum(_ block: Int) -> Double {
                layout.block(block).reduce(0) { $0 + Double(leafValue(0, $1)) / 7 }
            }
            let own = layout.ownedBlocks(by: communicator.rank).map(sum)
            #expect(
                try communicator.sumInBlockOrder(own, layout: layout)
                    == (0..<layout.blockCount).map(sum).reduce(0, +))
        }
    }

    static func gradientSum(_ communicator: Communicator) throws {
        for leaves in [1, 2, 4, 8, 16] {
            for count in [0, 1, 1000, 40_000] {
                let tree = LeafTree(leafCount: leaves, ranks: communicator.size)
                let accumulator = TreeAccumulator(
                    tree: tree, rank: communicator.rank, count: count)
                let layout = BucketLayout(
                    count: count, ranks: communicator.size, bucketSize: 9000, blockSize: 16)
                let expected = plainTreeSum(leaves: leaves, count: count)
                for _ in 0..<2 {
                    let sum = try distributedSum(
                        communicator, accumulator: accumulator, layout: layout)
                    #expect(sum.map(\.bitPattern) == expected.map(\.bitPattern))
                }
            }
        }
    }

    static func overlap(_ communicator: Communicator) throws {
        let tree = LeafTree(leafCount: 8, ranks: communicator.size)
        let accumulator = TreeAccumulator(tree: tree, rank: communicator.rank, count: 300_000)
        let layout = BucketLayout(
            count: 300_000, ranks: communicator.size, bucketSize: 70_000, blockSize: 1024)
        let expected = plainTreeSum(leaves: 8, count: 300_000)
        for _ in 0..<3 {
            let sum = try distributedSum(
                communicator, accumulator: accumulator, layout: layout, overlapping: true)
            #expect(sum.map(\.bitPattern) == expected.map(\.bitPattern))
        }
    }

    static func counter(_ communicator: Communicator) throws {
        let leases = try communicator.counter(named: "leases", startingAt: 100)
        let other = try communicator.counter(named: "other")
        var taken: [Int64] = []
        while true {
            let next = try leases.fetchAdd(1)
            guard next < 400 else { break }
            taken.append(next)
        }
        let all = try communicator.allGather(taken).flatMap { $0 }.sorted()
        #expect(all == Array(100..<400))
        #expect(try other.load() == 0)
        try communicator.barrier()
        if communicator.rank == communicator.size - 1 { #expect(try other.exchange(7) == 0) }
        try communicator.barrier()
        #expect(try other.load() == 7)
        let again = try communicator.counter(named: "leases")
        #expect(try again.load() == 0)
        try communicator.barrier()
    }

    static func counters(_ communicator: Communicator) throws {
        let before = try communicator.counter(named: "before", startingAt: 5)
        let several = try communicator.counters(named: "several", startingAt: [100, 0, -7])
        let after = try communicator.counter(named: "after", startingAt: 6)
        var taken: [Int64] = []
        for round in 0..<50 {
            let found = try several.fetchAdd([1, 2])
            taken.append(found[0])
            #expect(found.count == 2 && found[1] % 2 == 0)
            _ = try several.fetchMaximum([
                .min, .min, Int64(round * communicator.size + communicator.rank),
            ])
        }
        let all = try communicator.allGather(taken).flatMap { $0 }.sorted()
        let count = Int64(50 * communicator.size)
        #expect(all == Array(100..<100 + count))
        #expect(try several.load() == [100 + count, 2 * count, count - 1])
        try communicator.barrier()
        // The greater one stays, and the neighbours were never touched.
        #expect(try several.fetchMaximum([0, 0, 0]) == [100 + count, 2 * count, count - 1])
        #expect(try several.load()[2] == count - 1)
        #expect(try before.load() == 5 && after.load() == 6)
        try communicator.barrier()
        let again = try communicator.counters(named: "several", startingAt: [0, 1, 2])
        #expect(try again.load() == [0, 1, 2])
        try communicator.barrier()
    }

    static func barrierOrder(_ communicator: Communicator) throws {
        let arrived = try communicator.counter(named: "arrived")
        for round in 1...20 {
            _ = try arrived.fetchAdd(1)
            try communicator.barrier()
            #expect(try arrived.load() == Int64(round * communicator.size))
            try communicator.barrier()
        }
    }

    static func traffic(_ communicator: Communicator) throws {
        let before = communicator.trafficSoFar
        let layout = BucketLayout(count: 64_000, ranks: communicator.size, blockSize: 64)
        var buffer = [Float](repeating: 1, count: layout.count)
        try buffer.withUnsafeMutableBufferPointer { try communicator.allGather($0, layout: layout) }
        let moved = communicator.trafficSoFar.since(before)
        let own = layout.owned(by: communicator.rank).reduce(0) { $0 + $1.count }
        #expect(moved.bytesSent == own * 4 * (communicator.size - 1))
        #expect(moved.bytesReceived == (64_000 - own) * 4)
        #expect(moved.secondsWaited >= 0)
    }

    static func agreement(_ communicator: Communicator) throws {
        #expect(!communicator.hasFailure)
        try communicator.agree()
        try communicator.agree(nil)
        try communicator.checkFailure()
    }
}
