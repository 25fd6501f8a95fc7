// The report of attention: against transformers' `output_attentions` (recorded by
// deploy/bench/attention_peer.py), and against plain arithmetic on the queries and keys of each layer.

import Foundation
import TensorCore
import TestSupport
import Testing

@testable import Models

@Suite(.enabled(if: !RecordedDecoder.names.isEmpty, "no recorded decoders in ../shared/reference"))
struct AttentionReportTests {
    /// Entropy, self-attention, share above 0.1 and cosine to the next layer, layer by layer.
    static let recorded: [String: [[Double]]] = [
        "llama": [
            [1.0436970271872748, 0.26121224327067943, 0.36451612903225805, 0.5652207910173801],
            [1.039167301857793, 0.25458309297223375, 0.3588709677419355],
        ],
        "mistral": [
            [0.9942723620327548, 0.26643351555321715, 0.4123616236162362, 0.554900107346936],
            [0.9545250422411733, 0.2572664664239315, 0.3929889298892989],
        ],
        "qwen2": [
            [0.9762991208696938, 0.29158636437371216, 0.3338709677419355, 0.5402988344304612],
            [1.022093580682758, 0.2811948169718483, 0.3564516129032258],
        ],
    ]

    static func rows(_ report: AttentionReport) -> [[Double]] {
        report.layers.map {
            [$0.entropy, $0.selfAttention, $0.shareAboveThreshold]
                + ($0.cosineToNext.map { [$0] } ?? [])
        }
    }

    static func worst(_ ours: [[Double]], _ theirs: [[Double]]) -> Double {
        guard ours.map(\.count) == theirs.map(\.count) else { return .infinity }
        return zip(ours.joined(), theirs.joined()).reduce(0) { max($0, abs($1.0 - $1.1)) }
    }

    @Test(arguments: RecordedDecoder.names)
    func asRecorded(_ name: String) throws {
        let recorded = try RecordedDecoder(name)
        let decoder = try Decoder(recorded.folder, compute: Compute(threads: 2))
        let report = try AttentionReport.measure(decoder, texts: recorded.texts)
        let theirs = try #require(Self.recorded[name])
        #expect(Self.worst(Self.rows(report), theirs) < 1e-5)
        #expect(report.textCount == 4 && report.tokenCount == 46)
    }

    /// A trained model, and texts of other lengths.
    @Test(.enabled(if: SharedData.has("data/stories260k"), "needs ../shared/data/stories260k"))
    func trained() throws {
        let path = SharedData.path("data/stories260k")
        let json = try JSONSerialization.jsonObject(
            with: Data(contentsOf: URL(fileURLWithPath: "\(path)/greedy.json")))
        let object = try #require(json as? [String: Any])
        let ids = try #require(object["greedy_ids"] as? [Int]).map { Int32($0) }
        let decoder = try Decoder(DecoderFolder(path: path), compute: Compute(threads: 1))
        let report = try AttentionReport.measure(decoder, texts: [ids, Array(ids.prefix(60))])
        #expect(Self.worst(Self.rows(report), Self.trainedFigures) < 2e-5)
    }

    /// Read at once or in parts, on one thread or three: the same.
    @Test(arguments: RecordedDecoder.names)
    func inParts(_ name: String) throws {
        let recorded = try RecordedDecoder(name)
        let text = try #require(recorded.texts.first)
        let decoder = try Decoder(recorded.folder, compute: Compute(threads: 3))
        let whole = try AttentionReport.measure(decoder, texts: [text])
        let maps = AttentionMaps(decoder.configuration, decoder.compute, 0.1)
        decoder.attentionObserver = { layer, projections in maps.add(layer, projections) }
        maps.begin(tokens: text.count)
        let sequence = decoder.makeSequence()
        for part in [text[..<5], text[5..<6], text[6...]] {
            _ = try decoder.read([DecoderInput(sequence, Array(part), wanted: .none)])
        }
        maps.end()
        let parts = AttentionReport(
            layers: maps.layers, textCount: 1, tokenCount: text.count)
        #expect(Self.worst(Self.rows(parts), Self.rows(whole)) < 1e-12)
    }

    @Test(arguments: RecordedDecoder.names, [Float(0.1), 0.5])
    func plainly(_ name: String, threshold: Float) throws {
        let recorded = try RecordedDecoder(name)
        let decoder = try Decoder(recorded.folder, compute: Compute(threads: 1))
        let text = try #require(recorded.texts.last)
        var projections: [[[Float]]] = []
        decoder.attentionObserver = { _, rows in
            projections.append((0..<rows.rows).map { rows.row($0).toArray() })
        }
        _ = try decoder.read([DecoderInput(decoder.makeSequence(), text, wanted: .none)])
        let plain = projections.enumerated().map {
            PlainAttention($0.element, decoder.configuration, layer: $0.offset)
        }
        let report = try AttentionReport.measure(decoder, texts: [text], threshold: threshold)
        for (index, layer) in report.layers.enumerated() {
            let maps = plain[index].maps
            let weights = maps.joined().joined().filter { $0 > 0 }
            let tokens = Double(maps.count * text.count)
            #expect(abs(layer.entropy + weights.reduce(0) { $0 + $1 * log($1) } / tokens) < 1e-5)
            let itself = maps.reduce(0) { sum, map in
                sum + map.indices.reduce(0) { $0 + map[$1][$1] }
            }
            #expect(abs(layer.selfAttention - itself / tokens) < 1e-5)
            let share = Double(weights.count { $0 > Double(threshold) }) / Double(weights.count)
            #expect(abs(layer.shareAboveThreshold - share) < 1e-12)
            guard index + 1 < plain.count else { continue }
            let cosines = zip(maps, plain[index + 1].maps).map { PlainAttention.cosine($0, $1) }
            let mean = cosines.reduce(0, +) / Double(cosines.count)
            let cosine = try #require(layer.cosineToNext)
            #expect(abs(cosine - mean) < 1e-5)
        }
    }

    @Test func refusals() throws {
        let name = try #require(RecordedDecoder.names.first)
        let recorded = try RecordedDecoder(name)
        let decoder = try Decoder(recorded.folder, compute: Compute(threads: 1))
        #expect(throws: ModelError.self) { try AttentionReport.measure(decoder, texts: []) }
        #expect(throws: ModelError.self) { try AttentionReport.measure(decoder, texts: [[]]) }
        #expect(throws: ModelError.self) { try AttentionReport.measure(decoder, texts: [[999]]) }
        #expect(decoder.attentionObserver == nil)
    }
}

extension AttentionReportTests {
    static let trainedFigures: [[Double]] = [
        [1.794934906093, 0.200968160080, 0.022027924631, 0.488817716770],
        [1.227649268189, 0.156530855663, 0.024552663684, 0.346610576824],
        [1.873097468334, 0.116385776121, 0.024987573991, 0.357703355328],
        [1.640447060263, 0.134051215582, 0.027049161809, 0.494364221147],
        [2.485132448087, 0.072551279023, 0.023965252361],
    ]
}

/// Attention weights by the definition, in Double.
private struct PlainAttention {
    /// Head by head, row by row; zero where a token doesn't see.
    let maps: [[[Double]]]

    init(_ rows: [[Float]], _ configuration: DecoderConfiguration, layer: Int) {
        let width = configuration.headWidth
        let group = configuration.headCount / configuration.keyHeadCount
        let window = configuration.windows[layer] ?? rows.count
        maps = (0..<configuration.headCount).map { head in
            rows.indices.map { token in
                let query = rows[token][(head * width)..<((head + 1) * width)]
                let scores = rows.indices.map { other -> Double in
                    guard other <= token, token - other < window else { return -.infinity }
                    let start = configuration.queryWidth + head / group * width
                    let key = rows[other][start..<(start + width)]
                    let product = zip(query, key).reduce(0.0) { $0 + Double($1.0) * Double($1.1) }
                    return product / Double(width).squareRoot()
                }
                let largest = scores.max() ?? 0
                let powers = scores.map { exp($0 - largest) }
                let sum = powers.reduce(0, +)
                return powers.map { $0 / sum }
            }
        }
    }

    static func cosine(_ left: [[Double]], _ right: [[Double]]) -> Double {
        func product(_ a: [[Double]], _ b: [[Double]]) -> Double {
            zip(a.joined(), b.joined()).reduce(0) { $0 + $1.0 * $1.1 }
        }
        return product(left, right) / (product(left, left) * product(right, right)).squareRoot()
    }
}
