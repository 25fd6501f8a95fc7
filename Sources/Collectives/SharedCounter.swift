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
        try communicator.onCounter("add to '\(name)'") { try $0.fetchAdd(slot: slot, delta) }
    }

    /// The value now.
    public func load() throws -> Int64 {
        try fetchAdd(0)
    }

    /// Sets the value and returns the one before.
    @discardableResult
    public func exchange(_ value: Int64) throws -> Int64 {
        try communicator.onCounter("set '\(name)'") { try $0.exchange(slot: slot, value) }
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
        let slot = counters.slot(for: name)
        precondition(
            slot < Self.counterCapacity,
            "'\(name)' is counter \(slot + 1), there are \(Self.counterCapacity)")
        let counter = SharedCounter(name: name, slot: slot, communicator: self)
        try agreeOnName(name)
        if rank == 0 { try counter.exchange(start) }
        try barrier()
        return counter
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

    fileprivate func onCounter(
        _ name: String, _ body: @escaping (any Endpoint) throws -> Int64
    ) throws -> Int64 {
        var previous: Int64 = 0
        try perform(name) { [endpoint] in
            try endpoint.throwFailure()
            previous = try body(endpoint)
        }
        return previous
    }
}

/// The slots of a communicator's counters.
final class CounterRegistry: Sendable {
    private let names = Mutex<[String]>([])

    func slot(for name: String) -> Int {
        names.withLock { names in
            if let known = names.firstIndex(of: name) { return known }
            names.append(name)
            return names.count - 1
        }
    }
}
