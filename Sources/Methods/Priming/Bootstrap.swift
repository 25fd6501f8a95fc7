// How sure a figure is that was measured on some questions: percentile intervals of the bootstrap (Efron
// 1979), questions drawn with replacement. All figures of one bootstrap are computed on the same draws, so
// the interval of a difference between two students is the paired one.
//
// It says what other questions might have given, not what another seed might have.

import Corpus

/// Draws of questions, and intervals of figures over them.
struct Bootstrap {
    /// How often each question occurs, draw by draw.
    private let draws: [[UInt16]]

    /// - Parameters:
    ///   - count: The number of questions, at least 1.
    ///   - seed: Where the draws start.
    ///   - replicates: The number of draws.
    init(count: Int, seed: UInt64, replicates: Int = 2000) {
        precondition(count > 0, "a bootstrap of no questions")
        draws = (0..<replicates).map { replicate in
            let random = CounterRandom(seed: seed, 0x626F_6F74, UInt64(replicate))
            var index: UInt64 = 0
            var times = [UInt16](repeating: 0, count: count)
            for _ in 0..<count {
                times[Int(random.below(UInt64(count), next: &index))] += 1
            }
            return times
        }
    }

    /// The middle 95 per cent of a figure over the draws.
    ///
    /// - Parameter figure: Gets how often each question counts.
    func interval(_ figure: (_ times: [UInt16]) -> Double) -> ClosedRange<Double> {
        let values = draws.map(figure).sorted()
        let tail = Int((0.025 * Double(values.count)).rounded())
        return values[tail]...values[values.count - 1 - tail]
    }
}

/// A ratio of two sums over questions: right answers by questions, or nats by tokens.
struct QuestionRatio {
    /// What each question adds above the line.
    let above: [Double]
    /// What each adds below.
    let below: [Double]

    var value: Double { ratio { _ in 1 } }

    func value(_ times: [UInt16]) -> Double { ratio { Double(times[$0]) } }

    private func ratio(_ times: (Int) -> Double) -> Double {
        var (sum, count) = (0.0, 0.0)
        for index in above.indices {
            sum += times(index) * above[index]
            count += times(index) * below[index]
        }
        return sum / count
    }
}
