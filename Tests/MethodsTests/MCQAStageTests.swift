// The stages that a teacher is asked in: items in waves, with a teacher that is a function; scores in all orders
// of the choices; and the figures of answers against plain sums.

import Foundation
import Teacher
import TestSupport
import Testing

@testable import Methods

@Suite struct ItemGenerationTests {
    private static func examples(_ subject: String) -> [ChoiceItem] {
        (0..<5).map {
            ChoiceItem(
                id: "\(subject)/dev\($0)", subject: subject,
                question: "Example \($0) of \(subject)?",
                choices: ["yes \($0)", "no \($0)", "so \($0)"],
                answer: $0 % 3)
        }
    }

    private func generation(
        perSubject: Int = 3, attempts: Int = 3, test: [ChoiceItem] = [],
        _ ask: @escaping ([TextRequest]) throws -> [TextAnswer]
    ) -> ItemGeneration {
        var options = Recipe.MCQAOptions()
        options.perSubject = perSubject
        options.attempts = attempts
        options.choices = 3
        let subjects = ["history", "law"].map { (name: $0, examples: Self.examples($0)) }
        return ItemGeneration(
            options: options, seed: 5, subjects: subjects,
            examples: OverlapGate(subjects.flatMap(\.examples), similarity: 0.9),
            test: OverlapGate(test, similarity: 0.9), ask: ask,
            cost: { requests in
                var totals = LedgerTotals()
                totals.promptTokens = Int64(10 * requests.count)
                totals.priceMicro = Int64(requests.count)
                return totals
            })
    }

    private static func json(_ words: String, answer: String = "B") -> TextAnswer {
        .text(
            "{\"question\": \"New \(words)?\", \"choices\": [\"a \(words)\", \"b \(words)\", \"c\"], "
                + "\"answer\": \"\(answer)\"}", finishReason: "stop")
    }

    @Test func oneCallAnItemAndMissingOnesAgain() throws {
        var waves: [[TextRequest]] = []
        let generation = generation { requests in
            waves.append(requests)
            return requests.map { request in
                // The second of each subject can't be read the first time.
                if request.attempt == 1 { return .cut("{") }
                if request.attempt == 2 { return .failed("no") }
                return Self.json("\(request.id) \(request.attempt)")
            }
        }
        let (items, tally) = try generation.items(.direct)
        #expect(waves.map(\.count) == [6, 4])
        #expect(
            waves[0].map(\.id)
                == ["history", "law"].flatMap { ["direct/\($0)", "direct/\($0)", "direct/\($0)"] })
        #expect(waves[1].map(\.attempt) == [3, 4, 3, 4])
        #expect(
            items.map(\.id) == [0, 3, 4].map { "history/direct-\($0)" }
                + [0, 3, 4].map { "law/direct-\($0)" })
        #expect(items.allSatisfy { $0.rightChoice.hasPrefix("b ") && $0.choices.count == 3 })
        #expect(Set(items.map(\.answer)).count > 1)
        #expect(tally.begun == 10 && tally.calls == 10 && tally.accepted == 6 && tally.wanted == 6)
        #expect(tally.parseFailures == 4 && tally.count(of: .cut) == 2)
        #expect(tally.promptTokens == 100 && tally.perAccepted(Double(tally.calls)) == 10.0 / 6)
        // Each request shows all examples, in an order of its own.
        let shown = waves[0].map { $0.messages[1].content }
        #expect(Set(shown[..<3]).count == 3)
        #expect(
            shown[0].contains("Example 4 of history?") && shown[3].contains("\"answer\": \"C\""))
    }

    @Test func attemptsEnd() throws {
        var asked = 0
        let (items, tally) = try generation(perSubject: 2, attempts: 4) { requests in
            asked += requests.count
            return requests.map { _ in .text("no item", finishReason: "stop") }
        }.items(.direct)
        #expect(items.isEmpty && asked == 16 && tally.begun == 16 && tally.count(of: .form) == 16)
        #expect(tally.perAccepted(1) == nil)
    }

    @Test func threeCallsAnItemAndNoneAfterAFault() throws {
        var calls: [String: Int] = [:]
        let (items, tally) = try generation { requests in
            requests.map { request in
                let call = request.id.split(separator: "/")[0]
                calls[String(call), default: 0] += 1
                let words = request.messages[1].content
                switch call {
                case "question":
                    return request.attempt == 0
                        ? .text("", finishReason: "stop")
                        : .text("Is \(request.id) \(request.attempt) so?", finishReason: nil)
                case "answer":
                    #expect(words.hasSuffix("so?\nAnswer:"))
                    return request.attempt == 1 ? .cut("it") : .text("right", finishReason: nil)
                default:
                    #expect(words.hasSuffix("so?\nRight answer: right\nWrong answers:"))
                    let wrong = request.attempt == 2 ? "1. left\n2. Left" : "1. left\n2. up"
                    return .text(wrong, finishReason: nil)
                }
            }
        }.items(.decomposed)
        // Three of each subject are begun, and of what failed again: numbers 3, 4 and 5.
        #expect(calls == ["question": 12, "answer": 10, "distractors": 8])
        #expect(tally.calls == 30 && tally.begun == 12)
        #expect(tally.count(of: .noReply) == 2 && tally.count(of: .cut) == 2)
        #expect(tally.count(of: .choices) == 2 && tally.accepted == 6)
        #expect(items.allSatisfy { $0.rightChoice == "right" && $0.choices.count == 3 })
    }

    @Test func theGates() throws {
        let test = ChoiceItem(
            id: "t", subject: "law", question: "New test item?", choices: ["x", "right"], answer: 1)
        let replies: [TextAnswer] = [
            .text(
                "{\"question\": \"new TEST item\", \"choices\": [\"right\", \"other\"], \"answer\": \"A\"}",
                finishReason: nil),
            .text(
                "{\"question\": \"Example 1 of law?\", \"choices\": [\"v\", \"no 1\"], \"answer\": \"B\"}",
                finishReason: nil),
            Self.json("same"), Self.json("same"), Self.json("other", answer: "E"),
            Self.json("last"),
        ]
        let (items, tally) = try generation(attempts: 1, test: [test]) { _ in replies }
            .items(.direct)
        #expect(items.count == 2)
        #expect(tally.count(of: .testOverlap) == 1 && tally.count(of: .exampleOverlap) == 1)
        #expect(tally.count(of: .duplicate) == 1 && tally.count(of: .answer) == 1)
        #expect(tally.parseFailures == 0)
    }
}

@Suite struct ChoiceScoringTests {
    private let items = (0..<3).map {
        ChoiceItem(
            id: "i\($0)", subject: "s", question: "Question \($0)?", choices: ["w", "x", "y", "z"],
            answer: $0)
    }

    private func scoring(
        _ change: (inout Recipe.MCQAOptions) -> Void = { _ in },
        _ scores: @escaping ([TextRequest]) throws -> [ScoredChoices]
    ) -> ChoiceScoring {
        var options = Recipe.MCQAOptions()
        change(&options)
        return ChoiceScoring(
            options: options, source: .asked(scores: scores, cost: { _ in LedgerTotals() }))
    }

    @Test func lettersAreScaledAndKeptAsTheyCame() throws {
        let (scored, tally) = try scoring { requests in
            requests.map { request in
                #expect(request.scored == .letters(4) && request.maximumTokens == 1)
                #expect(request.messages[1].content.contains("A. w\nB. x\nC. y\nD. z\nAnswer:"))
                return request.id == "score/i1"
                    ? .failed("no") : .known([log(0.4), nil, log(0.1), log(0.3)])
            }
        }.scored(items)
        #expect(scored.map(\.id) == ["i0", "i2"] && tally.unscored == 1 && tally.calls == 3)
        for (found, wanted) in zip(scored[0].probabilities, [0.5, 0, 0.125, 0.375]) {
            #expect(abs(found - wanted) < 1e-15)
        }
        #expect(scored[0].logProbabilities == [[log(0.4), nil, log(0.1), log(0.3)]])
        // The teacher's choice is the first; that of `i2` is another.
        #expect(tally.disputed == 1 && scored[1].isDisputed && !scored[0].isDisputed)
    }

    @Test func allOrdersTakeALikingForALetterOut() throws {
        // The letter A has three times the weight of what stands there; the choice `y` five times.
        let (scored, tally) = try scoring({ $0.cyclesChoices = true }) { requests in
            requests.map { request in
                let lines = request.messages[1].content.split(separator: "\n").dropFirst()
                let weights = lines.prefix(4).map { line in
                    (line.hasPrefix("A. ") ? 3.0 : 1) * (line.hasSuffix(". y") ? 5 : 1)
                }
                let sum = weights.reduce(0, +)
                return .known(weights.map { log(0.9 * $0 / sum) })
            }
        }.scored(items)
        #expect(tally.calls == 12)
        for item in scored {
            // `y` at A: 15 of 18; elsewhere, in three of four orders: 5 of 10.
            let liked = (15.0 / 18 + 3 * 0.5) / 4
            for (choice, found) in item.probabilities.enumerated() {
                #expect(abs(found - (choice == 2 ? liked : (1 - liked) / 3)) < 1e-12)
            }
            #expect(item.logProbabilities?.count == 4)
            // Each order's scores stand in the item's own order.
            #expect(item.logProbabilities?.allSatisfy { ($0[2] ?? -9) > ($0[1] ?? 0) } == true)
        }
    }

    @Test func improbableLettersAndDisputedItems() throws {
        let answers: [ScoredChoices] = [
            .known([log(0.02), log(0.03), nil, nil]), .known([log(0.1), log(0.8), nil, nil]),
            .known([log(0.1), log(0.8), nil, nil]),
        ]
        let kept = try scoring { _ in answers }.scored(items)
        #expect(kept.tally.doubtful == 1 && kept.items.map(\.id) == ["i1", "i2"])
        let dropped = try scoring({ $0.disagreement = .drop }) { _ in answers }.scored(items)
        #expect(dropped.items.map(\.id) == ["i1"])
        #expect(dropped.tally.disputed == 1 && dropped.tally.dropped == 1)
        let all = try scoring({ $0.minimumLetterMass = 0 }) { _ in answers }.scored(items)
        #expect(all.items.count == 3)
    }

    @Test func textsBehindTheQuestionAlone() throws {
        let (scored, _) = try scoring({ $0.scoring = .texts }) { requests in
            #expect(requests.map(\.scored) == items.map { .texts($0.choices) })
            #expect(!requests[0].messages[1].content.contains("A."))
            return requests.map { _ in .known([-1, -2, -1, -30]) }
        }.scored(items)
        let first = exp(-1.0) / (2 * exp(-1.0) + exp(-2.0) + exp(-30.0))
        #expect(abs(scored[0].probabilities[0] - first) < 1e-15)
    }

    @Test func figuresAgainstPlainSums() {
        var numbers = SampleNumbers(seed: 8)
        let answers = (0..<500).map { number in
            let weights = (0..<(2 + numbers.below(4))).map { _ in 1 + numbers.signed() }
            let sum = weights.reduce(0, +)
            let item = ChoiceItem(
                id: "\(number)", subject: "s", question: "q", choices: weights.map { "\($0)" },
                answer: numbers.below(weights.count))
            return ChoiceAnswer(item, weights.map { $0 / sum })
        }
        let figures = ChoiceMeasures(answers)
        func best(_ answer: ChoiceAnswer) -> Int {
            answer.probabilities.firstIndex(of: answer.probabilities.max() ?? 0) ?? 0
        }
        let right = answers.count { best($0) == $0.answer }
        #expect(figures.count == 500 && figures.accuracy == Double(right) / 500)
        var error = 0.0
        for bin in 0..<10 {
            let inside = answers.filter {
                min(9, Int($0.probabilities[best($0)] * 10)) == bin
            }
            let hits = Double(inside.count { best($0) == $0.answer })
            let sure = inside.reduce(0) { $0 + $1.probabilities[best($1)] }
            error += abs(hits - sure) / 500
        }
        #expect(abs(figures.calibrationError - error) < 1e-12)
        let loss = answers.reduce(0) { $0 - log($1.probabilities[$1.answer]) } / 500
        #expect(abs(figures.loss - loss) < 1e-12)
        #expect(ChoiceMeasures([ChoiceAnswer]()).accuracy == 0)
    }
}
