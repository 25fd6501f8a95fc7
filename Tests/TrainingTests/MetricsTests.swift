// Metrics against values worked out by hand.

import Foundation
import Testing
import Training

@Suite struct MetricsTests {
    // Gold 0: 3 right, 1 as 1. Gold 1: 2 right, 2 as 0. Gold 2: 1 as 0, and never predicted.
    private var confusion: ConfusionMatrix {
        var matrix = ConfusionMatrix(classes: 4)
        for (gold, predicted, count) in [(0, 0, 3), (0, 1, 1), (1, 1, 2), (1, 0, 2), (2, 0, 1)] {
            for _ in 0..<count { matrix.add(gold: gold, predicted: predicted) }
        }
        return matrix
    }

    @Test func countsAndRatios() {
        let matrix = confusion
        #expect(matrix.total == 9 && matrix.correct == 5)
        #expect(matrix.accuracy == 5.0 / 9)
        #expect([0, 1, 2, 3].map(matrix.support) == [4, 4, 1, 0])
        let precisions: [Double] = [3.0 / 6, 2.0 / 3, 0, 0]
        #expect([0, 1, 2, 3].map(matrix.precision) == precisions)
        let recalls: [Double] = [3.0 / 4, 2.0 / 4, 0, 0]
        #expect([0, 1, 2, 3].map(matrix.recall) == recalls)
        #expect(matrix[1, 0] == 2 && matrix[0, 2] == 0)
    }

    /// Class 3 occurs neither in gold nor in predictions: scikit-learn leaves it out of the mean too.
    @Test func macroF1() {
        // 2 x 0.5 x 0.75 / 1.25, and 2 x 2/3 x 1/2 / (7/6), and 0.
        let sum: Double = 0.6 + 4.0 / 7
        #expect(abs(confusion.macroF1 - sum / 3) < 1e-15)
        #expect(abs(confusion.f1(1) - 4.0 / 7) < 1e-15)
    }

    @Test func summedCounts() {
        let counts = zip(confusion.counts, confusion.counts).map { $0 + $1 }
        let doubled = ConfusionMatrix(classes: 4, counts: counts)
        #expect(doubled.macroF1 == confusion.macroF1 && doubled.total == 18)
    }

    @Test func nothingCounted() {
        let empty = ConfusionMatrix(classes: 3)
        #expect(empty.accuracy == 0 && empty.macroF1 == 0 && empty.precision(1) == 0)
    }

    /// Bins [.2,.3): two at .25, one right; [.9, 1]: .95 and 1 right, .9 wrong.
    @Test func calibrationError() {
        var bins = CalibrationBins()
        for (confidence, isCorrect) in [
            (0.25, true), (0.25, false), (0.95, true), (1.0, true), (0.9, false),
        ] {
            bins.add(confidence: confidence, isCorrect: isCorrect)
        }
        #expect(bins.bins[2].count == 2 && bins.bins[9].count == 3)
        // 2/5 x |1/2 - 0.25| + 3/5 x |2/3 - 2.85/3|
        let expected = 0.1 + 0.6 * (2.85 - 2) / 3
        #expect(abs(bins.expectedCalibrationError - expected) < 1e-15)
        #expect(CalibrationBins().expectedCalibrationError == 0)
    }

    @Test func entropy() {
        #expect(normalizedEntropy([0, 1, 0]) == 0)
        #expect(abs(normalizedEntropy([0.25, 0.25, 0.25, 0.25]) - 1) < 1e-15)
        let expected = -(0.9 * log(0.9) + 0.1 * log(0.1)) / log(2)
        #expect(abs(normalizedEntropy([0.9, 0.1]) - expected) < 1e-15)
    }
}
