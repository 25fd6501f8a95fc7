// Which tables of a student have gradients that are kept and reduced by rows: embedding tables so big
// that a step touches a small part of them. The rows are summed by Autograd and added by Collectives;
// this file only says which tables, and brings the two together.

import Autograd
import Collectives
import TensorCore

/// The big embedding tables of a student.
struct EmbeddingTables {
    /// Elements from which a table is kept by rows: a smaller one costs less than its bookkeeping.
    static let smallestCount = 1 << 20

    /// Index of each table in the parameter set.
    let indices: [Int]
    /// The tables in the flat buffer, in its order.
    let tables: [RowTable]

    /// The big ones of the tables that a model names.
    init(
        _ names: [String], of parameters: ParameterSet, blockSize: Int, smallestCount: Int
    ) {
        var indices: [Int] = []
        var tables: [RowTable] = []
        for index in names.compactMap(parameters.index) {
            let parameter = parameters.parameters[index]
            guard parameter.shape.count == 2, parameter.count >= smallestCount else { continue }
            // Whole blocks alone: ranks' parts never cut a block, and the rest shares its block with
            // other weights.
            let start = (parameter.range.lowerBound + blockSize - 1) / blockSize * blockSize
            let end = parameter.range.upperBound / blockSize * blockSize
            guard start < end else { continue }
            indices.append(index)
            tables.append(
                RowTable(
                    offset: parameter.offset, width: parameter.shape[1], elements: start..<end))
        }
        self.indices = indices
        self.tables = tables
    }

    /// What takes the tables' gradients of the accumulator's open subtree.
    func collectors(_ accumulator: TreeAccumulator) -> [RowCollector] {
        zip(indices, tables).enumerated().map { place, entry in
            let (index, table) = entry
            return RowCollector(table: index, elements: table.elements) { ids in
                let rows = unsafe accumulator.beginRows(ofTable: place, ids: ids)
                guard let base = rows.baseAddress else {
                    preconditionFailure("rows without memory")
                }
                return unsafe Matrix(base: base, rows: ids.count, columns: table.width)
            }
        }
    }
}
