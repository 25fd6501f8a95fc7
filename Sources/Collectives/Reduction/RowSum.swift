// Adds the rows that the canonical nodes have in one range of the flat buffer, in the tree's order, and
// writes the sums to their places. Zeros between them are the caller's.

import Glibc

/// The sum of some runs of rows over one range.
struct RowSum {
    let table: RowTable
    let additions: [LeafTree.Addition]
    /// Where the next row's values of each node are; nil for a node without that row.
    private var places: [UnsafeMutablePointer<Float>?] = []

    init(table: RowTable, additions: [LeafTree.Addition]) {
        self.table = table
        self.additions = additions
    }

    /// Adds up `runs`, one a node in the tree's order, all of `range`; uses their values up.
    ///
    /// Tells `written` what it wrote.
    mutating func addUp(
        _ runs: [RowRun], in range: Range<Int>, into result: UnsafeMutablePointer<Float>,
        written: (Range<Int>) -> Void
    ) {
        var runs = runs
        while true {
            var lowest = Int32.max
            for run in runs where run.rows > 0 { lowest = min(lowest, run.ids[0]) }
            guard lowest < .max else { return }
            let elements = table.row(lowest).clamped(to: range)
            places.removeAll(keepingCapacity: true)
            for index in runs.indices {
                guard runs[index].rows > 0, runs[index].ids[0] == lowest else {
                    places.append(nil)
                    continue
                }
                places.append(runs[index].values)
                runs[index].ids += 1
                runs[index].values += elements.count
                runs[index].rows -= 1
            }
            for addition in additions {
                guard let right = places[addition.right] else { continue }
                if let left = places[addition.left] {
                    addElements(left, right, into: left, count: elements.count)
                } else {
                    places[addition.left] = right
                }
            }
            if let sum = places[0] {
                memcpy(
                    result + elements.lowerBound, sum,
                    elements.count * MemoryLayout<Float>.stride)
                written(elements)
            }
        }
    }
}
