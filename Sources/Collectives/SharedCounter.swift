// Counters that all ranks share: which record is labelled next, what has been spent. They live on
// rank 0; the others reach them without its code taking part.

import Synchronization

/// A 64-bit counter that all ranks of a communicator share.
///
/// Unlike a collective, one rank alone may use it. Over a network it is answered by rank 0's
/// communication thread, which looks about every millisecond while that rank computes.
public struct SharedCounter: Sendable {
    /// Its name.
    public let name: String

    let slot: Int
    let communicator: Communicator

    /// Adds `delta` and returns the value before.
    ///
    /// Throws the failure of another rank if one is known.
    public func fetchAdd(_ delta: Int64) throws -> Int64 {
        try communicator.onCounter("add to '\(name)'", or: 0) { try $0.fetchAdd(slot: slot, delta) }
    }

    /// The value now.
    public func load() throws -> Int64 {
        try fetchAdd(0)
    }

    /// Sets the value and returns the one before.
    @discardableResult
    public func exchange(_ value: Int64) throws -> Int64 {
        try communicator.onCounter("set '\(name)'", or: 0) { try $0.exchange(slot: slot, value) }
    }
}

/// Neighbouring 64-bit counters that all ranks of a communicator share, changed together.
///
/// All of them are reached by one message, so an operation costs about what one on a single
/// `SharedCounter` does. Each counter is changed atomically; two of them may be seen in between.
public struct SharedCounters: Sendable {
    /// Their common name.
    public let name: String
    /// How many they are.
    public let count: Int

    let slot: Int
    let communicator: Communicator

    /// Adds one number to each counter, from the first on, and returns the values before.
    ///
    /// Throws the failure of another rank if one is known.
    public func fetchAdd(_ deltas: [Int64]) throws -> [Int64] {
        try combine(deltas, by: .sum, "add to")
    }

    /// Raises each counter, from the first on, to at least a value (`Int64.min` leaves it alone), and
    /// returns the values before.
    public func fetchMaximum(_ values: [Int64]) throws -> [Int64] {
        try combine(values, by: .maximum, "raise")
    }

    /// The values now.
    public func load() throws -> [Int64] {
        try fetchAdd(Array(repeating: 0, count: count))
    }

    private func combine(
        _ values: [Int64], by rule: CounterRule, _ what: String
    ) throws -> [Int64] {
        precondition(
            (1...count).contains(values.count),
            "'\(name)': \(values.count) values for \(count) counters")
        return try communicator.onCounter("\(what) '\(name)'", or: []) {
            try $0.combine(slot: slot, values, by: rule)
        }
    }
}

extension Communicator {
    /// The number of counters that can be made.
    public static let counterCapacity = 256

    /// A counter by name, set to `start`.
    ///
    /// A collective: every rank calls it, and none gets to use the counter before it is set. The
    /// same name again sets the same counter anew.
    public func counter(named name: String, startingAt start: Int64 = 0) throws -> SharedCounter {
        let slot = counters.slot(for: name, count: 1)
        let counter = SharedCounter(name: name, slot: slot, communicator: self)
        try agreeOnName(name)
        if rank == 0 { try counter.exchange(start) }
        try barrier()
        return counter
    }

    /// Neighbouring counters by name, set to `start`, one number each.
    ///
    /// A collective, like `counter(named:startingAt:)`; the numbers are those of rank 0.
    public func counters(named name: String, startingAt start: [Int64]) throws -> SharedCounters {
        let slot = counters.slot(for: name, count: start.count)
        let made = SharedCounters(
            name: name, count: start.count, slot: slot, communicator: self)
        try agreeOnName("\(name)[\(start.count)]")
        if rank == 0 {
            for (index, value) in start.enumerated() {
                _ = try onCounter("set '\(name)'", or: 0) {
                    try $0.exchange(slot: slot + index, value)
                }
            }
        }
        try barrier()
        return made
    }

    private func agreeOnName(_ name: String) throws {
        let names = try allGather(Array(name.utf8))
        for (other, bytes) in names.enumerated() where bytes != names[0] {
            throw CollectiveError(
                code: .mismatch,
                message: "rank \(other) asks for the counter"
                    + " '\(String(decoding: bytes, as: UTF8.self))'"
                    + " where rank 0 asks for '\(String(decoding: names[0], as: UTF8.self))':"
                    + " every rank makes the same counters in the same order")
        }
    }

    fileprivate func onCounter<Value>(
        _ name: String, or nothing: Value, _ body: @escaping (any Endpoint) throws -> Value
    ) throws -> Value {
        var previous = nothing
        try perform(name) { [endpoint] in
            try endpoint.throwFailure()
            previous = try body(endpoint)
        }
        return previous
    }
}

/// The slots of a communicator's counters.
final class CounterRegistry: Sendable {
    private let ranges = Mutex<[(name: String, slots: Range<Int>)]>([])

    /// The first of `count` neighbouring slots that a name owns.
    func slot(for name: String, count: Int) -> Int {
        ranges.withLock { ranges in
            if let known = ranges.first(where: { $0.name == name }) {
                precondition(
                    known.slots.count == count,
                    "'\(name)' has \(known.slots.count) counters, not \(count)")
                return known.slots.lowerBound
            }
            let first = ranges.last?.slots.upperBound ?? 0
            precondition(
                first + count <= Communicator.counterCapacity,
                "'\(name)' would bring the counters to \(first + count), there are"
                    + " \(Communicator.counterCapacity)")
            ranges.append((name, first..<first + count))
            return first
        }
    }
}
