// Tables taken by rows: put back into the flat buffer, the rows must be the bits of the dense gradient,
// and the buffer must be left alone where the collector stands for it.

import Autograd
import Synchronization
import TensorCore
import Testing

/// Keeps what collectors are given: of each subtree and table, the ids and their rows.
private final class CollectedRows: Sendable {
    struct Key: Hashable {
        let node: Int
        let table: Int
    }

    let rows = Mutex<[Key: (ids: [Int32], values: Matrix)]>([:])
    private let memory = Arena()

    func collector(node: Int, table: Int, columns: Int, elements: Range<Int>) -> RowCollector {
        RowCollector(table: table, elements: elements) { ids in
            let values = self.memory.matrix(ids.count, columns)
            values.fill(.nan)
            self.rows.withLock {
                #expect($0.updateValue((ids, values), forKey: Key(node: node, table: table)) == nil)
            }
            return values
        }
    }
}

@Suite struct RowCollectorTests {
    private let network = SampleNetwork(seed: 6)
    /// Ranges that cut rows of 24 at both ends, whole tables, and a table that no pass uses.
    static let ranges: [[String: Range<Int>]] = [
        ["words": 30..<200], ["words": 0..<264], ["words": 48..<96, "positions": 400..<1500],
        ["words": 250..<251], ["unused": 2..<7],
    ]

    @Test(arguments: ranges.indices, [[0..<8], [0..<4, 4..<6], [1..<2, 2..<4, 4..<5], [5..<6]])
    func sameBitsAsDense(index: Int, nodes: [Range<Int>]) throws {
        for offsets in [[0, 1, 2, 4, 5, 7, 8, 10, 11], [0, 0, 1, 1, 1, 2, 2, 4, 4]] {
            let texts = SampleNetwork.texts(
                lengths: (0..<offsets[8]).map { [3, 1, 7, 1, 4, 2][$0 % 6] }, seed: 8)
            let batch = SampleNetwork.Batch(texts: texts, leafOffsets: offsets)
            let range = nodes[0].lowerBound..<nodes[nodes.count - 1].upperBound
            if offsets[range.lowerBound] == offsets[range.upperBound] { continue }
            let compute = Compute(threads: 2)
            let dense = network.gradients(batch, nodes: nodes, compute)
            let tables = try Self.ranges[index].map { name, range in
                let table = try #require(network.parameters.index(of: name))
                let start = network.parameters.parameters[table].offset
                return (index: table, elements: start + range.lowerBound..<start + range.upperBound)
            }
            let collected = CollectedRows()
            var sparse = network.gradients(batch, nodes: nodes, compute, filling: .nan) { node in
                tables.map { table in
                    collected.collector(
                        node: node, table: table.index,
                        columns: network.parameters.parameters[table.index].shape[1],
                        elements: table.elements)
                }
            }
            for node in nodes.indices {
                for table in tables {
                    #expect(sparse[node][table.elements].allSatisfy { $0.isNaN }, "left alone")
                    let key = CollectedRows.Key(node: node, table: table.index)
                    let (ids, values) = try #require(collected.rows.withLock { $0[key] })
                    #expect(zip(ids, ids.dropFirst()).allSatisfy { $0 < $1 })
                    for index in table.elements { sparse[node][index] = 0 }
                    let start = network.parameters.parameters[table.index].offset
                    for (place, id) in ids.enumerated() {
                        for (column, value) in values.row(place).toArray().enumerated() {
                            let index = start + Int(id) * values.columns + column
                            #expect(value.sign == .plus || value != 0, "a sum is never -0")
                            if table.elements.contains(index) { sparse[node][index] = value }
                        }
                    }
                }
                let isSame = sparse[node].bits == dense[node].bits
                #expect(isSame, "\(nodes[node]) of \(offsets)")
            }
        }
    }

    /// Only rows of the subtree's own texts are given.
    @Test func onlyTouchedRows() throws {
        let batch = SampleNetwork.Batch(texts: [[3, 7, 3], [9, 3]], leafOffsets: [0, 1, 2])
        let collected = CollectedRows()
        _ = network.gradients(batch, nodes: [0..<1, 1..<2], Compute(threads: 1)) { node in
            [collected.collector(node: node, table: 0, columns: 24, elements: 0..<264)]
        }
        let ids = collected.rows.withLock { rows in
            (0..<2).map { rows[.init(node: $0, table: 0)]?.ids }
        }
        #expect(ids == [[3, 7], [3, 9]])
    }
}
