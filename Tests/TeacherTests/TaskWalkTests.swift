// Label probabilities from tokens: against sums worked out by hand, over trees of tokens.

import Foundation
import Testing

@testable import Teacher

@Suite struct TaskWalkTests {
    /// Tokens of places; of each place the first alternative is the one drawn.
    private func tokens(_ places: [[(String, Double)]]) -> [ResponseBody.Token] {
        places.map { place in
            let alternatives = place.map {
                ResponseBody.Alternative(text: Array($0.0.utf8), logProbability: log($0.1))
            }
            return ResponseBody.Token(chosen: alternatives[0], alternatives: alternatives)
        }
    }

    private func masses(
        _ labels: [String], _ places: [[(String, Double)]], from start: Int = 0,
        content: String? = nil, isEnded: Bool = true
    ) -> [Double]? {
        let words = places.map { $0.isEmpty ? "" : $0[0].0 }.joined()
        return LabelWalk(labels: labels).masses(
            of: tokens(places), content: content ?? words, from: start, isEnded: isEnded)
    }

    private func expect(
        _ found: [Double]?, _ wanted: [Double], sourceLocation: SourceLocation = #_sourceLocation
    ) {
        guard let found else {
            Issue.record("no masses", sourceLocation: sourceLocation)
            return
        }
        #expect(found.count == wanted.count, sourceLocation: sourceLocation)
        for (left, right) in zip(found, wanted) {
            #expect(abs(left - right) < 1e-12, "\(found)", sourceLocation: sourceLocation)
        }
    }

    @Test func oneTokenALabel() {
        expect(
            masses(["yes", "no"], [[("yes", 0.5), (" No", 0.2), ("Yes", 0.1), ("maybe", 0.2)]]),
            [0.6, 0.2])
        // What comes behind is of no interest; the end sign neither.
        expect(
            masses(
                ["yes", "no"], [[(" \"yes", 0.7), ("no", 0.1)], [("\"", 0.9), (".", 0.1)]]),
            [0.7, 0.1])
    }

    @Test func labelsThatBeginAlike() {
        // "un" leaves two; the walk goes on where it was drawn, and " b" is the third's alone.
        expect(
            masses(
                ["unbiased", "unclear", "biased"],
                [
                    [("un", 0.6), (" b", 0.3), ("U", 0.05), ("x", 0.05)],
                    [("cl", 0.7), ("bi", 0.2), ("b", 0.05)], [("ear", 1)],
                ]),
            [0.6 * 0.25, 0.6 * 0.7, 0.3])
        // A branch that leaves two and wasn't drawn is nobody's.
        expect(
            masses(
                ["unbiased", "unclear", "biased"],
                [[("bi", 0.6), ("un", 0.35), ("uncl", 0.05)], [("ased", 1)]]),
            [0, 0.05, 0.6])
    }

    @Test func aLabelThatBeginsAnother() {
        let labels = ["bias", "bias free"]
        let first = [("bias", 0.8), ("Bias free", 0.1), ("none", 0.1)]
        expect(
            masses(labels, [first, [("<|im_end|>", 0.75), (" free", 0.25)]], content: "bias"),
            [0.8 * 0.75, 0.1 + 0.8 * 0.25])
        expect(
            masses(labels, [first, [(" free", 0.25), (".", 0.5), ("</s>", 0.25)]]),
            [0.8 * 0.75, 0.1 + 0.8 * 0.25])
        // Without a token of the end, the end that the server names decides; cut, nobody knows.
        expect(masses(labels, [first]), [0.8, 0.1])
        expect(masses(labels, [first], isEnded: false), [0, 0.1])
    }

    @Test func marksBefore() {
        // Each way through the marks counts: "biased" at once, or behind "**".
        expect(
            masses(
                ["biased", "unbiased"],
                [
                    [("**", 0.5), ("biased", 0.25), ("un", 0.25)],
                    [("un", 0.75), ("bi", 0.25)], [("biased", 1)], [("**", 1)],
                ]),
            [0.25 + 0.5 * 0.25, 0.25 + 0.5 * 0.75])
        expect(
            masses(
                ["biased", "unbiased"],
                [[("Label", 1)], [(":", 1)], [(" bi", 0.6), (" un", 0.4)], [("ased", 1)]], from: 6),
            [0.6, 0.4])
    }

    @Test func jsonBeginsBehindItsKey() {
        let content = #"{"label": "unbiased"}"#
        expect(
            masses(
                ["biased", "unbiased"],
                [
                    [("{\"", 1)], [("label", 1)], [("\":", 0.9), ("\"", 0.1)],
                    [(" \"", 0.8), ("\"bi", 0.1), (" biased", 0.1)],
                    [("un", 0.5), ("bi", 0.5)], [("biased", 1)], [("\"}", 1)],
                ], from: 9, content: content),
            [0.2 + 0.4, 0.4])
        // The token that holds the colon holds the label's beginning too.
        expect(
            masses(
                ["biased", "unbiased"],
                [
                    [("{\"label", 1)], [("\": \"un", 0.7), ("\": \"bi", 0.2), ("\":", 0.1)],
                    [("biased", 1)], [("\"}", 1)],
                ], from: 9, content: content),
            [0.2, 0.7])
    }

    @Test func lyingNumbersAreUnknown() {
        let labels = ["yes", "no"]
        // More than 1 together.
        #expect(masses(labels, [[("yes", 0.9), ("no", 0.9)]]) == nil)
        // One branch alone says nothing of the others, unless it is sure.
        #expect(masses(labels, [[("yes", 0.6)]]) == nil)
        expect(masses(labels, [[("yes", 1)]]), [1, 0])
        // The drawn token can't have been as good as impossible.
        var list = tokens([[("yes", 0.5), ("no", 0.5)]])
        for value in [nil, -.infinity, -9999] as [Double?] {
            list[0].chosen.logProbability = value
            #expect(
                LabelWalk(labels: labels).masses(
                    of: list, content: "yes", from: 0, isEnded: true) == nil)
        }
        // Other words than the tokens', and no tokens.
        #expect(masses(labels, [[("yes", 0.5), ("no", 0.5)]], content: "no") == nil)
        #expect(masses(labels, [], content: "yes") == nil)
    }

    @Test func oneTextTwiceCountsOnce() {
        var list = tokens([[("yes", 0.6), ("yes", 0.6), ("no", 0.3), ("no", 0.05)]])
        let walk = LabelWalk(labels: ["yes", "no"])
        expect(walk.masses(of: list, content: "yes", from: 0, isEnded: true), [0.6, 0.3])
        // Drawn, but not among the likeliest.
        list[0].chosen = .init(text: Array("Yes".utf8), logProbability: log(0.05))
        expect(walk.masses(of: list, content: "Yes", from: 0, isEnded: true), [0.65, 0.3])
        // An impossible or unknown alternative adds nothing.
        list[0].alternatives[2].logProbability = -9999
        list[0].alternatives[3].logProbability = nil
        expect(walk.masses(of: list, content: "Yes", from: 0, isEnded: true), [0.65, 0])
    }

    @Test func otherSpellingsOfTokens() {
        expect(
            masses(
                ["biased", "unbiased"],
                [[("▁un", 0.6), ("▁bi", 0.4)], [("biased", 1)]], content: "unbiased"), [0.4, 0.6])
        expect(
            masses(
                ["biased", "unbiased"], [[("Ġbiased", 0.6), ("Ġun", 0.4)]], content: " biased"),
            [0.6, 0.4])
        // A character cut in two by the tokens.
        let parts = Array("日".utf8)
        var list = tokens([[("", 0.6), ("月", 0.4)], [("", 1)], [("本", 1)]])
        list[0].chosen.text = Array(parts[..<2])
        list[0].alternatives[0].text = Array(parts[..<2])
        list[1].chosen.text = Array(parts[2...])
        list[1].alternatives[0].text = Array(parts[2...])
        expect(
            LabelWalk(labels: ["日本", "月"]).masses(
                of: list, content: "日本", from: 0, isEnded: true), [0.6, 0.4])
        // Thinking stands in the tokens and not in the content.
        expect(
            masses(
                ["yes", "no"],
                [[("no", 1)], [("?", 1)], [("</think>", 1)], [("yes", 0.8), ("no", 0.2)]],
                content: "yes"), [0.8, 0.2])
    }
}
