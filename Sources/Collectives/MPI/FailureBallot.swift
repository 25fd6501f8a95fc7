// How ranks under MPI come to report the same failure, although several may fail at a time.
//
// A rank that fails, or hears that another one has, sends every rank one vote and never a second: the
// failure of the lowest rank that it knows of at that moment. So all ranks end up with the same votes
// and report the lowest of them. Each vote is also a promise: this rank starts no more messages. When
// a rank has all votes, its receives can be withdrawn and its memory given back.

/// The votes of one rank's view.
struct FailureBallot {
    private(set) var votes: [RankFailure?]
    let rank: Int

    init(size: Int, rank: Int) {
        votes = Array(repeating: nil, count: size)
        self.rank = rank
    }

    /// Whether any failure is known.
    var isOpen: Bool { votes.contains { $0 != nil } }

    /// Whether every rank has voted.
    var isComplete: Bool { votes.allSatisfy { $0 != nil } }

    /// Whether this rank has voted.
    var hasVoted: Bool { votes[rank] != nil }

    /// The failure to report: with all votes in, the same on all ranks.
    var outcome: RankFailure? {
        votes.compactMap { $0 }.min { $0.rank < $1.rank }
    }

    /// Records the vote of another rank.
    mutating func receive(_ failure: RankFailure, from sender: Int) {
        if votes[sender] == nil { votes[sender] = failure }
    }

    /// This rank's vote, if it has one to cast and has not yet.
    ///
    /// `own` is its own failure.
    mutating func cast(own: RankFailure?) -> RankFailure? {
        guard !hasVoted else { return nil }
        let known = votes.compactMap { $0 } + (own.map { [$0] } ?? [])
        guard let choice = known.min(by: { $0.rank < $1.rank }) else { return nil }
        votes[rank] = choice
        return choice
    }
}
