// The walk against all paths: small language models made of hashes, whose label probabilities are
// found by following every path. A walk sees one path and its branches, so it may find less than
// there is, never more, and all of it where no branch is left undecided.

import Corpus
import Foundation
import Testing

@testable import Teacher

@Suite struct TaskWalkPropertyTests {
    private static let labels = ["unbiased", "unclear", "bias", "bias free"]
    private static let vocabulary = [
        "un", "bi", "b", "ias", "bias", "iased", "cl", "clear", "ear", " free", "ased", "x", ".",
        " ", "</s>", "unb", "Un",
    ]

    /// The distribution behind a prefix, by a hash of it.
    private func distribution(_ prefix: [Int], seed: UInt64) -> [Double] {
        var state = prefix.reduce(seed &* 0x9E37_79B9_7F4A_7C15) {
            ($0 ^ UInt64($1 + 1)) &* 0xBF58_476D_1CE4_E5B9 ^ ($0 >> 29)
        }
        let weights = Self.vocabulary.map { _ -> Double in
            state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
            let unit = Double(state >> 11) / Double(1 << 53)
            return unit * unit * unit
        }
        let sum = weights.reduce(0, +)
        return weights.map { $0 / sum }
    }

    /// What words can become: a label, several yet (nil), or none (-1).
    private func meaning(_ words: String, isEnded: Bool) -> Int? {
        let text = words.lowercased()
        let start = String(text.drop { $0 == " " })
        if isEnded {
            let bare = start.reversed().drop { $0 == " " || $0 == "." }.reversed()
            return Self.labels.firstIndex(of: String(bare)) ?? -1
        }
        if start.isEmpty { return nil }
        let longer = Self.labels.indices.filter {
            Self.labels[$0].hasPrefix(start) && Self.labels[$0] != start
        }
        let complete = Self.labels.indices.filter { index in
            guard start.hasPrefix(Self.labels[index]) else { return false }
            let rest = start.dropFirst(Self.labels[index].count)
            return rest.first.map { !$0.isLetter } ?? true
        }.max { Self.labels[$0].count < Self.labels[$1].count }
        switch (complete, longer.count) {
        case (let label?, 0): return label
        case (nil, 1): return longer[0]
        case (nil, 0): return -1
        default: return nil
        }
    }

    /// Probabilities by all paths of up to `depth` tokens.
    private func truth(_ prefix: [Int], _ words: String, _ depth: Int, seed: UInt64) -> [Double] {
        var masses = [Double](repeating: 0, count: Self.labels.count)
        for (token, probability) in distribution(prefix, seed: seed).enumerated() {
            let text = Self.vocabulary[token]
            let isEnded = text == "</s>"
            let next = isEnded ? words : words + text
            if let label = meaning(next, isEnded: isEnded) {
                if label >= 0 { masses[label] += probability }
            } else if depth > 1 {
                let below = truth(prefix + [token], next, depth - 1, seed: seed)
                for (index, value) in below.enumerated() { masses[index] += probability * value }
            }
        }
        return masses
    }

    /// The likeliest path, as a server would send it.
    private func greedy(seed: UInt64) -> (tokens: [ResponseBody.Token], content: String) {
        var prefix: [Int] = []
        var tokens: [ResponseBody.Token] = []
        var content = ""
        while prefix.count < 8 {
            let shares = distribution(prefix, seed: seed)
            let drawn = shares.indices.max { shares[$0] < shares[$1] } ?? 0
            let alternatives = shares.indices.map {
                ResponseBody.Alternative(
                    text: Array(Self.vocabulary[$0].utf8), logProbability: log(shares[$0]))
            }
            tokens.append(.init(chosen: alternatives[drawn], alternatives: alternatives))
            if Self.vocabulary[drawn] == "</s>" { break }
            content += Self.vocabulary[drawn]
            prefix.append(drawn)
        }
        return (tokens, content)
    }

    @Test func neverMoreThanThereIs() {
        let walk = LabelWalk(labels: Self.labels)
        var compared = 0
        var whole = 0
        for seed in 1...400 as ClosedRange<UInt64> {
            let (tokens, content) = greedy(seed: seed)
            guard
                let found = walk.masses(of: tokens, content: content, from: 0, isEnded: false)
            else { continue }
            let all = truth([], "", 5, seed: seed)
            // What lies deeper than the paths followed is little, and the walk may see it.
            for (label, value) in found.enumerated() {
                #expect(value <= all[label] + 0.01, "seed \(seed), \(content), \(found), \(all)")
            }
            // At the first token all that decides at once is seen.
            var decided = [Double](repeating: 0, count: Self.labels.count)
            for (token, probability) in distribution([], seed: seed).enumerated() {
                let text = Self.vocabulary[token]
                guard text != "</s>", let label = meaning(text, isEnded: false), label >= 0 else {
                    continue
                }
                decided[label] += probability
            }
            for (label, value) in found.enumerated() {
                #expect(value >= decided[label] - 1e-12)
            }
            compared += 1
            if found.reduce(0, +) > decided.reduce(0, +) + 1e-9 { whole += 1 }
        }
        #expect(compared > 300)
        // Paths of several tokens were among them.
        #expect(whole > 30)
    }
}
