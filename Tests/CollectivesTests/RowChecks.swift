// Tables kept by rows: their sums must be, bit for bit, what comes of summing them in buffers, however
// many rows are touched and whichever way they are sent.

import Testing

@testable import Collectives

/// Steps of a gradient with two tables, of which leaves touch some rows.
struct RowCase {
    let count = 6000
    /// Rows of 24 and of 40 elements, no multiples of a block; both tables have ends of their own.
    let tables = [
        RowTable(offset: 48, width: 24, elements: 64..<1600),
        RowTable(offset: 3000, width: 40, elements: 3008..<4992),
    ]
    let rowCounts = [70, 50]
    let leaves: Int
    /// Of a hundred rows, how many a leaf touches.
    let percent: Int

    /// Rows of a table that a leaf touches in a step.
    func touched(leaf: Int, table: Int, step: Int) -> [Int32] {
        (0..<rowCounts[table]).filter { row in
            let seed = (leaf &* 31 &+ table) &* 101 &+ step
            return Int(abs(leafValue(seed, row)) * 4096) % 100 < percent
        }.map(Int32.init)
    }

    /// A leaf's gradient in a buffer: as usual, but zero in rows that it doesn't touch.
    func dense(leaf: Int, step: Int) -> [Float] {
        var values = (0..<count).map { value(leaf, $0, step) }
        for (place, table) in tables.enumerated() {
            let ids = Set(touched(leaf: leaf, table: place, step: step))
            for row in 0..<Int32(rowCounts[place]) where !ids.contains(row) {
                for index in table.row(row) { values[index] = 0 }
            }
        }
        return values
    }

    func value(_ leaf: Int, _ index: Int, _ step: Int) -> Float {
        let value = leafValue(leaf &+ 1000 &* step, index)
        // Zeros among the values too; a sum that began at +0 is never -0.
        return index % 7 == 0 || value == 0 ? 0 : value
    }

    func expected(step: Int) -> [Float] {
        var level = (0..<leaves).map { dense(leaf: $0, step: step) }
        while level.count > 1 {
            level = (0..<level.count / 2).map { pair in
                zip(level[2 * pair], level[2 * pair + 1]).map { $0 + $1 }
            }
        }
        return level[0]
    }

    func layout(ranks: Int, bucketSize: Int) -> BucketLayout {
        BucketLayout(
            count: count, ranks: ranks, bucketSize: bucketSize, blockSize: 16,
            apart: tables.map(\.elements))
    }

    /// One step: the rows apart, everything else in the buffer; then the parts are gathered.
    func sum(
        _ communicator: Communicator, _ accumulator: TreeAccumulator, _ layout: BucketLayout,
        step: Int, beforeRows: (_ table: Int) throws -> Void = { _ in }
    ) throws -> [Float] {
        accumulator.reset()
        for leaf in accumulator.leaves {
            let buffer = accumulator.beginLeaf(zeroed: false)
            let dense = dense(leaf: leaf, step: step)
            for range in accumulator.bufferedRanges {
                for index in range { buffer[index] = dense[index] }
            }
            for (place, table) in tables.enumerated() {
                let ids = touched(leaf: leaf, table: place, step: step)
                // A leaf that touches nothing may say so or say nothing.
                if ids.isEmpty && leaf % 2 == 0 { continue }
                let rows = accumulator.beginRows(ofTable: place, ids: ids)
                for (number, id) in ids.enumerated() {
                    for (column, index) in table.row(id).enumerated() {
                        rows[number * table.width + column] = dense[index]
                    }
                }
            }
            accumulator.finishLeaf()
        }
        var pending: [PendingOperation] = []
        for bucket in layout.buckets.indices.reversed()
        where !tables.contains(where: { $0.elements.overlaps(layout.buckets[bucket]) }) {
            pending.append(
                communicator.startReduceScatter(accumulator, layout: layout, bucket: bucket))
        }
        for table in tables.indices {
            try beforeRows(table)
            pending.append(
                communicator.startReduceRows(accumulator, layout: layout, table: table))
        }
        for operation in pending { try operation.wait() }
        let flat = accumulator.reduced
        try communicator.allGather(flat, layout: layout)
        return Array(flat)
    }
}

extension CollectiveChecks {
    /// No row touched, few, most, all: the last are sent as a whole table.
    static func rowSum(_ communicator: Communicator) throws {
        for leaves in [1, 2, 8, 16] {
            for bucketSize in [160, 700, 1 << 20] {
                let base = RowCase(leaves: leaves, percent: 0)
                let layout = base.layout(ranks: communicator.size, bucketSize: bucketSize)
                let accumulator = TreeAccumulator(
                    tree: LeafTree(leafCount: leaves, ranks: communicator.size),
                    rank: communicator.rank, count: base.count, tables: base.tables)
                for (step, percent) in [5, 60, 100, 0, 20, 100, 3].enumerated() {
                    let rows = RowCase(leaves: leaves, percent: percent)
                    let sum = try rows.sum(communicator, accumulator, layout, step: step)
                    let isSame =
                        sum.map(\.bitPattern) == rows.expected(step: step).map(\.bitPattern)
                    #expect(isSame, "\(leaves) leaves, buckets of \(bucketSize), step \(step)")
                }
            }
        }
    }

    /// Rows move fewer bytes than the table while few are touched; touched rows that would move
    /// more than the table go as the table.
    static func rowTraffic(_ communicator: Communicator) throws {
        let base = RowCase(leaves: 8, percent: 0)
        let layout = base.layout(ranks: communicator.size, bucketSize: 700)
        func sent(_ percent: Int, tables: [RowTable]) throws -> Int {
            let accumulator = TreeAccumulator(
                tree: LeafTree(leafCount: 8, ranks: communicator.size), rank: communicator.rank,
                count: base.count, tables: tables)
            let rows = RowCase(leaves: 8, percent: percent)
            let before = communicator.trafficSoFar
            if tables.isEmpty {
                accumulator.reset()
                for _ in accumulator.leaves {
                    _ = accumulator.beginLeaf()
                    accumulator.finishLeaf()
                }
                try communicator.reduceScatter(accumulator, layout: layout)
                try communicator.allGather(accumulator.reduced, layout: layout)
            } else {
                _ = try rows.sum(communicator, accumulator, layout, step: 1)
            }
            let bytes = communicator.trafficSoFar.since(before).bytesSent
            return Int(try communicator.allReduce([Int64(bytes)], .sum)[0])
        }
        let dense = try sent(0, tables: [])
        // Every rank tells every other how much each of its nodes has of each part.
        let nodes = LeafTree(leafCount: 8, ranks: communicator.size).nodes.count
        let counts = base.tables.reduce(0) { sum, table in
            sum + table.buckets(of: layout).count * nodes * communicator.size
                * (communicator.size - 1) * MemoryLayout<RowCount>.stride
        }
        #expect(try sent(100, tables: base.tables) == dense + counts)
        if communicator.size > 1 {
            let most = try sent(40, tables: base.tables)
            let few = try sent(1, tables: base.tables)
            #expect(few < most)
            #expect(few <= dense / 2 + dense / 4 + counts)
        }
    }
}
