// From the tokens' log-probabilities to the probabilities of the labels.
//
// The answer that was drawn is one path through the tree of tokens; at each token of it we know the
// likeliest branches. Of a branch that leaves one label alone possible, the probability of getting
// there is that label's; a branch that leaves several goes to none, unless it is the one drawn, on
// which the walk goes on. So labels of several tokens and labels that begin alike are told apart as
// far as the server tells, and what can't be told is missing from the sum: the label mass.
//
//     mass(label) = sum over branches b that mean it of  p(path up to b) p(b | path)
//
// Paths begin where the words of the label do: probabilities are given what stands before.

import Glibc

/// Sums up label probabilities along an answer's tokens.
struct LabelWalk: Sendable {
    typealias Token = ResponseBody.Token

    /// The labels in lower case, UTF-8.
    private let labels: [[UInt8]]
    /// Bytes that may stand before a label and mean nothing.
    private let noise: Set<UInt8>

    /// More than this at one place, and the numbers are no probabilities.
    private static let greatestSum = 1.02
    /// Below this a number stands for "hardly"; what was drawn can't be that.
    private static let leastDrawn = -1000.0
    /// A place of one branch alone is trusted where that is sure.
    private static let sure = 0.999

    init(labels: [String]) {
        self.labels = labels.map { Array(LabelText.folded($0).utf8) }
        noise = Set(" \t\r\n\"'`*_:([{#>-".utf8).subtracting(self.labels.compactMap(\.first))
    }

    /// The probability of each label, not yet scaled to the sum 1; nil where the numbers are missing
    /// or can't be.
    ///
    /// - Parameters:
    ///   - tokens: The tokens of the answer.
    ///   - content: Its words; where they aren't the tokens' words, nothing can be said.
    ///   - start: The byte of the content from which the label is looked for.
    ///   - isEnded: Whether the answer came to its end and wasn't cut.
    func masses(
        of tokens: [Token], content: String, from start: Int, isEnded: Bool
    ) -> [Double]? {
        let tokens = Self.spelledOut(tokens, like: content)
        guard let offset = Self.place(of: content, in: tokens) else { return nil }
        var first = 0
        var behind = tokens.first?.chosen.text.count ?? 0
        while first < tokens.count, behind <= offset + start {
            first += 1
            behind += first < tokens.count ? tokens[first].chosen.text.count : 0
        }
        guard first < tokens.count else { return nil }
        let cut = offset + start - (behind - tokens[first].chosen.text.count)
        return walk(tokens[first...], head: tokens[first].chosen.text.prefix(max(0, cut)), isEnded)
    }

    private func walk(
        _ tokens: ArraySlice<Token>, head: ArraySlice<UInt8>, _ isEnded: Bool
    ) -> [Double]? {
        var masses = [Double](repeating: 0, count: labels.count)
        var path = 0.0
        var prefix: [UInt8] = []
        var head = head
        for token in tokens {
            guard let branches = Self.branches(of: token) else { return nil }
            for (index, branch) in branches.enumerated() {
                let isDrawn = index == 0
                let words = word(prefix, head, branch.text)
                let meaning =
                    Self.isEnd(branch.text) ? ended(prefix) : meaning(of: words)
                switch meaning {
                case .one(let label): masses[label] += exp(path + branch.logProbability)
                case .several where isDrawn: break
                case .several, .none: continue
                }
            }
            // Decided by the branch that was drawn, after all branches are counted.
            let drawn = branches[0]
            guard !Self.isEnd(drawn.text) else { return masses }
            prefix = word(prefix, head, drawn.text)
            head = []
            guard case .several = meaning(of: prefix) else { return masses }
            path += drawn.logProbability
        }
        if isEnded, case .one(let label) = ended(prefix) { masses[label] += exp(path) }
        return masses
    }

    private enum Meaning {
        case none
        case one(Int)
        /// Several labels are possible yet; so with no word at all.
        case several
    }

    /// What the words up to here can become.
    private func meaning(of words: [UInt8]) -> Meaning {
        guard !words.isEmpty else { return .several }
        let folded = Self.folded(words)
        var possible: Int?
        var count = 0
        var complete: Int?
        for (index, label) in labels.enumerated() {
            if folded.count < label.count {
                guard label.starts(with: folded) else { continue }
                possible = index
                count += 1
            } else if folded.starts(with: label), Self.isBoundary(folded, at: label.count),
                label.count > complete.map({ labels[$0].count }) ?? 0
            {
                complete = index
            }
        }
        switch (complete, count) {
        case (let complete?, 0): return .one(complete)
        case (nil, 1): return possible.map(Meaning.one) ?? .none
        case (nil, 0): return .none
        default: return .several
        }
    }

    /// What the words mean when nothing follows.
    private func ended(_ words: [UInt8]) -> Meaning {
        var words = Self.folded(words)
        if let index = labels.firstIndex(of: words) { return .one(index) }
        while let last = words.last, noise.contains(last) || last == UInt8(ascii: ".") {
            words.removeLast()
        }
        return labels.firstIndex(of: words).map(Meaning.one) ?? .none
    }

    /// The words with one more token, without what means nothing before them.
    private func word(
        _ prefix: [UInt8], _ head: ArraySlice<UInt8>, _ text: [UInt8]
    ) -> [UInt8] {
        guard prefix.isEmpty else { return prefix + text }
        let rest = text.starts(with: head) ? text.dropFirst(head.count) : text[...]
        return Array(rest.drop { noise.contains($0) })
    }
}

extension LabelWalk {
    private typealias Branch = (text: [UInt8], logProbability: Double)

    /// The branches at a token, the drawn one first, each text once; nil where they can't be.
    ///
    /// Servers that key by text merge tokens of the same text, or send one twice: the larger counts,
    /// never both.
    private static func branches(of token: Token) -> [Branch]? {
        guard let drawn = token.chosen.logProbability, drawn > leastDrawn else { return nil }
        var branches: [Branch] = [(token.chosen.text, drawn)]
        branches.reserveCapacity(token.alternatives.count + 1)
        for other in token.alternatives {
            guard let value = other.logProbability else { continue }
            if let same = branches.firstIndex(where: { $0.text == other.text }) {
                branches[same].logProbability = max(branches[same].logProbability, value)
            } else {
                branches.append((other.text, value))
            }
        }
        let sum = branches.reduce(0) { $0 + exp($1.logProbability) }
        guard sum <= greatestSum, branches.count > 1 || sum >= sure else { return nil }
        return branches
    }

    /// Whether a token is the model's sign for the end: empty, or in angle brackets.
    private static func isEnd(_ text: [UInt8]) -> Bool {
        text.isEmpty
            || text.count > 2 && text.first == UInt8(ascii: "<")
                && text.last == UInt8(ascii: ">")
    }

    /// Lower case; part of a character at the end is left out until it is whole.
    private static func folded(_ bytes: [UInt8]) -> [UInt8] {
        guard bytes.contains(where: { $0 >= 0x80 }) else {
            return bytes.map { 0x41...0x5A ~= $0 ? $0 | 0x20 : $0 }
        }
        var text = String(decoding: bytes, as: UTF8.self)
        while text.unicodeScalars.last == "\u{FFFD}" { text.unicodeScalars.removeLast() }
        return Array(text.lowercased().utf8)
    }

    /// Whether a word ends at a byte: what follows is neither letter nor digit nor hyphen.
    private static func isBoundary(_ bytes: [UInt8], at index: Int) -> Bool {
        guard index < bytes.count else { return true }
        switch bytes[index] {
        case 0xE2: return true  // dashes and curly quotes
        case 0x30...0x39, 0x61...0x7A, 0x80..., UInt8(ascii: "-"), UInt8(ascii: "_"): return false
        default: return true
        }
    }

    /// The byte of the tokens' words at which the content begins; nil where it isn't there.
    private static func place(of content: String, in tokens: [Token]) -> Int? {
        func isSpace(_ byte: UInt8) -> Bool { byte == 0x20 || 0x09...0x0D ~= byte }
        let words = tokens.flatMap(\.chosen.text)
        let all = Array(content.utf8)
        let leading = all.prefix(while: isSpace).count
        let wanted = all[leading...].reversed().drop(while: isSpace).reversed()
        guard !wanted.isEmpty, words.count >= wanted.count else { return nil }
        let lead = words.prefix(while: isSpace).count
        if words[lead...].starts(with: wanted) { return lead - leading }
        // Behind a model's thinking, which isn't part of the content.
        for start in stride(from: words.count - wanted.count, through: 0, by: -1)
        where words[start...].starts(with: wanted) { return start - leading }
        return nil
    }

    /// Tokens with the signs that some servers leave in for spaces and line ends spelled out, where
    /// the content doesn't have them.
    private static func spelledOut(_ tokens: [Token], like content: String) -> [Token] {
        let isPlain = tokens.allSatisfy { token in token.chosen.text.allSatisfy { $0 < 0x80 } }
        let signs: [Unicode.Scalar: Unicode.Scalar] = [
            "\u{2581}": " ", "\u{120}": " ", "\u{10A}": "\n",
        ]
        guard !isPlain, !content.unicodeScalars.contains(where: { signs[$0] != nil }) else {
            return tokens
        }
        func spelled(_ bytes: [UInt8]) -> [UInt8] {
            // Part of a character stays as it is.
            guard let text = String(validating: bytes, as: UTF8.self) else { return bytes }
            var view = String.UnicodeScalarView()
            view.append(contentsOf: text.unicodeScalars.map { signs[$0] ?? $0 })
            return Array(String(view).utf8)
        }
        return tokens.map { token in
            var token = token
            token.chosen.text = spelled(token.chosen.text)
            for index in token.alternatives.indices {
                token.alternatives[index].text = spelled(token.alternatives[index].text)
            }
            return token
        }
    }
}
