// How sure a figure is that was measured on some questions: percentile intervals of the bootstrap (Efron
// 1979), questions drawn with replacement. All figures of one bootstrap are computed on the same draws, so
// the interval of a difference between two students is the paired one.
//
// It says what other questions might have given, not what another seed might have.

import Corpus

/// Draws of questions, and intervals of figures over them.
struct Bootstrap {
    /// The number of questions.
    let count: Int
    /// Where the draws start.
    let seed: UInt64
    /// The number of draws.
    let replicates: Int

    /// - Parameters:
    ///   - count: The number of questions, at least 1.
    ///   - seed: Where the draws start.
    ///   - replicates: The number of draws, at least 1.
    init(count: Int, seed: UInt64, replicates: Int = 2000) {
        precondition(count > 0 && replicates > 0, "\(replicates) draws of \(count) questions")
        self.count = count
        self.seed = seed
        self.replicates = replicates
    }

    /// Puts how often each question occurs in a draw into `times`.
    private func draw(_ replicate: Int, into times: inout [UInt16]) {
        let random = CounterRandom(seed: seed, 0x626F_6F74, UInt64(replicate))
        var index: UInt64 = 0
        for question in times.indices { times[question] = 0 }
        for _ in 0..<count { times[Int(random.below(UInt64(count), next: &index))] += 1 }
    }

    /// The middle 95 per cent of a figure over the draws.
    ///
    /// - Parameter figure: Gets how often each question counts.
    func interval(_ figure: (_ times: [UInt16]) -> Double) -> ClosedRange<Double> {
        intervals { [figure($0)] }[0]
    }

    /// The middle 95 per cent of each of some figures over the draws.
    ///
    /// - Parameter figures: Gets how often each question counts; gives as many figures each time.
    func intervals(_ figures: (_ times: [UInt16]) -> [Double]) -> [ClosedRange<Double>] {
        var times = [UInt16](repeating: 0, count: count)
        var values: [[Double]] = []
        for replicate in 0..<replicates {
            draw(replicate, into: &times)
            let row = figures(times)
            if values.isEmpty { values = row.map { _ in [] } }
            for (index, value) in row.enumerated() { values[index].append(value) }
        }
        return values.map { column in
            let sorted = column.sorted()
            let tail = Int((0.025 * Double(sorted.count)).rounded())
            return sorted[tail]...sorted[max(tail, sorted.count - 1 - tail)]
        }
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
