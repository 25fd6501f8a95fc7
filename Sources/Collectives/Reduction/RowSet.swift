// Some rows of a table with their values: the sparse form of a gradient that is zero elsewhere. Its
// memory grows and is kept. Which subtree it belongs to is TreeAccumulator's business.

import Glibc

/// Rows by rising id, their values one behind another.
final class RowSet: @unchecked Sendable {
    private(set) var count = 0
    private(set) var ids: UnsafeMutablePointer<Int32>
    private var idCapacity = 0
    private var memory = FloatBuffer(count: 0)

    /// Empty at first.
    init() {
        ids = .allocate(capacity: 1)
    }

    deinit {
        ids.deallocate()
    }

    /// The values of the first row.
    var values: UnsafeMutablePointer<Float> { memory.base }

    /// Bytes held.
    var allocatedBytes: Int {
        idCapacity * MemoryLayout<Int32>.stride + memory.count * MemoryLayout<Float>.stride
    }

    /// Makes room for `rows` rows of `width`; what the set held is gone, and it is empty.
    func reserve(_ rows: Int, width: Int) {
        count = 0
        // Room for more: the next batch touches another number of rows.
        if idCapacity < rows {
            idCapacity = rows + rows / 4
            ids.deallocate()
            ids = .allocate(capacity: idCapacity)
        }
        if memory.count < rows * width { memory = FloatBuffer(count: (rows + rows / 4) * width) }
    }

    /// Takes rising ids; their values are the caller's to write.
    func begin(_ new: [Int32], width: Int) {
        precondition(
            zip(new, new.dropFirst()).allSatisfy { $0 < $1 } && (new.first ?? 0) >= 0,
            "the ids of rows rise")
        reserve(new.count, width: width)
        for (place, id) in new.enumerated() { ids[place] = id }
        count = new.count
    }

    /// Becomes the sum of two sets of disjoint subtrees: left + right where both have a row.
    ///
    /// A row that one side lacks is zero there, and no value is -0 (sums begin at +0): taking the
    /// other side's as it is has the bits of adding that zero.
    func setToSum(_ left: RowSet, _ right: RowSet, width: Int) {
        reserve(left.count + right.count, width: width)
        var (fromLeft, fromRight) = (0, 0)
        while fromLeft < left.count || fromRight < right.count {
            let leftID = fromLeft < left.count ? left.ids[fromLeft] : .max
            let rightID = fromRight < right.count ? right.ids[fromRight] : .max
            let sum = values + count * width
            let ofLeft = left.values + fromLeft * width
            let ofRight = right.values + fromRight * width
            if leftID == rightID {
                addElements(ofLeft, ofRight, into: sum, count: width)
            } else {
                memcpy(
                    sum, leftID < rightID ? ofLeft : ofRight, width * MemoryLayout<Float>.stride)
            }
            ids[count] = min(leftID, rightID)
            if leftID <= rightID { fromLeft += 1 }
            if rightID <= leftID { fromRight += 1 }
            count += 1
        }
    }

    /// What lies in a range of the flat buffer; the rows at its ends are cut to it.
    func run(in range: Range<Int>, of table: RowTable) -> RowRun {
        guard !range.isEmpty else { return RowRun(ids: ids, values: values) }
        let first = firstPlace { table.row($0).upperBound > range.lowerBound }
        let end = firstPlace { table.row($0).lowerBound >= range.upperBound }
        guard first < end else { return RowRun(ids: ids, values: values) }
        let head = max(0, range.lowerBound - table.row(ids[first]).lowerBound)
        let tail = max(0, table.row(ids[end - 1]).upperBound - range.upperBound)
        return RowRun(
            ids: ids + first, values: values + first * table.width + head, rows: end - first,
            elements: (end - first) * table.width - head - tail)
    }

    /// The first place whose id fulfils a condition that holds from some id on.
    private func firstPlace(_ condition: (Int32) -> Bool) -> Int {
        var (low, high) = (0, count)
        while low < high {
            let middle = (low + high) / 2
            if condition(ids[middle]) { high = middle } else { low = middle + 1 }
        }
        return low
    }
}

/// Neighbouring rows of a set that lie in some range of the flat buffer, in somebody's memory.
struct RowRun {
    /// Rising ids.
    var ids: UnsafeMutablePointer<Int32>
    /// The values of the rows, as far as they lie in the range.
    var values: UnsafeMutablePointer<Float>
    /// Rows, the cut ones included.
    var rows = 0
    /// Elements of all rows.
    var elements = 0
}
