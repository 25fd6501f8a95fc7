// Where a table lies whose gradient is kept by rows, and how its rows are cut at the ranks' parts. It
// is geometry alone: the rows themselves are RowSet's.

/// A table in a flat buffer, of which a step touches few rows.
///
/// Its gradient is zero outside of these rows, so only they are kept, added and sent. That holds for
/// `elements`, whole blocks of the flat buffer; what the table has beside them stays in the buffer.
public struct RowTable: Sendable, Equatable {
    /// Position of the table's first element in the flat buffer.
    public let offset: Int
    /// Elements of a row.
    public let width: Int
    /// The elements of the flat buffer that are kept by rows; bucket boundaries on both sides.
    public let elements: Range<Int>

    /// A table of rows of `width` elements that begins at `offset`.
    public init(offset: Int, width: Int, elements: Range<Int>) {
        precondition(
            width > 0 && elements.lowerBound >= offset,
            "a table at \(offset), rows of \(width), kept by rows in \(elements)")
        self.offset = offset
        self.width = width
        self.elements = elements
    }

    /// The elements of a row in the flat buffer.
    func row(_ id: Int32) -> Range<Int> {
        let start = offset + Int(id) * width
        return start..<start + width
    }

    /// The buckets of a layout that hold nothing else.
    ///
    /// - Precondition: no bucket lies across a boundary of `elements`.
    public func buckets(of layout: BucketLayout) -> Range<Int> {
        let touched = layout.buckets.indices.filter { layout.buckets[$0].overlaps(elements) }
        guard let first = touched.first, let last = touched.last else { return 0..<0 }
        precondition(
            layout.buckets[first].lowerBound == elements.lowerBound
                && layout.buckets[last].upperBound == elements.upperBound,
            "a table kept by rows in \(elements), buckets \(layout.buckets[first...last])")
        return first..<last + 1
    }
}
