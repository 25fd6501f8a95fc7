// Which attempts have no fate yet: told of the events of a journal as they are written, or as they are read
// after a kill.

/// Attempts that were sent and not settled.
struct AttemptsUnderWay: Sendable {
    private var byRequest: [LabelKey: Attempt] = [:]
    /// Further attempts at a request that is under way already, which is rare.
    private var others: [LabelKey: [Attempt]] = [:]

    /// How many there are.
    var count: Int { byRequest.count + others.values.reduce(0) { $0 + $1.count } }

    /// All of them, in an order that doesn't depend on when they were sent.
    var all: [Attempt] {
        byRequest.sorted { $0.key.fingerprint < $1.key.fingerprint }
            .flatMap { [$0.value] + (others[$0.key] ?? []) }
    }

    /// Takes an event in.
    mutating func note(_ event: JournalEvent) {
        switch event {
        case .sent(let attempt):
            guard let earlier = byRequest.updateValue(attempt, forKey: attempt.key) else { return }
            others[attempt.key, default: []].append(earlier)
        case .released(let key): settle(key)
        case .lost(let loss): settle(loss.attempt.key)
        case .answered(let entry): settle(entry.key)
        case .failed: break
        }
    }

    /// Attempts at one request reserve the same, so it doesn't matter which of them goes.
    private mutating func settle(_ key: LabelKey) {
        guard !others.isEmpty, others[key]?.popLast() != nil else {
            byRequest[key] = nil
            return
        }
        if others[key]?.isEmpty == true { others[key] = nil }
    }
}
