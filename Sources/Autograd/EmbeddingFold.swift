// The gradients of embedding tables: of each row that the batch touched, the sum over the tokens that
// used it, in the same tree as every weight (LeafFold.swift). A batch touches few rows; a big table's
// can be taken by themselves (RowCollector.swift), which leaves the rest of the table alone.

import TensorCore

extension GradientSink.Node {
    /// The collector of a table, if its gradient is taken by rows.
    func collector(of indices: Range<Int>) -> RowCollector? {
        collectors.first { indices == $0.table..<$0.table + 1 }
    }
}

extension Tape {
    /// Sums the gradient of an embedding table, of which a batch touches few rows; that of the row
    /// `frozen` is zero.
    func foldEmbedding(
        table: Variable, ids: [Int32], except frozen: Int32?, outputGradient: Matrix
    ) {
        guard let indices = claim(table), let sink else { return }
        let uses = RowUses(ids: ids, except: frozen)
        for node in sink.nodes {
            if let collector = node.collector(of: indices) {
                fold(uses, outputGradient, in: node, to: collector)
                continue
            }
            let destination = view(indices, of: node)
            destination.fill(0)
            for group in uses.groups {
                _ = foldRows(
                    node.leaves, uses.rows[group.rows], outputGradient,
                    into: destination.row(group.id))
            }
        }
        sink.finished(indices)
    }

    /// Sums the rows that a subtree touches; what the collector doesn't stand for is copied to the
    /// subtree's buffer.
    private func fold(
        _ uses: RowUses, _ outputGradient: Matrix, in node: GradientSink.Node,
        to collector: RowCollector
    ) {
        let first = layout.rows(ofLeaf: node.leaves.lowerBound, on: .tokens).lowerBound
        let end = layout.rows(ofLeaf: node.leaves.upperBound - 1, on: .tokens).upperBound
        let groups = uses.groups.filter { group in
            uses.rows[group.rows].contains { $0 >= first && $0 < end }
        }
        let rows = collector.begin(groups.map { Int32($0.id) })
        precondition(rows.rows == groups.count, "\(rows.rows) rows for \(groups.count) ids")
        for (place, group) in groups.enumerated() {
            let row = rows.row(place)
            row.fill(0)
            _ = foldRows(node.leaves, uses.rows[group.rows], outputGradient, into: row)
        }
        let table = parameters.parameters[collector.table]
        precondition(
            collector.elements.clamped(to: table.range) == collector.elements,
            "\(collector.elements) aren't all elements of \(table.name), \(table.range)")
        for rest in table.range.without(collector.elements) {
            node.gradients.columns(rest).fill(0)
            for (place, group) in groups.enumerated() {
                let start = table.offset + group.id * table.columns
                let common = (start..<start + table.columns).clamped(to: rest)
                if common.isEmpty { continue }
                let part = common.lowerBound - start..<common.upperBound - start
                node.gradients.columns(common).copy(from: rows.row(place).columns(part))
            }
        }
    }

    /// Sums those of `rows` (rising) that lie in the subtree into the zeroed `destination`.
    private func foldRows(
        _ leaves: Range<Int>, _ rows: ArraySlice<Int>, _ source: Matrix, into destination: Matrix
    ) -> Bool {
        if rows.isEmpty { return false }
        if leaves.count == 1 {
            let range = layout.rows(ofLeaf: leaves.lowerBound, on: .tokens)
            let inside = rows.inside(range)
            for row in inside {
                compute.serial.add(destination, source.row(row), into: destination)
            }
            return !inside.isEmpty
        }
        let middle = leaves.lowerBound + leaves.count / 2
        let boundary = layout.rows(ofLeaf: middle, on: .tokens).lowerBound
        let split = rows.firstIndex { $0 >= boundary } ?? rows.endIndex
        let left = foldRows(
            leaves.lowerBound..<middle, rows[..<split], source, into: destination)
        guard left else {
            return foldRows(
                middle..<leaves.upperBound, rows[split...], source, into: destination)
        }
        let partial = fresh(rows: 1, columns: destination.columns)
        partial.fill(0)
        if foldRows(middle..<leaves.upperBound, rows[split...], source, into: partial) {
            compute.serial.add(destination, partial, into: destination)
        }
        recycle(partial)
        return true
    }
}

/// Which rows use which id, ids rising and rows rising inside an id.
private struct RowUses {
    let rows: [Int]
    private(set) var groups: [(id: Int, rows: Range<Int>)] = []

    init(ids: [Int32], except frozen: Int32?) {
        // One integer each, the id above the row: sorted several times as fast as pairs.
        var sorted = ids.enumerated().map { Int($0.element) << 32 | $0.offset }.sorted()
        if let frozen { sorted.removeAll { $0 >> 32 == Int(frozen) } }
        rows = sorted.map { $0 & 0xFFFF_FFFF }
        var start = 0
        for end in sorted.indices.map({ $0 + 1 }) {
            let id = sorted[start] >> 32
            if end == sorted.count || sorted[end] >> 32 != id {
                groups.append((id, start..<end))
                start = end
            }
        }
    }
}

extension ArraySlice<Int> {
    /// The elements of a rising slice that lie in `range`.
    fileprivate func inside(_ range: Range<Int>) -> ArraySlice<Int> {
        let first = firstIndex { $0 >= range.lowerBound } ?? endIndex
        let last = self[first...].firstIndex { $0 >= range.upperBound } ?? endIndex
        return self[first..<last]
    }
}

extension Range<Int> {
    /// What is left without the part that `other` covers.
    func without(_ other: Range<Int>) -> [Range<Int>] {
        let common = other.clamped(to: self)
        if common.isEmpty { return isEmpty ? [] : [self] }
        return [lowerBound..<common.lowerBound, common.upperBound..<upperBound].filter {
            !$0.isEmpty
        }
    }
}
