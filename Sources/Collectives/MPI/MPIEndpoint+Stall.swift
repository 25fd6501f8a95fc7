// The watchdog under MPI. Nothing is counted while all goes well: a rank that has waited too long asks
// the others where they are, on the control channel, which their communication threads answer even
// while they compute.

/// The clock of one wait.
struct StallWatch {
    enum Kind { case collective, counter }

    let kind: Kind
    let options: WatchdogOptions
    /// Seconds of waiting at which the others are asked next.
    var nextQuestion: Double
    /// Seconds of waiting at which they were asked, while answers are awaited.
    var asked: Double?
    /// Whether the host of the counters has been asked to look more often.
    var hasKnocked = false

    /// How long answers are awaited: an idle rank looks every few milliseconds.
    static let answerTime = 1.0

    init(kind: Kind, options: WatchdogOptions) {
        self.kind = kind
        self.options = options
        nextQuestion = options.reportAfter
    }
}

extension MPIEndpoint {
    /// Asks, reports and gives up as the options say.
    func look(after watch: inout StallWatch, waited: Double) throws {
        if let asked = watch.asked {
            let enough = min(StallWatch.answerTime, watch.options.reportAfter)
            guard answers.count == size - 1 || waited - asked > enough else { return }
            watch.asked = nil
            watch.nextQuestion += watch.options.reportAfter
            let report = makeReport(watch.kind, waited: waited)
            watch.options.report?(report)
            if let limit = watch.options.giveUpAfter, waited >= limit {
                let error = CollectiveError(code: .stalled, message: report.description)
                raise(
                    RankFailure(
                        rank: rank, exitCode: RankFailure.communicationExitCode,
                        message: error.message))
            }
        } else if waited >= watch.nextQuestion {
            watch.asked = waited
            answers.removeAll()
            answeredNumbers.removeAll()
            for peer in 0..<size where peer != rank { try control.send(.whereAreYou, to: peer) }
        }
    }

    private func makeReport(_ kind: StallWatch.Kind, waited: Double) -> StallReport {
        let missing = (0..<size).compactMap { other -> StallReport.Absent? in
            guard other != rank else { return nil }
            guard let answer = answers[other], let number = answeredNumbers[other] else {
                return StallReport.Absent(rank: other, last: nil, isInside: false, seconds: 0)
            }
            return kind == .collective && number < place.number ? answer : nil
        }
        let operation =
            kind == .collective ? "\(place.name) #\(place.number)" : "a counter call to rank 0"
        return StallReport(rank: rank, operation: operation, seconds: waited, missing: missing)
    }
}
