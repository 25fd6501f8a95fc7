// Relative positions as DeBERTa has them: one embedding for each bucket of distances, in a table that all
// layers read. On the tape a batch's buckets are rows like its tokens: each leaf of the gradient tree has
// rows of its own, those that its longest sequence needs, so that gradients by them are summed over leaves
// as all others are.
//
// Shape legend: R buckets of a leaf, D width.
// Reference: transformers, `make_log_bucket_position`.

import Foundation
import TensorCore

/// Which row of a table stands for the distance of two tokens.
public struct RelativeBuckets: Sendable, Equatable {
    /// Rows on each side of distance 0; the table has twice as many.
    public let span: Int
    private let bucketCount: Int
    private let maximumDistance: Int

    /// Buckets of distances.
    ///
    /// - Parameters:
    ///   - count: Buckets on each side: near distances have one each, far ones share them by logarithm;
    ///     0 for a row for each distance.
    ///   - maximumDistance: The distance from which all are one; more than `count / 2 + 1`.
    public init(count: Int, maximumDistance: Int) {
        precondition(
            count >= 0 && count != 1 && maximumDistance > count / 2 + 1,
            "\(count) buckets of distances to \(maximumDistance)")
        span = count > 0 ? count : maximumDistance
        bucketCount = count
        self.maximumDistance = maximumDistance
    }

    /// The row of a distance, from query to key.
    public func row(_ distance: Int) -> Int {
        min(max(bucket(distance) + span, 0), 2 * span - 1)
    }

    private func bucket(_ distance: Int) -> Int {
        let middle = bucketCount / 2
        guard bucketCount > 0, abs(distance) > middle else { return distance }
        // In single precision, as transformers: at a bucket's edge the last bit decides.
        let part = log(Float(abs(distance)) / Float(middle))
        let whole = log(Float(Double(maximumDistance - 1) / Double(middle)))
        let far = (part / whole * Float(middle - 1)).rounded(.up) + Float(middle)
        return distance < 0 ? -Int(far) : Int(far)
    }

    /// The rows that a sequence of so many tokens needs; they rise with the distance.
    public func rows(length: Int) -> Range<Int> { row(1 - length)..<row(length - 1) + 1 }
}

/// The buckets of a batch.
struct RelativePositions {
    let buckets: RelativeBuckets
    /// Rows of the table that each leaf needs, none for an empty one.
    let tableRows: [Range<Int>]
    /// First row of each leaf in a matrix of all leaves' rows, and the count at the end.
    let offsets: [Int]
    /// The leaf with the most rows, which hold those of all others.
    let widest: Int
    /// The places of distances by the length of a sequence.
    let places: [Int: RelativePlaces]

    init(_ buckets: RelativeBuckets, _ layout: BatchLayout) {
        self.buckets = buckets
        let lengths = zip(layout.sequenceOffsets, layout.sequenceOffsets.dropFirst()).map {
            $1 - $0
        }
        let rows = zip(layout.leafOffsets, layout.leafOffsets.dropFirst()).map { start, end in
            lengths[start..<end].max().map(buckets.rows) ?? 0..<0
        }
        tableRows = rows
        offsets = rows.reduce(into: [0]) { $0.append(($0.last ?? 0) + $1.count) }
        widest = rows.indices.max { rows[$0].count < rows[$1].count } ?? 0
        places = Dictionary(
            uniqueKeysWithValues: Set(lengths).map { length in
                let rows = buckets.rows(length: length)
                return (
                    length,
                    RelativePlaces(length: length, count: rows.count) {
                        buckets.row($0) - rows.lowerBound
                    }
                )
            })
    }

    /// The rows of a leaf, by its place in the batch.
    func rows(of leaf: Int) -> Range<Int> { offsets[leaf]..<offsets[leaf + 1] }

    /// Where the rows that a sequence needs lie among those of a leaf.
    func rows(length: Int, of leaf: Int) -> Range<Int> {
        let rows = buckets.rows(length: length)
        let start = rows.lowerBound - tableRows[leaf].lowerBound
        return start..<start + rows.count
    }
}

extension Tape {
    /// The embeddings of the distances of a batch: for each leaf its rows of the table, `sum R x D`.
    ///
    /// - Parameters:
    ///   - table: `2 span x D`; read in this way once on a tape.
    ///   - buckets: Which row stands for which distance.
    public func relativeEmbeddings(_ table: Variable, _ buckets: RelativeBuckets) -> Variable {
        precondition(relative == nil, "relative embeddings twice on a tape")
        precondition(
            table.value.rows == 2 * buckets.span,
            "\(table.value.rows) rows for a span of \(buckets.span)")
        let relative = RelativePositions(buckets, layout)
        self.relative = relative
        let output = fresh(rows: relative.offsets.last ?? 0, columns: table.value.columns)
        for (leaf, rows) in relative.tableRows.enumerated() {
            output.rows(relative.rows(of: leaf)).copy(from: table.value.rows(rows))
        }
        return record(.relativeEmbeddings(table), output, axis: .positions)
    }

    func differentiateRelativeEmbeddings(_ table: Variable, _ dy: Matrix) {
        guard let relative else { return }
        foldLeaves(of: table, axis: .positions, addsExactly: { _ in false }) { leaf, rows, sum, _ in
            sum.fill(0)
            sum.rows(relative.tableRows[leaf]).copy(from: dy.rows(rows))
        }
    }

    /// The rows of a leaf of the step's tree on an axis.
    func rows(ofLeaf leaf: Int, on axis: RowAxis) -> Range<Int> {
        guard axis == .positions else { return layout.rows(ofLeaf: leaf, on: axis) }
        guard let relative else { preconditionFailure("no relative embeddings on this tape") }
        return relative.rows(of: leaf - layout.leaves.lowerBound)
    }

    /// The random stream of a dropout site: equal for the same bucket in any leaf.
    func stream(_ site: DropoutSite, axis: RowAxis) -> DropoutStream {
        guard axis == .positions, let relative else { return site.stream(layout, axis: axis) }
        let rows = relative.tableRows.flatMap { $0.map(UInt32.init) }
        return DropoutStream(
            seed: site.seed, step: site.step, site: site.site,
            sample: [UInt32](repeating: 0, count: rows.count), position: rows)
    }
}
