// The transport of a rank that is alone: a program started without mpirun, or a world of one thread.
// MPI is not even initialised then. Counters work, messages have nowhere to go.

import Synchronization

/// A group of one.
final class SoloEndpoint: Endpoint, Sendable {
    private struct State {
        var counters = [Int64](repeating: 0, count: Communicator.counterCapacity)
        var failure: RankFailure?
    }

    private let state = Mutex(State())

    var rank: Int { 0 }
    var size: Int { 1 }

    func open(_ name: String) {}
    func close() {}

    private final class Nothing: MessageBatch {}

    func start(_ messages: [Message]) -> any MessageBatch {
        precondition(messages.isEmpty, "\(messages.count) messages in a group of one")
        return Nothing()
    }

    func finish(_ batch: any MessageBatch) throws {
        try throwFailure()
    }

    func fetchAdd(slot: Int, _ delta: Int64) -> Int64 {
        state.withLock { state in
            let previous = state.counters[slot]
            state.counters[slot] = previous &+ delta
            return previous
        }
    }

    func combine(slot: Int, _ values: [Int64], by rule: CounterRule) -> [Int64] {
        state.withLock { state in
            let previous = Array(state.counters[slot..<slot + values.count])
            for (index, value) in values.enumerated() {
                state.counters[slot + index] = rule(previous[index], value)
            }
            return previous
        }
    }

    func exchange(slot: Int, _ value: Int64) -> Int64 {
        state.withLock { state in
            let previous = state.counters[slot]
            state.counters[slot] = value
            return previous
        }
    }

    func raise(_ failure: RankFailure) {
        state.withLock { state in
            if state.failure == nil { state.failure = failure }
        }
    }

    var hasFailure: Bool { state.withLock { $0.failure != nil } }

    func throwFailure() throws {
        if let failure = state.withLock({ $0.failure }) { throw failure }
    }

    func idle() -> Double? { nil }
    func shutDown() -> Bool { true }
}
