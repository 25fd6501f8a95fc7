// What is answered: a label, how sure, and the bytes that say so. Label and sureness are functions of
// the text's hash; sureness has 64 steps, so that the bytes of a choice are made once and kept.

import NIOCore

/// Answers and their prepared bytes; each event loop has its own.
final class Answers: @unchecked Sendable {
    private let labels: [String]
    /// The tokens of each label.
    private let pieces: [[String]]
    private var prepared: [ChoiceKey: Choice] = [:]

    /// One choice of an answer as bytes.
    struct Choice {
        let bytes: ByteBuffer
        let completionTokens: Int
    }

    /// All that decides a choice's bytes.
    struct ChoiceKey: Hashable {
        let isChat: Bool
        let label: Int
        let sureness: Int
        /// How many alternatives; nil for no log-probabilities.
        let alternatives: Int?
        let isJSON: Bool
        let maximumTokens: Int
        let index: Int
        let flaw: Flaw
    }

    /// How an answer may be wrong.
    enum Flaw: Hashable {
        case none, duplicate, empty, cut, noLabel
    }

    init(labels: [String], tokenLength: Int) {
        self.labels = labels
        pieces = labels.map { label in
            guard tokenLength > 0 else { return [label] }
            let letters = Array(label)
            return stride(from: 0, to: letters.count, by: tokenLength).map {
                String(letters[$0..<min($0 + tokenLength, letters.count)])
            }
        }
    }

    /// The likeliest label of a text, and the step of its probability.
    func verdict(_ text: UnsafeRawBufferPointer) -> (label: Int, sureness: Int, hash: UInt64) {
        let hash = Hash.bytes(text)
        let sureness = Int(Hash.mix(hash, 1) % 64)
        var label = Int(Hash.mix(hash, 2) % UInt64(labels.count))
        if let gold = gold(text) {
            let misses = labels.count > 1 && Hash.mix(hash, 3) % 10 == 0
            label = misses ? (gold + 1 + label % (labels.count - 1)) % labels.count : gold
        }
        return (label, sureness, hash)
    }

    /// The label named in the text by `gold:LABEL`; the longest that fits.
    private func gold(_ text: UnsafeRawBufferPointer) -> Int? {
        let scanner = BodyScanner(bytes: text)
        guard let start = scanner.index(of: "gold:", in: 0..<text.count) else { return nil }
        let rest = text[(start + 5)...]
        return labels.indices.filter { rest.starts(with: labels[$0].utf8) }
            .max { labels[$0].utf8.count < labels[$1].utf8.count }
    }

    /// The probability of each label: the likeliest from 0.475 to 0.94, 0.95 all together (a single
    /// label has it all); the rest of 1 goes to words that are no labels.
    func probabilities(label: Int, sureness: Int) -> [Double] {
        guard labels.count > 1 else { return [0.95] }
        let best = 0.5 + 0.49 * Double(sureness) / 63
        var weight = 1.0
        var values = [Double](repeating: 0, count: labels.count)
        for step in 1..<labels.count {
            weight /= 2
            values[(label + step) % labels.count] = weight
        }
        let sum = values.reduce(0, +)
        for index in values.indices { values[index] *= 0.95 * (1 - best) / sum }
        values[label] = 0.95 * best
        return values
    }

    /// The label of one of several choices: the first is the likeliest, the others are drawn.
    func label(ofChoice index: Int, label: Int, sureness: Int, hash: UInt64) -> Int {
        guard index > 0 else { return label }
        var left = 0.95 * Hash.unit(Hash.mix(hash, UInt64(100 + index)))
        for (candidate, probability) in probabilities(label: label, sureness: sureness).enumerated()
        {
            left -= probability
            if left < 0 { return candidate }
        }
        return label
    }

    /// The bytes of a choice; `likeliest` is the text's label, `key.label` the one that is said.
    func choice(_ key: ChoiceKey, likeliest: Int) -> Choice {
        // Which label is likeliest decides the log-probabilities of the others too.
        let full = ChoiceKey(
            isChat: key.isChat, label: key.label + likeliest * labels.count, sureness: key.sureness,
            alternatives: key.alternatives, isJSON: key.isJSON, maximumTokens: key.maximumTokens,
            index: key.index, flaw: key.flaw)
        if let known = prepared[full] { return known }
        let made = ChoiceWriter(
            key: key, tokens: tokens(key, likeliest: likeliest)
        ).choice()
        if prepared.count < 100_000 { prepared[full] = made }
        return made
    }

    /// A token of an answer with all that might have stood there, likeliest first.
    struct Token {
        let text: String
        let probability: Double
        let alternatives: [(text: String, probability: Double)]

        init(_ text: String, among others: [(text: String, probability: Double)] = []) {
            self.text = text
            let all = others.isEmpty ? [(text, 0.999)] : others
            alternatives = all.sorted { $0.1 > $1.1 }
            probability = all.first { $0.0 == text }?.1 ?? 1e-6
        }
    }

    private func tokens(_ key: ChoiceKey, likeliest: Int) -> [Token] {
        if key.flaw == .empty { return [] }
        if key.flaw == .noLabel { return ["I", " can't", " say", "."].map { Token($0) } }
        let chosen = pieces[key.label]
        let probabilities = probabilities(label: likeliest, sureness: key.sureness)
        var tokens: [Token] = []
        for position in chosen.indices {
            // Labels that begin as this one does, and what follows in each: the chain rule.
            let same = labels.indices.filter {
                pieces[$0].count > position && pieces[$0][..<position] == chosen[..<position]
            }
            let mass = position == 0 ? 1 : same.reduce(0) { $0 + probabilities[$1] } / 0.999
            var others: [(text: String, probability: Double)] = []
            for label in same {
                let share = probabilities[label] / mass
                if let known = others.firstIndex(where: { $0.text == pieces[label][position] }) {
                    others[known].probability += share
                } else {
                    others.append((pieces[label][position], share))
                }
            }
            if position == 0 {
                others += [
                    (" " + pieces[likeliest][0], 0.02), ("The", 0.012), ("I", 0.008),
                    ("\n", 0.006), ("**", 0.004),
                ]
            }
            tokens.append(Token(chosen[position], among: others))
        }
        guard key.isJSON else { return tokens }
        let sure = Int((probabilities[key.label] * 100).rounded())
        return ["{\"", "label", "\":", " \""].map { Token($0) } + tokens
            + ["\",", " \"", "confidence", "\":", " 0.\(sure < 10 ? "0" : "")\(sure)", "}"].map {
                Token($0)
            }
    }
}
