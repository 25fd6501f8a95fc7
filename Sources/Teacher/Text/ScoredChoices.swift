// How likely a teacher finds each of some choices, read out of an answer's bytes. What a server says of its
// first token is one place of a tree whose branches may be the letters in several spellings (`B`, ` B`,
// `**B`): a letter has them all together. Whatever was drawn there doesn't matter, only what could be.

import Glibc

/// The scores of a request's choices.
public enum ScoredChoices: Sendable, Hashable {
    /// Natural log-probabilities, in the order of the choices; nil for a letter that isn't among the
    /// alternatives, which is less likely than all of them.
    case known([Double?])
    /// None, and why.
    case failed(String)

    /// The letters of choices: A, B, C.
    public static func letters(_ count: Int) -> [String] {
        precondition((1...26).contains(count), "\(count) letters")
        return (0..<UInt8(count)).map { String(UnicodeScalar(UInt8(ascii: "A") + $0)) }
    }

    /// Reads an answer to a request that scores.
    init(body: [UInt8], _ scored: TextRequest.Scored) {
        do throws(LabelFailure) {
            guard let first = try ResponseBody(body).choices.first?.tokens?.first else {
                self = .failed("the answer has no log-probabilities")
                return
            }
            let letters = Self.letters(scored.count)
            switch scored {
            case .letters:
                self.init(
                    masses: LabelWalk(labels: letters).masses(
                        of: [first], content: String(decoding: first.chosen.text, as: UTF8.self),
                        from: 0, isEnded: false))
            case .texts:
                // Each choice stands under its letter.
                self = .known(
                    letters.map { letter in
                        first.alternatives.first { $0.text == Array(letter.utf8) }?.logProbability
                    })
            }
        } catch {
            self = .failed(error.reason)
        }
    }

    private init(masses: [Double]?) {
        guard let masses else {
            self = .failed("the log-probabilities of the first token can't be read")
            return
        }
        guard masses.contains(where: { $0 > 0 }) else {
            self = .failed("no letter of a choice is among the alternatives")
            return
        }
        self = .known(masses.map { $0 > 0 ? log($0) : nil })
    }
}
