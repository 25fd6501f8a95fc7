// Scores read out of replies, both orders, asking again, and the recorded reviews of the Vicuna evaluation.

import Foundation
import Teacher
import TestSupport
import Testing

@testable import Methods

@Suite struct JudgeTests {
    @Test(
        arguments: [
            ("Good and bad.\nScore of answer 1: 8\nScore of answer 2: 6.5", false, 8, 6.5),
            ("9 8\nBoth are fine.", false, 9, 8), ("**9, 7.5**\nFine.", false, 9, 7.5),
            ("Scores:\nAssistant 1: 10\nAssistant 2: 4\n\nAssistant 1 is better.", false, 10, 4),
            ("- **Answer 1**: 7/10\n- **Answer 2**: 9/10", false, 7, 9),
            ("Answer 1: 7/10.\nAnswer 2: 9/10.", false, 7, 9),
            ("Answer 1: 7 out of 10\nAnswer 2: 1 out of 10", false, 7, 1),
            // The last pair counts: the first may be about parts.
            ("Answer 1: 3\nAnswer 2: 4\nAfter all:\nAnswer 1: 5\nAnswer 2: 6", false, 5, 6),
            ("So it is:\n(8, 2)", false, 8, 2),
            // Cut before its last line began.
            ("Answer 1: 3\nAnswer 2: 4\nThe", true, 3, 4),
        ] as [(String, Bool, Double, Double)])
    func scoresAreRead(reply: String, isCut: Bool, first: Double, second: Double) {
        #expect(JudgeScores(reply, isCut: isCut) == JudgeScores(first, second))
    }

    @Test(
        arguments: [
            ("", false), ("Both are fine.", false), ("Score of answer 1: 8", false),
            ("Score of answer 1: good\nScore of answer 2: 8", false),
            ("Score of answer 1: 11\nScore of answer 2: 8", false),
            ("Score of answer 1: 0\nScore of answer 2: 8", false),
            ("Score of answer 2: 8\nScore of answer 1: 7", false),
            ("Score of answer 1: 8\nScore of answer 2: 1", true),
            ("8 7 6\nFine.", false), ("f(2) = 3\n12 4", false), ("nan 4", false),
        ] as [(String, Bool)])
    func othersHaveNone(reply: String, isCut: Bool) {
        #expect(JudgeScores(reply, isCut: isCut) == nil)
    }

    /// Pairs whose replies are told by order and attempt.
    private func judged(
        _ replies: [String: [String]], reAsks: Int = 1
    ) throws -> (verdicts: [Verdict?], tally: RefereeTally, asked: [TextRequest]) {
        var asked: [TextRequest] = []
        let referee = Referee(
            prompt: try JudgePrompt(Recipe.TurnOptions(), key: "prompt"),
            decoding: .init(temperature: 0.2, maximumTokens: 9), reAsks: reAsks, seed: 3
        ) { requests in
            asked += requests
            return requests.map { request in
                let texts = replies[request.id] ?? []
                return request.attempt < texts.count
                    ? .text(texts[request.attempt], finishReason: "stop") : .failed("silence")
            }
        }
        let pairs = ["a", "b"].map {
            AnswerPair(id: $0, task: "do \($0)", reference: "R\($0)", candidate: "C\($0)")
        }
        let (verdicts, tally) = try referee.verdicts(on: pairs)
        return (verdicts, tally, asked)
    }

    @Test func bothOrdersAreAskedAndAgainWhereThereAreNoScores() throws {
        let (verdicts, tally, asked) = try judged([
            "a:judge1": ["8 6"], "a:judge2": ["none", "5 9"], "b:judge1": ["x"],
            "b:judge2": ["7 7"],
        ])
        #expect(verdicts[0]?.reference == [8, 9] && verdicts[0]?.candidate == [6, 5])
        #expect(verdicts[0]?.gap == 3)
        #expect(verdicts[1] == nil)
        #expect(tally == RefereeTally(requests: 6, unparsed: 3, leftOut: 1))
        // The second order shows the candidate first.
        let shown = try #require(asked[1].messages.last?.content)
        let first = try #require(shown.range(of: "Ca"))
        let second = try #require(shown.range(of: "Ra"))
        #expect(first.lowerBound < second.lowerBound)
        #expect(asked.allSatisfy { $0.sampling.temperature == 0.2 && $0.maximumTokens == 9 })
    }

    @Test func aPromptMustShowAll() {
        var turns = Recipe.TurnOptions()
        turns.user = "{{text}} {{answer_1}}"
        #expect(throws: MethodError.self) { try JudgePrompt(turns, key: "prompt") }
        turns.user = "{{text}} {{answer_1}} {{answer_2}} {{other}}"
        #expect(throws: TeacherError.self) { try JudgePrompt(turns, key: "prompt") }
    }

    @Test func figuresAreThoseOfTheDefinition() {
        let verdicts = [
            Verdict(id: "a", reference: [8, 10], candidate: [6, 9]),
            Verdict(id: "b", reference: [5, 4], candidate: [5, 4]),
            Verdict(id: "c", reference: [7, 6], candidate: [9, 10]),
        ]
        let figures = JudgeFigures(verdicts)
        #expect(abs(figures.qualityByOrder[0] - 100 * 20 / 20) < 1e-12)
        #expect(abs(figures.qualityByOrder[1] - 100 * 23.0 / 20) < 1e-12)
        #expect(abs(figures.quality - 107.5) < 1e-12)
        #expect(figures.wins == 1 && figures.ties == 1 && figures.losses == 1)
        let (quality, margin) = JudgeFigures.intervals(verdicts, seed: 1)
        #expect(quality.contains(107.5) && quality.lowerBound < quality.upperBound)
        #expect(margin.contains(0) && margin.lowerBound >= -1 && margin.upperBound <= 1)
    }

    /// GPT-4's recorded reviews of Vicuna-7B beside GPT-3.5, one order: 604 / 688 of the published table.
    @Test(.enabled(if: SharedData.has("data/vicuna-reviews"), "no recorded reviews at hand"))
    func recordedReviews() throws {
        let folder = SharedData.path("data/vicuna-reviews/table/review")
        var (unread, noted, told) = (0, 0, 0)
        var figures: [String: (Double, Double)] = [:]
        for file in try FileManager.default.subpathsOfDirectory(atPath: folder)
        where file.hasSuffix(".jsonl") {
            var verdicts: [Verdict] = []
            for line in try String(contentsOfFile: "\(folder)/\(file)", encoding: .utf8)
                .split(separator: "\n")
            {
                let row =
                    try JSONSerialization.jsonObject(with: Data(line.utf8)) as? [String: Any] ?? [:]
                let scores = (row["score"] as? [NSNumber] ?? []).map(\.doubleValue)
                guard let read = JudgeScores(row["text"] as? String ?? "", isCut: false) else {
                    unread += 1
                    continue
                }
                // What their readers noted: two of them otherwise than the text says.
                noted += [read.first, read.second] == scores ? 1 : 0
                told += 1
                verdicts.append(
                    Verdict(
                        id: "", reference: [read.first, read.first],
                        candidate: [read.second, read.second]))
            }
            let sums = (
                verdicts.reduce(0) { $0 + $1.candidate[0] },
                verdicts.reduce(0) { $0 + $1.reference[0] }
            )
            figures[(file as NSString).lastPathComponent] = sums
            guard file.hasSuffix("review_gpt35_vicuna-7b.jsonl") else { continue }
            #expect(verdicts.count == 80 && sums.0 == 604 && sums.1 == 688)
            #expect(abs(JudgeFigures(verdicts).qualityByOrder[0] - 87.79) < 0.005)
        }
        #expect(figures.count == 13)
        // Mathematics is scored in running words at times.
        #expect(unread <= 22 && told - noted <= 2, "\(unread), \(told - noted)")
    }
}
