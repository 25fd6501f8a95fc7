// How a failure travels under MPI: votes on the control channel, see FailureBallot.

import Synchronization

extension MPIEndpoint {
    func raise(_ failure: RankFailure) {
        ownFailure.withLock { own in
            if own == nil { own = failure }
        }
        failureSeen.store(true, ordering: .releasing)
        // It may be pausing in an operation that will never end.
        thread.wake()
    }

    var hasFailure: Bool { failureSeen.load(ordering: .acquiring) }

    func throwFailure() throws {
        guard failureSeen.load(ordering: .acquiring) else { return }
        throw agreed ?? settle()
    }

    /// Takes in what other ranks have written.
    func hear() throws(CollectiveError) {
        while let (sender, note) = try control.next() {
            switch note {
            case .vote(let failure):
                ballot.receive(failure, from: sender)
                failureSeen.store(true, ordering: .releasing)
            case .whereAreYou:
                let seconds = monotonicSeconds() - place.since
                try control.send(
                    .here(
                        number: place.number, name: place.name, isInside: place.isInside,
                        milliseconds: Int(seconds * 1e3)), to: sender)
            case .here(let number, let name, let isInside, let milliseconds):
                answers[sender] = StallReport.Absent(
                    rank: sender, last: "\(name) #\(number)", isInside: isInside,
                    seconds: Double(milliseconds) * 1e-3)
                answeredNumbers[sender] = number
            case .goodbye:
                goodbyes.insert(sender)
            case .knock:
                lastKnock = monotonicSeconds()
            }
        }
    }

    /// Votes, if this rank has not.
    func castVote() throws(CollectiveError) {
        guard let vote = ballot.cast(own: ownFailure.withLock { $0 }) else { return }
        for peer in 0..<size where peer != rank { try control.send(.vote(vote), to: peer) }
    }

    /// Collects the votes, withdraws this rank's messages, and returns what all report.
    ///
    /// Bounded in time: a rank that doesn't answer any more has no say.
    private func settle() -> RankFailure {
        let deadline = monotonicSeconds() + options.failureGrace
        do {
            try castVote()
            while !ballot.isComplete, monotonicSeconds() < deadline {
                try hear()
                thread.pause(seconds: 50e-6)
            }
        } catch {
            // The channel is gone; what is known must do.
        }
        withdrawMessages(until: deadline)
        let outcome =
            ballot.outcome
            ?? RankFailure(
                rank: rank, exitCode: RankFailure.defaultExitCode, message: "unknown failure")
        agreed = outcome
        return outcome
    }

    private func withdrawMessages(until deadline: Double) {
        while monotonicSeconds() < deadline {
            var isQuiet = true
            for batch in active.values where !batch.withdraw() { isQuiet = false }
            if isQuiet { break }
            thread.pause(seconds: 50e-6)
        }
        // What is still open stays allocated: MPI may hold on to it.
        for batch in active.values { _ = Unmanaged.passRetained(batch) }
        active.removeAll()
    }

    /// After a failure: true when every rank has come to its end, so that MPI_Finalize, which waits
    /// for all, will not wait for ever.
    func sayGoodbye() throws(CollectiveError) -> Bool {
        for peer in 0..<size where peer != rank { try control.send(.goodbye, to: peer) }
        let deadline = monotonicSeconds() + options.goodbyeGrace
        while goodbyes.count < size - 1 || !control.isSent {
            guard monotonicSeconds() < deadline else { return false }
            try hear()
            thread.pause(seconds: 200e-6)
        }
        return true
    }
}
