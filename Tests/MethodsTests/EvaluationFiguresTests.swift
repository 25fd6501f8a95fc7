// Figures of judged answers against sums done by hand, and their bootstrap against draws counted out.

import Corpus
import TestSupport
import Testing
import Training

@testable import Methods

@Suite struct EvaluationFiguresTests {
    private static let labels = ["a", "b", "c"]
    private static let judged = [
        Judgement(gold: 0, chosen: 0, confidence: 0.9),
        Judgement(gold: 0, chosen: 1, confidence: 0.6),
        Judgement(gold: 1, chosen: 1, confidence: 0.7),
        Judgement(gold: 1, chosen: nil, confidence: nil),
    ]

    @Test func byHand() {
        let figures = ClassFigures(Self.judged, labels: Self.labels, bootstrap: nil)
        #expect(figures.accuracy == EvaluationFigure(value: 0.5, interval: nil))
        // a: precision 1, recall 1/2, F1 2/3; b: 1/2, 1/2, 1/2; c never occurs.
        #expect(abs(figures.macroF1.value - (2.0 / 3 + 0.5) / 2) < 1e-15)
        #expect(figures.classes.map(\.support) == [2, 2, 0])
        #expect(figures.classes.map(\.precision.value) == [1, 0.5, 0])
        #expect(figures.classes.map(\.recall.value) == [0.5, 0.5, 0])
        #expect(figures.confusion == [[1, 1, 0], [0, 1, 0], [0, 0, 0]])
        #expect(figures.unanswered == 1 && figures.count == 4)
        // Three answers with a confidence, each in a bin of its own: 0.1, 0.6 and 0.3 off.
        let error = figures.calibrationError?.value ?? -1
        #expect(abs(error - (0.1 + 0.6 + 0.3) / 3) < 1e-15)
    }

    @Test func withoutConfidencesThereIsNoCalibration() {
        let judged = Self.judged.map { Judgement(gold: $0.gold, chosen: $0.chosen) }
        let figures = ClassFigures(judged, labels: Self.labels, bootstrap: nil)
        #expect(figures.calibrationError == nil && figures.accuracy.value == 0.5)
    }

    /// The interval of a figure is that of the texts drawn out one by one.
    @Test func drawsAreOfTexts() {
        let random = CounterRandom(seed: 5)
        var judged: [Judgement] = []
        for index in 0..<60 {
            let gold = Int(random[UInt64(3 * index)] % 3)
            let isRight = random[UInt64(3 * index + 1)] % 3 != 0
            judged.append(
                Judgement(
                    gold: gold, chosen: isRight ? gold : (gold + 1) % 3,
                    confidence: Double(random[UInt64(3 * index + 2)] % 1000) / 1000))
        }
        let bootstrap = Bootstrap(count: judged.count, seed: 3, replicates: 200)
        let figures = ClassFigures(judged, labels: Self.labels, bootstrap: bootstrap)
        func drawn(_ figure: (ClassFigures) -> Double) -> ClosedRange<Double> {
            bootstrap.interval { times in
                let texts = zip(judged, times).flatMap { Array(repeating: $0, count: Int($1)) }
                return figure(ClassFigures(texts, labels: Self.labels, bootstrap: nil))
            }
        }
        #expect(figures.accuracy.interval == drawn(\.accuracy.value))
        #expect(figures.macroF1.interval == drawn(\.macroF1.value))
        #expect(figures.classes[1].recall.interval == drawn(\.classes[1].recall.value))
        // Sums of confidences are taken in another order.
        let (one, other) = (
            figures.calibrationError?.interval, drawn { $0.calibrationError?.value ?? 0 }
        )
        #expect(abs((one?.lowerBound ?? 9) - other.lowerBound) < 1e-12)
        #expect(abs((one?.upperBound ?? 9) - other.upperBound) < 1e-12)
        #expect(figures.accuracy.interval?.contains(figures.accuracy.value) == true)
        let again = ClassFigures(judged, labels: Self.labels, bootstrap: bootstrap)
        #expect(again == figures)
    }

    @Test func answersInWords() {
        let bootstrap = Bootstrap(count: 4, seed: 1, replicates: 50)
        let figures = AnswerFigures([true, false, true, true], bootstrap: bootstrap)
        #expect(figures.accuracy.value == 0.75 && figures.count == 4)
        #expect(AnswerFigures([true, true], bootstrap: nil).accuracy.value == 1)
        let certain = AnswerFigures([true, true, true, true], bootstrap: bootstrap)
        #expect(certain.accuracy.interval == 1...1)
    }

    /// A named class goes before the most probable one, and of equals the first is taken.
    @Test func whatALabelRecordSays() throws {
        let labels = try LabelSet(Self.labels)
        func judgement(_ label: String?, _ row: [String: Double]?) -> Judgement {
            Prediction.judgement(
                LabelRecord(id: "x", label: label, labelProbabilities: row), gold: 2, labels)
        }
        #expect(
            judgement("b", ["a": 0.6, "b": 0.4]) == Judgement(gold: 2, chosen: 1, confidence: 0.4))
        #expect(
            judgement(nil, ["b": 0.5, "c": 0.5]) == Judgement(gold: 2, chosen: 1, confidence: 0.5))
        #expect(judgement("c", nil) == Judgement(gold: 2, chosen: 2))
        #expect(judgement(nil, nil) == Judgement(gold: 2, chosen: nil))
    }
}
