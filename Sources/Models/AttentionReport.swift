// How a decoder attends to some texts, layer by layer: the figures by which response priming was
// explained (arXiv 2412.17846: better prompts had lower entropy in the late layers).
//
// The paper names its figures without formulas, so these are ours. With w(t, j) the weight that token t
// of a head gives to token j <= t, and means over the heads and over all tokens of all texts:
//
//     entropy           mean of - sum_j w ln w, in nats
//     self-attention    mean of w(t, t)
//     share above       part of the visible pairs (t, j) whose w is above the threshold
//     cosine            of the whole maps w of one head in a layer and in the next; mean over heads and
//                       texts
//
// The weights are computed here a second time, from the queries and keys that the decoder shows: its own
// attention never holds them whole, and stays as fast as it is. Not here: gradients, several ranks.
//
// Shape legend: N tokens of a pass, T of a text, H query heads, K head width.

import Foundation
import TensorCore

/// Figures of attention, one row a layer.
public struct AttentionReport: Sendable, Equatable {
    /// One layer's figures.
    public struct Layer: Sendable, Equatable {
        /// Mean entropy of a token's weights, in nats.
        public let entropy: Double
        /// Mean weight that a token gives to itself.
        public let selfAttention: Double
        /// Part of the visible pairs whose weight is above the threshold.
        public let shareAboveThreshold: Double
        /// Mean cosine of a head's weights with those of the same head in the next layer; nil for the
        /// last layer.
        public let cosineToNext: Double?
    }

    /// From the first layer to the last.
    public let layers: [Layer]
    /// Texts read.
    public let textCount: Int
    /// Tokens read.
    public let tokenCount: Int

    /// Lets a decoder read texts and looks at its attention.
    ///
    /// Memory grows with heads x T x T for the longest text.
    ///
    /// - Parameters:
    ///   - decoder: The decoder; nobody else may use it meanwhile.
    ///   - texts: The texts' ids, at least one, none empty.
    ///   - threshold: What counts as a large weight.
    /// - Throws: `ModelError.invalidInput` for texts that the model can't read.
    public static func measure(
        _ decoder: Decoder, texts: [[Int32]], threshold: Float = 0.1
    ) throws(ModelError) -> AttentionReport {
        guard !texts.isEmpty else {
            throw ModelError(.invalidInput, "no texts to look at attention on; give at least one")
        }
        let maps = AttentionMaps(decoder.configuration, decoder.compute, threshold)
        decoder.attentionObserver = { layer, projections in maps.add(layer, projections) }
        defer { decoder.attentionObserver = nil }
        for text in texts {
            maps.begin(tokens: text.count)
            _ = try decoder.read([DecoderInput(decoder.makeSequence(), text, wanted: .none)])
            maps.end()
        }
        return AttentionReport(
            layers: maps.layers, textCount: texts.count,
            tokenCount: texts.reduce(0) { $0 + $1.count })
    }
}

/// The maps of attention of the text that is being read, and sums over all texts.
final class AttentionMaps {
    private struct Sums {
        var entropy = 0.0
        var toItself = 0.0
        var above = 0
        var pairs = 0
        var rows = 0
        var cosine = 0.0
        var cosines = 0
    }

    /// Sums over the two maps of a head in neighbouring layers.
    private struct Overlap {
        var product = 0.0
        var squares = 0.0
        var nextSquares = 0.0
    }

    private let configuration: DecoderConfiguration
    private let compute: Compute
    private let threshold: Float
    private let memory = Arena()
    private var sums: [Sums]
    /// Of the text: a layer's keys, `T x key heads K`.
    private var keys: [Matrix] = []
    private var overlaps: [[Overlap]] = []
    /// Tokens of the text that are done.
    private var seen = 0
    /// The pass's maps of the layer and of the one before, `H N x T`.
    private var current: Matrix?
    private var previous: Matrix?
    private var passMark: Arena.Mark?

    init(_ configuration: DecoderConfiguration, _ compute: Compute, _ threshold: Float) {
        self.configuration = configuration
        self.compute = compute
        self.threshold = threshold
        sums = Array(repeating: Sums(), count: configuration.layerCount)
    }

    var layers: [AttentionReport.Layer] {
        sums.map { sum in
            AttentionReport.Layer(
                entropy: sum.entropy / Double(sum.rows),
                selfAttention: sum.toItself / Double(sum.rows),
                shareAboveThreshold: Double(sum.above) / Double(sum.pairs),
                cosineToNext: sum.cosines > 0 ? sum.cosine / Double(sum.cosines) : nil)
        }
    }

    func begin(tokens: Int) {
        memory.reset()
        seen = 0
        let (layers, heads) = (configuration.layerCount, configuration.headCount)
        keys = (0..<layers).map { _ in memory.matrix(tokens, configuration.keyWidth) }
        overlaps = (1..<max(layers, 1)).map { _ in Array(repeating: Overlap(), count: heads) }
        passMark = memory.mark
    }

    /// Takes the turned queries and keys of a pass of one layer: `N x (H K + key heads K)`.
    func add(_ layer: Int, _ projections: Matrix) {
        let (count, width) = (projections.rows, configuration.headWidth)
        let heads = configuration.headCount
        let end = seen + count
        keys[layer].rows(seen..<end).copy(
            from: projections.columns(
                configuration.queryWidth..<configuration.queryWidth + configuration.keyWidth))
        if layer == 0 {
            if let passMark { memory.rewind(to: passMark) }
            (previous, current) = (
                memory.matrix(heads * count, end), memory.matrix(heads * count, end)
            )
        } else {
            swap(&previous, &current)
        }
        guard let current, let previous else { return }
        let group = heads / configuration.keyHeadCount
        for head in 0..<heads {
            let keyHead = head / group
            let map = current.rows(head * count..<(head + 1) * count)
            compute.gemm(
                projections.columns(head * width..<(head + 1) * width), transposed: false,
                keys[layer].rows(0..<end).columns(keyHead * width..<(keyHead + 1) * width),
                transposed: true, into: map, scale: 1 / Float(width).squareRoot())
            for row in 0..<count { normalise(map.row(row), seen + row, layer) }
            if layer > 0 {
                let before = previous.rows(head * count..<(head + 1) * count)
                compare(before, map, &overlaps[layer - 1][head])
            }
        }
        if layer == configuration.layerCount - 1 { seen = end }
    }

    func end() {
        for (layer, heads) in overlaps.enumerated() {
            for overlap in heads {
                let norm = (overlap.squares * overlap.nextSquares).squareRoot()
                sums[layer].cosine += overlap.product / norm
                sums[layer].cosines += 1
            }
        }
    }

    /// Makes weights of a token's scores, zero where it doesn't see, and counts them.
    private func normalise(_ row: Matrix, _ position: Int, _ layer: Int) {
        let first = max(0, position + 1 - (configuration.windows[layer] ?? position + 1))
        let visible = row.columns(first..<position + 1)
        compute.serial.softmax(visible, into: visible)
        row.columns(0..<first).fill(0)
        row.columns(position + 1..<row.columns).fill(0)
        let weights = visible.toArray()
        for weight in weights where weight > 0 {
            sums[layer].entropy -= Double(weight) * log(Double(weight))
        }
        sums[layer].above += weights.count { $0 > threshold }
        sums[layer].pairs += weights.count
        sums[layer].toItself += Double(weights[weights.count - 1])
        sums[layer].rows += 1
    }

    private func compare(_ before: Matrix, _ after: Matrix, _ overlap: inout Overlap) {
        for row in 0..<before.rows {
            for (left, right) in zip(before.row(row).toArray(), after.row(row).toArray()) {
                overlap.product += Double(left) * Double(right)
                overlap.squares += Double(left) * Double(left)
                overlap.nextSquares += Double(right) * Double(right)
            }
        }
    }
}
