// How a pass hands out the gradient of a big embedding table by the rows that it touched, in place of
// a flat buffer of which nearly all would be zero. Who keeps and adds the rows is the caller's business.

public import TensorCore

/// Takes the gradient of one embedding table by rows, for one subtree.
///
/// Rows that aren't given are zero. The collector stands for `elements` of the flat buffer, which are
/// then not written there; the rest of the table is written to both.
public struct RowCollector: Sendable {
    /// Index of the table in the parameter set.
    public let table: Int
    /// The elements of the flat buffer that it stands for.
    public let elements: Range<Int>
    let begin: @Sendable (_ ids: [Int32]) -> Matrix

    /// A collector of the table `table`.
    ///
    /// - Parameters:
    ///   - table: Index of the table in the parameter set.
    ///   - elements: Which elements of the flat buffer it stands for, all of them the table's.
    ///   - begin: Is told once the rows that the subtree touched, rising, and gives the matrix that
    ///     takes them, one row for each id.
    public init(
        table: Int, elements: Range<Int>, begin: @escaping @Sendable (_ ids: [Int32]) -> Matrix
    ) {
        self.table = table
        self.elements = elements
        self.begin = begin
    }
}
