// Calibration against values worked out by hand, and temperatures that must come out again.

import Corpus
import Foundation
import Testing

@testable import Teacher

@Suite struct TaskCalibrationTests {
    private let labels: LabelSet

    init() throws { labels = try LabelSet(["a", "b", "c"]) }

    private func answer(_ probabilities: [Double]?) -> LabelRecord {
        LabelRecord(
            id: "r", label: "a",
            labelProbabilities: probabilities.map {
                Dictionary(uniqueKeysWithValues: zip(["a", "b", "c"], $0))
            })
    }

    @Test func byHand() throws {
        let measured = try Calibration(
            [
                (answer([0.9, 0.05, 0.05]), "a"), (answer([0.9, 0.1, 0]), "b"),
                (answer([0.2, 0.2, 0.6]), "c"), (answer([0, 1, 0]), "b"), (answer(nil), "c"),
            ], labels: labels)
        #expect(measured.count == 4)
        #expect(measured.unknown == 1)
        #expect(measured.accuracy == 0.75)
        #expect(abs((measured.meanConfidence ?? 0) - 0.85) < 1e-12)
        // Bins: 0.9 twice (one right), 0.6 once (right), 1 once (right).
        let error = (2 * 0.4 + 1 * 0.4 + 0) / 4
        #expect(abs((measured.expectedError ?? 0) - error) < 1e-12)
        let brier = (0.01 + 0.0025 + 0.0025 + 0.81 + 0.81 + 0.04 + 0.04 + 0.16) / 4
        #expect(abs((measured.brierScore ?? 0) - brier) < 1e-12)
        #expect(measured.bins.count == 15)
        #expect(measured.bins.map(\.count).reduce(0, +) == 4)
        let bin = try #require(measured.bins.first { $0.count == 2 })
        #expect(bin.lowerBound < 0.9 && bin.upperBound >= 0.9)
        #expect(bin.accuracy == 0.5)
        #expect(measured.bins.last?.count == 1)
        #expect(measured.bins.first?.lowerBound == 0)
    }

    @Test func withoutProbabilitiesThereIsNoNumber() throws {
        let measured = try Calibration([(answer(nil), "a")], labels: labels)
        #expect(measured.count == 0 && measured.unknown == 1)
        #expect(measured.expectedError == nil && measured.brierScore == nil)
        #expect(measured.accuracy == nil && measured.meanConfidence == nil)
        #expect(throws: TeacherError.self) {
            try TemperatureScaling(fittedOn: [(answer(nil), "a")], labels: labels)
        }
        let stranger = #expect(throws: TeacherError.self) {
            try Calibration([(answer([1, 0, 0]), "d")], labels: labels)
        }
        #expect(stranger?.message.contains("gold label of record 'r'") == true)
    }

    /// Answers whose true frequencies are `p`, stated as p^(1/t).
    private func stated(_ t: Double) -> [(answer: LabelRecord, gold: String)] {
        var gold: [(answer: LabelRecord, gold: String)] = []
        for p in [[0.7, 0.2, 0.1], [0.1, 0.5, 0.4], [0.3, 0.1, 0.6]] {
            let powers = p.map { pow($0, 1 / t) }
            let stated = powers.map { $0 / powers.reduce(0, +) }
            for (label, share) in zip(["a", "b", "c"], p) {
                for _ in 0..<Int((share * 100).rounded()) { gold.append((answer(stated), label)) }
            }
        }
        return gold
    }

    @Test(arguments: [0.25, 0.5, 2.0, 5.0]) func theTemperatureComesOutAgain(_ t: Double) throws {
        // Stated too sharp by t, the frequencies come back by 1/t.
        let gold = stated(t)
        let scaling = try TemperatureScaling(fittedOn: gold, labels: labels)
        #expect(abs(scaling.temperature * t - 1) < 1e-4)
        #expect(scaling.lossAfter < scaling.lossBefore)
        #expect(!scaling.isAtBound)
        #expect(scaling.count == 300)
        let scaled = scaling.applied(to: gold[0].answer)
        #expect(abs((scaled.labelProbabilities?["a"] ?? 0) - 0.7) < 1e-4)
        #expect(abs((scaled.labelProbabilities ?? [:]).values.reduce(0, +) - 1) < 1e-12)
        #expect(scaled.label == "a")
        let before = try Calibration(gold, labels: labels)
        let after = try Calibration(
            gold.map { (scaling.applied(to: $0.answer), $0.gold) }, labels: labels)
        #expect((after.expectedError ?? 1) < (before.expectedError ?? 0))
        #expect(after.accuracy == before.accuracy)
    }

    @Test func whatIsRightStaysAndWhatSaysNothingIsMarked() throws {
        let scaling = try TemperatureScaling(fittedOn: stated(1), labels: labels)
        #expect(abs(scaling.temperature - 1) < 1e-4)
        #expect(scaling.lossAfter <= scaling.lossBefore)
        let wrong = (0..<20).map { _ in (answer: answer([1, 0, 0]), gold: "b") }
        let useless = try TemperatureScaling(fittedOn: wrong + [(answer(nil), "a")], labels: labels)
        #expect(useless.isAtBound)
        #expect(useless.temperature > 19)
        #expect(useless.unknown == 1)
        #expect(useless.applied(to: answer(nil)) == answer(nil))
        #expect(
            useless.applied(to: answer([1, 0, 0])).labelProbabilities?.values.allSatisfy(\.isFinite)
                == true)
    }
}
