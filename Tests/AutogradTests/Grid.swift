// The operations of the tape once more, as plain loops in double precision: what gradients are
// checked against. Written from the definitions, not from the tape's code; no speed is wanted.
//
// Shape legend: N tokens, S sequences, D and E widths, H heads, K head width.

import Autograd
import Foundation
import TensorCore

/// A matrix of doubles.
struct Grid {
    var rows: Int
    var columns: Int
    var values: [Double]

    init(_ rows: Int, _ columns: Int, _ values: [Double]) {
        precondition(values.count == rows * columns, "\(values.count) in \(rows)x\(columns)")
        self.rows = rows
        self.columns = columns
        self.values = values
    }

    init(_ rows: Int, _ columns: Int, _ make: (Int, Int) -> Double) {
        self.init(
            rows, columns,
            (0..<rows).flatMap { row in (0..<columns).map { make(row, $0) } })
    }

    subscript(row: Int, column: Int) -> Double { values[row * columns + column] }

    func map(_ body: (Double) -> Double) -> Grid { Grid(rows, columns, values.map(body)) }

    func plus(_ other: Grid) -> Grid { Grid(rows, columns) { self[$0, $1] + other[$0, $1] } }

    /// `x W^T + b`.
    func linear(_ weight: Grid, _ bias: Grid? = nil) -> Grid {
        Grid(rows, weight.rows) { row, output in
            (0..<columns).reduce(bias?[0, output] ?? 0) {
                $0 + self[row, $1] * weight[output, $1]
            }
        }
    }

    var gelu: Grid { map { 0.5 * $0 * (1 + erf($0 / 2.0.squareRoot())) } }

    var hyperbolicTangent: Grid { map(Foundation.tanh) }

    func layerNorm(_ gamma: Grid, _ beta: Grid, epsilon: Double) -> Grid {
        Grid(rows, columns) { row, column in
            let line = (0..<columns).map { self[row, $0] }
            let mean = line.reduce(0, +) / Double(columns)
            let variance = line.reduce(0) { $0 + ($1 - mean) * ($1 - mean) } / Double(columns)
            return (line[column] - mean) / (variance + epsilon).squareRoot() * gamma[0, column]
                + beta[0, column]
        }
    }

    func dropout(_ site: DropoutSite, _ layout: BatchLayout, axis: RowAxis) -> Grid {
        let stream = layout.dropoutStream(
            seed: site.seed, step: site.step, site: site.site, axis: axis)
        return Grid(rows, columns) { row, column in
            stream.keeps(row: row, column: column, probability: site.probability)
                ? self[row, column] / (1 - Double(site.probability)) : 0
        }
    }

    func meanPool(_ layout: BatchLayout) -> Grid {
        Grid(layout.sequenceCount, columns) { sequence, column in
            let tokens = layout.tokens(of: sequence)
            return tokens.reduce(0) { $0 + self[$1, column] } / Double(tokens.count)
        }
    }

    func firstToken(_ layout: BatchLayout) -> Grid {
        Grid(layout.sequenceCount, columns) { self[layout.sequenceOffsets[$0], $1] }
    }

    /// Softmax attention of every token to all of its sequence.
    static func attention(
        _ query: Grid, _ key: Grid, _ value: Grid, heads: Int, _ layout: BatchLayout,
        dropout: DropoutSite? = nil
    ) -> Grid {
        let headWidth = query.columns / heads
        var output = Grid(query.rows, query.columns) { _, _ in 0 }
        for sequence in 0..<layout.sequenceCount {
            let tokens = layout.tokens(of: sequence)
            for head in 0..<heads {
                let columns = (head * headWidth)..<((head + 1) * headWidth)
                for token in tokens {
                    let scores = tokens.map { other in
                        columns.reduce(0) { $0 + query[token, $1] * key[other, $1] }
                            / Double(headWidth).squareRoot()
                    }
                    let powers = scores.map { exp($0 - (scores.max() ?? 0)) }
                    let sum = powers.reduce(0, +)
                    for (place, other) in tokens.enumerated() {
                        let kept = keeps(place, token, head, dropout, layout)
                        for column in columns {
                            output.values[token * query.columns + column] +=
                                kept * powers[place] / sum * value[other, column]
                        }
                    }
                }
            }
        }
        return output
    }

    /// The factor on one attention probability: a head's mask is a site of its own.
    static func keeps(
        _ place: Int, _ token: Int, _ head: Int, _ site: DropoutSite?, _ layout: BatchLayout
    ) -> Double {
        guard let site else { return 1 }
        let stream = layout.dropoutStream(
            seed: site.seed, step: site.step, site: site.site | UInt32(head + 1) << 16,
            axis: .tokens)
        return stream.keeps(row: token, column: place, probability: site.probability)
            ? 1 / (1 - Double(site.probability)) : 0
    }
}

extension BatchLayout {
    /// The token rows of a sequence.
    func tokens(of sequence: Int) -> Range<Int> {
        sequenceOffsets[sequence]..<sequenceOffsets[sequence + 1]
    }
}
