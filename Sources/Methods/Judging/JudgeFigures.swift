// What verdicts add up to: relative quality, and wins, ties and losses of the candidate.
//
//     relative quality = 100 x sum of the candidate's scores / sum of the reference's,
//
// for each of the two orders, and the mean of both (Vicuna's evaluation; Lion, table 1). A pair is won, tied
// or lost by the scores averaged over both orders. Intervals are the bootstrap's, over tasks.

/// Figures of some verdicts.
struct JudgeFigures: Equatable {
    let pairs: Int
    /// Where the reference was shown first, and where it was shown second.
    let qualityByOrder: [Double]
    let referenceMean: Double
    let candidateMean: Double
    let wins: Int
    let ties: Int
    let losses: Int

    /// The mean of both orders, in per cent.
    var quality: Double { qualityByOrder.reduce(0, +) / Double(qualityByOrder.count) }

    /// - Parameter verdicts: At least one.
    init(_ verdicts: [Verdict]) {
        precondition(!verdicts.isEmpty, "figures of no verdicts")
        pairs = verdicts.count
        qualityByOrder = (0..<2).map { 100 * Self.quality(verdicts, order: $0).value }
        referenceMean = verdicts.reduce(0) { $0 + $1.referenceMean } / Double(verdicts.count)
        candidateMean = verdicts.reduce(0) { $0 + $1.candidateMean } / Double(verdicts.count)
        wins = verdicts.count { $0.gap < 0 }
        losses = verdicts.count { $0.gap > 0 }
        ties = verdicts.count - wins - losses
    }

    /// The sums of one order's scores as a ratio of questions.
    static func quality(_ verdicts: [Verdict], order: Int) -> QuestionRatio {
        QuestionRatio(
            above: verdicts.map { $0.candidate[order] }, below: verdicts.map { $0.reference[order] }
        )
    }

    /// The middle 95 per cent of the relative quality, and of wins less losses as a share of the pairs.
    static func intervals(
        _ verdicts: [Verdict], seed: UInt64
    ) -> (quality: ClosedRange<Double>, margin: ClosedRange<Double>) {
        let bootstrap = Bootstrap(count: verdicts.count, seed: seed)
        let orders = (0..<2).map { quality(verdicts, order: $0) }
        let won = QuestionRatio(
            above: verdicts.map { $0.gap < 0 ? 1 : $0.gap > 0 ? -1 : 0 },
            below: verdicts.map { _ in 1 })
        return (
            bootstrap.interval { times in
                orders.reduce(0) { $0 + 50 * $1.value(times) }
            }, bootstrap.interval { won.value($0) }
        )
    }
}
