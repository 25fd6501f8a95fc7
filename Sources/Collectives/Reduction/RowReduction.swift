// The plan of one table's reduction by rows: who sends which rows of which node to whom, how many bytes
// that makes, and where what arrives is put. It sends nothing itself.

import Glibc

/// How much one canonical node has of one rank's part of one bucket.
struct RowCount: BitwiseCopyable {
    var rows = 0
    var elements = 0
}

/// The plan of one table's reduction, as one rank sees it.
struct RowReduction {
    let tree: LeafTree
    let layout: BucketLayout
    let table: RowTable
    let rank: Int
    /// The rows of this rank's canonical nodes.
    let own: [RowSet]
    /// The buckets of the layout that are the table's.
    let buckets: Range<Int>

    init(tree: LeafTree, layout: BucketLayout, table: RowTable, rank: Int, own: [RowSet]) {
        self.tree = tree
        self.layout = layout
        self.table = table
        self.rank = rank
        self.own = own
        buckets = table.buckets(of: layout)
    }

    // MARK: Counts, by node, then owner, then bucket

    private var countsOfNode: Int { layout.ranks * buckets.count }

    private func countRange(node: Int, owner: Int) -> Range<Int> {
        let start = node * countsOfNode + owner * buckets.count
        return start..<start + buckets.count
    }

    /// The counts of a rank's nodes among those of all.
    func countRange(of rank: Int) -> Range<Int> {
        let first = tree.nodes.firstIndex { $0.rank == rank } ?? 0
        let nodes = tree.nodes.count { $0.rank == rank }
        return first * countsOfNode..<(first + nodes) * countsOfNode
    }

    /// The counts of all ranks' nodes, filled where they are this rank's.
    var ownCounts: [RowCount] {
        var counts = [RowCount](repeating: RowCount(), count: tree.nodes.count * countsOfNode)
        var place = countRange(of: rank).lowerBound
        for rows in own {
            for owner in 0..<layout.ranks {
                for run in runs(of: rows, owner: owner) {
                    counts[place] = RowCount(rows: run.rows, elements: run.elements)
                    place += 1
                }
            }
        }
        return counts
    }

    /// Whether sending the rows moves no more than sending the whole table; alike on all ranks.
    func favoursRows(_ counts: [RowCount]) -> Bool {
        var (sparse, dense) = (0, 0)
        for (node, entry) in tree.nodes.enumerated() {
            for owner in 0..<layout.ranks where owner != entry.rank {
                for count in counts[countRange(node: node, owner: owner)] {
                    sparse += count.rows + count.elements
                }
                for bucket in buckets {
                    dense += layout.part(bucket: bucket, rank: owner).count
                }
            }
        }
        return sparse <= dense
    }

    // MARK: Rows

    /// What a node of this rank has of the owner's part of each bucket.
    private func runs(of rows: RowSet, owner: Int) -> [RowRun] {
        buckets.map { rows.run(in: layout.part(bucket: $0, rank: owner), of: table) }
    }

    /// Rows that arrive for each node of other ranks.
    func remoteRows(_ counts: [RowCount]) -> [Int] {
        tree.nodes.indices.filter { tree.nodes[$0].rank != rank }.map { node in
            counts[countRange(node: node, owner: rank)].reduce(0) { $0 + $1.rows }
        }
    }

    /// Where the rows of this rank's parts are, by node and bucket: own ones in place, those of
    /// others staged.
    func runs(_ counts: [RowCount], staged: [RowSet]) -> [[RowRun]] {
        var (ownNodes, remoteNodes) = (own[...], staged[...])
        return tree.nodes.enumerated().map { node, entry in
            if entry.rank == rank { return runs(of: ownNodes.removeFirst(), owner: rank) }
            let set = remoteNodes.removeFirst()
            var (ids, values) = (set.ids, set.values)
            return counts[countRange(node: node, owner: rank)].map { count in
                defer {
                    ids += count.rows
                    values += count.elements
                }
                return RowRun(
                    ids: ids, values: values, rows: count.rows, elements: count.elements)
            }
        }
    }

    /// What this rank takes; both sides of a pair go by node, then bucket, ids first.
    func arrivals(_ runs: [[RowRun]]) -> [Message] {
        zip(tree.nodes, runs).filter { $0.0.rank != rank }.flatMap { entry, runs in
            runs.filter { $0.rows > 0 }.flatMap { run -> [Message] in
                [
                    .receive(run.ids, bytes: run.idBytes, from: entry.rank),
                    .receive(run.values, bytes: run.valueBytes, from: entry.rank),
                ]
            }
        }
    }

    /// What this rank gives to a peer.
    func departures(to peer: Int) -> [Message] {
        own.flatMap { rows in
            runs(of: rows, owner: peer).filter { $0.rows > 0 }.flatMap { run -> [Message] in
                [
                    .send(run.ids, bytes: run.idBytes, to: peer),
                    .send(run.values, bytes: run.valueBytes, to: peer),
                ]
            }
        }
    }

    /// Writes the rows of this rank's nodes to their buffers, between zeros.
    func writeRows(to buffers: [UnsafeMutablePointer<Float>]) {
        let width = MemoryLayout<Float>.stride
        for (rows, buffer) in zip(own, buffers) {
            memset(buffer + table.elements.lowerBound, 0, table.elements.count * width)
            let run = rows.run(in: table.elements, of: table)
            var values = run.values
            for place in 0..<run.rows {
                let elements = table.row(run.ids[place]).clamped(to: table.elements)
                memcpy(buffer + elements.lowerBound, values, elements.count * width)
                values += elements.count
            }
        }
    }
}

extension RowRun {
    fileprivate var idBytes: Int { rows * MemoryLayout<Int32>.stride }
    fileprivate var valueBytes: Int { elements * MemoryLayout<Float>.stride }
}
