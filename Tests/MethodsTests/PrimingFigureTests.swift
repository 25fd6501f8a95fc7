// Figures of a comparison: ratios, bootstrap intervals, and the choice.

import Reporting
import Testing

@testable import Methods

@Suite struct PrimingFigureTests {
    static func result(
        _ name: String, seed: UInt64 = 0, right: [Bool], losses: [Double]? = nil
    ) -> PrimingResult {
        var result = PrimingResult(condition: name, seed: seed)
        result.trainedOn = 10
        result.test.right = right
        result.test.losses = losses ?? right.map { $0 ? 1 : 3 }
        result.test.tokens = right.map { _ in 2 }
        return result
    }

    @Test func ratio() {
        let ratio = QuestionRatio(above: [1, 2, 6], below: [1, 1, 2])
        #expect(ratio.value == 9.0 / 4)
        #expect(ratio.value([2, 0, 1]) == 8.0 / 4)
    }

    @Test func intervals() {
        let bootstrap = Bootstrap(count: 400, seed: 7)
        let half = QuestionRatio(
            above: (0..<400).map { Double($0 % 2) }, below: (0..<400).map { _ in 1 })
        let interval = bootstrap.interval(half.value)
        // The normal approximation: 0.5 +- 1.96 sqrt(0.25 / 400) = 0.5 +- 0.049.
        #expect(abs(interval.lowerBound - 0.451) < 0.008)
        #expect(abs(interval.upperBound - 0.549) < 0.008)
        #expect(Bootstrap(count: 400, seed: 7).interval(half.value) == interval)
        #expect(Bootstrap(count: 400, seed: 8).interval(half.value) != interval)
        let constant = QuestionRatio(above: [2, 2, 2], below: [1, 1, 1])
        #expect(Bootstrap(count: 3, seed: 0).interval(constant.value) == 2...2)
    }

    /// A student that is right wherever another is, and on a few questions more: the paired difference
    /// is sure where the two intervals overlap.
    @Test func pairedDifference() throws {
        let base = (0..<300).map { $0 % 2 == 0 }
        let better = (0..<300).map { $0 % 2 == 0 || $0 % 25 == 1 }
        let comparison = PrimingComparison(
            [[Self.result("fine-tuned", right: base)], [Self.result("teacher", right: better)]],
            of: \.test, seed: 3)
        #expect(comparison.reference == "fine-tuned" && comparison.questions == 300)
        let (first, second) = (comparison.rows[0], comparison.rows[1])
        let low = try #require(first.accuracy)
        let high = try #require(second.accuracy)
        #expect(low.value == 0.5 && low.difference == nil)
        #expect(low.interval.overlaps(high.interval))
        let range = try #require(high.differenceInterval)
        #expect(range.lowerBound > 0 && range.contains(0.02))
        let difference = try #require(high.difference)
        #expect(abs(difference - 0.02) < 1e-12)
        #expect(comparison.best { _ in true }?.name == "teacher")
        #expect(second.loss.value < first.loss.value)
        #expect(comparison.table.text.contains("teacher"))
    }

    @Test func seedsAreAveraged() throws {
        let comparison = PrimingComparison(
            [
                [
                    Self.result("none", right: [true, false, false, false]),
                    Self.result("none", seed: 1, right: [true, true, true, false]),
                ]
            ], of: \.test, seed: 0)
        #expect(comparison.rows[0].seeds == 2)
        #expect(comparison.rows[0].accuracy?.value == 0.5)
        #expect(comparison.reference == "none")
    }

    /// Without judged answers the loss alone decides, and no accuracy is shown.
    @Test func lossAlone() {
        func unjudged(_ name: String, _ losses: [Double]) -> [PrimingResult] {
            var result = Self.result(name, right: [true, true], losses: losses)
            result.test.right = []
            return [result]
        }
        let comparison = PrimingComparison(
            [
                unjudged("untrained", [1, 1]), unjudged("none", [4, 4]),
                unjudged("teacher", [3, 3]),
            ],
            of: \.test, seed: 0)
        #expect(comparison.best { $0.name != "untrained" }?.name == "teacher")
        #expect(!comparison.table.text.contains("right"))
        #expect(comparison.rows[1].loss.value == 2)
    }
}
