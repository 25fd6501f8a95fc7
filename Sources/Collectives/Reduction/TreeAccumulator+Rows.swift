// The rows of tables beside a rank's buffers: the same sums in the same tree, of sets of rows. And what
// row sums have left in the buffers, so that no buffer has to be cleared whole.

import Glibc

extension TreeAccumulator {
    /// Gives the open leaf or subtree its rows of a table; their values are the caller's to write.
    ///
    /// A subtree that is given none has none: its gradient of the table is zero.
    ///
    /// - Parameters:
    ///   - table: Place in `tables`.
    ///   - ids: Rising.
    /// - Returns: Memory for the values, rows one behind another; undefined at first, valid until
    ///   `finishLeaf`.
    public func beginRows(ofTable table: Int, ids: [Int32]) -> UnsafeMutableBufferPointer<Float> {
        precondition(isInLeaf, "no leaf is open")
        let (rows, width) = (stack[stack.count - 1].rows[table], tables[table].width)
        rows.begin(ids, width: width)
        return UnsafeMutableBufferPointer(start: rows.values, count: ids.count * width)
    }

    /// The rows of the canonical nodes, in leaf order; not inside a leaf.
    func canonicalRows(ofTable table: Int) -> [RowSet] {
        precondition(!isInLeaf, "a leaf is open")
        return stack.map { $0.rows[table] }
    }

    func emptyRows() -> RowSet {
        let rows = freeRows.popLast() ?? RowSet()
        rows.reserve(0, width: 0)
        return rows
    }

    /// Adds the rows of the right sibling to those of the uppermost sum.
    func addRows(_ right: [RowSet]) {
        for (table, right) in right.enumerated() {
            let left = stack[stack.count - 1].rows[table]
            if left.count == 0 {
                stack[stack.count - 1].rows[table] = right
                freeRows.append(left)
            } else {
                if right.count > 0 {
                    let sum = emptyRows()
                    sum.setToSum(left, right, width: tables[table].width)
                    stack[stack.count - 1].rows[table] = sum
                    freeRows.append(left)
                }
                freeRows.append(right)
            }
        }
    }

    /// What is left of `0..<count` without some rising ranges.
    static func rest(of count: Int, without ranges: [Range<Int>]) -> [Range<Int>] {
        let starts = [0] + ranges.map(\.upperBound)
        let ends = ranges.map(\.lowerBound) + [count]
        return zip(starts, ends).map { start, end in
            precondition(start <= end, "tables \(ranges) in \(count) elements")
            return start..<end
        }.filter { !$0.isEmpty }
    }
}

/// What sums of rows have left in the ranks' parts of tables, buffer by buffer.
///
/// A buffer holds a step's sums of rows between zeros. The next step clears what was written, not the
/// whole table; only where nothing is known of a buffer all of it is cleared.
struct WrittenRows {
    private struct Place: Hashable {
        let buffer: UnsafeMutablePointer<Float>
        let table: Int
    }

    private var written: [Place: [Range<Int>]] = [:]
    private var layout: BucketLayout?

    /// Makes the given parts of a table zero and forgets what was known of them.
    ///
    /// Returns an empty array with the capacity of what was known.
    mutating func clear(
        _ buffer: UnsafeMutablePointer<Float>, table: Int, parts: [Range<Int>],
        layout: BucketLayout
    ) -> [Range<Int>] {
        if self.layout != layout {
            written.removeAll()
            self.layout = layout
        }
        var ranges = written.removeValue(forKey: Place(buffer: buffer, table: table)) ?? parts
        for range in ranges {
            memset(
                buffer + range.lowerBound, 0, range.count * MemoryLayout<Float>.stride)
        }
        ranges.removeAll(keepingCapacity: true)
        return ranges
    }

    /// Remembers what was written to parts that are zero elsewhere.
    mutating func note(
        _ ranges: [Range<Int>], in buffer: UnsafeMutablePointer<Float>, table: Int
    ) {
        written[Place(buffer: buffer, table: table)] = ranges
    }

    /// Forgets a buffer whose elements of a table were written by other means.
    mutating func forget(_ buffer: UnsafeMutablePointer<Float>, table: Int) {
        written.removeValue(forKey: Place(buffer: buffer, table: table))
    }
}
