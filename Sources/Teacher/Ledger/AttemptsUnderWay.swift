// Which attempts have no fate yet: told of the events of a journal as they are written, or as they are read
// after a kill.

/// Attempts that were sent and not settled.
struct AttemptsUnderWay: Sendable {
    private var byRequest: [LabelKey: [Attempt]] = [:]

    /// How many there are.
    var count: Int { byRequest.values.reduce(0) { $0 + $1.count } }

    /// All of them, in an order that doesn't depend on when they were sent.
    var all: [Attempt] {
        byRequest.sorted { $0.key.fingerprint < $1.key.fingerprint }.flatMap(\.value)
    }

    /// Takes an event in.
    mutating func note(_ event: JournalEvent) {
        switch event {
        case .sent(let attempt): byRequest[attempt.key, default: []].append(attempt)
        case .released(let key): settle(key)
        case .lost(let loss): settle(loss.attempt.key)
        case .answered(let entry): settle(entry.key)
        case .failed: break
        }
    }

    private mutating func settle(_ key: LabelKey) {
        guard byRequest[key]?.popLast() != nil else { return }
        if byRequest[key]?.isEmpty == true { byRequest[key] = nil }
    }
}
