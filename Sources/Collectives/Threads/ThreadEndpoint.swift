// A rank that is a thread: messages are copied by the receiver straight out of the sender's memory.

import Glibc

/// One rank's end of a world of threads.
final class ThreadEndpoint: Endpoint, @unchecked Sendable {
    let rank: Int
    var size: Int { hall.size }
    private let hall: SharedHall
    private let watchdog: WatchdogOptions
    private var opened = 0
    private var operation = "start"
    private var laidOut: [(channel: Int, number: Int, parcel: Parcel)] = []

    init(rank: Int, hall: SharedHall, watchdog: WatchdogOptions) {
        self.rank = rank
        self.hall = hall
        self.watchdog = watchdog
    }

    func open(_ name: String) {
        opened += 1
        operation = "\(name) #\(opened)"
        hall.monitor.withLock {
            hall.places[rank] = SharedHall.Place(number: opened, name: name, isInside: true)
        }
    }

    func close() {
        hall.monitor.withLock {
            hall.places[rank].isInside = false
            hall.places[rank].since = monotonicSeconds()
        }
    }

    private final class Batch: MessageBatch {
        var receives: [(message: Message, channel: Int, number: Int)] = []
        var sends: [Parcel] = []
    }

    func start(_ messages: [Message]) throws -> any MessageBatch {
        let batch = Batch()
        try hall.monitor.withLock {
            try throwKnownFailure()
            laidOut.removeAll { $0.parcel.state == .taken }
            for message in messages {
                switch message.direction {
                case .send:
                    let parcel = Parcel(
                        base: message.base, byteCount: message.byteCount, operation: operation)
                    let index = hall.channel(from: rank, to: message.peer)
                    let number = hall.channels[index].sent
                    hall.channels[index].sent += 1
                    hall.channels[index].parcels[number] = parcel
                    laidOut.append((index, number, parcel))
                    batch.sends.append(parcel)
                case .receive:
                    let index = hall.channel(from: message.peer, to: rank)
                    batch.receives.append((message, index, hall.channels[index].expected))
                    hall.channels[index].expected += 1
                }
            }
            hall.monitor.wakeAll()
        }
        return batch
    }

    func finish(_ batch: any MessageBatch) throws {
        guard let batch = batch as? Batch else { preconditionFailure("a foreign batch") }
        for (message, channel, number) in batch.receives {
            let parcel = try hall.monitor.withLock { () throws -> Parcel in
                try wait { hall.channels[channel].parcels[number] != nil }
                guard let parcel = hall.channels[channel].parcels.removeValue(forKey: number)
                else { preconditionFailure("parcel \(number) is gone") }
                parcel.state = .beingCopied
                return parcel
            }
            let fits = parcel.byteCount == message.byteCount && parcel.operation == operation
            if fits { memcpy(message.base, parcel.base, parcel.byteCount) }
            hall.monitor.withLock {
                parcel.state = .taken
                hall.monitor.wakeAll()
            }
            guard fits else {
                throw CollectiveError(
                    code: .mismatch,
                    message: "rank \(rank) is in \(operation) and expects \(message.byteCount)"
                        + " bytes,"
                        + " rank \(message.peer) is in \(parcel.operation) and sends"
                        + " \(parcel.byteCount): the ranks' calls differ")
            }
        }
        try hall.monitor.withLock {
            for parcel in batch.sends { try wait { parcel.state == .taken } }
        }
    }

    func fetchAdd(slot: Int, _ delta: Int64) throws -> Int64 {
        try hall.monitor.withLock {
            try throwKnownFailure()
            let previous = hall.counters[slot]
            hall.counters[slot] = previous &+ delta
            return previous
        }
    }

    func combine(slot: Int, _ values: [Int64], by rule: CounterRule) throws -> [Int64] {
        try hall.monitor.withLock {
            try throwKnownFailure()
            let previous = Array(hall.counters[slot..<slot + values.count])
            for (index, value) in values.enumerated() {
                hall.counters[slot + index] = rule(previous[index], value)
            }
            return previous
        }
    }

    func exchange(slot: Int, _ value: Int64) throws -> Int64 {
        try hall.monitor.withLock {
            try throwKnownFailure()
            let previous = hall.counters[slot]
            hall.counters[slot] = value
            return previous
        }
    }

    func raise(_ failure: RankFailure) {
        hall.monitor.withLock {
            if hall.failure == nil { hall.failure = failure }
            hall.monitor.wakeAll()
        }
    }

    var hasFailure: Bool {
        hall.monitor.withLock { hall.failure != nil }
    }

    func throwFailure() throws {
        try hall.monitor.withLock { try throwKnownFailure() }
    }

    func idle() -> Double? { nil }
    func shutDown() -> Bool { true }

    // MARK: With the monitor held

    /// Throws if a rank has failed, after making sure that nobody reads this rank's memory any more.
    private func throwKnownFailure() throws {
        guard let failure = hall.failure else { return }
        for (channel, number, parcel) in laidOut {
            hall.channels[channel].parcels[number] = nil
            while parcel.state == .beingCopied { hall.monitor.wait() }
        }
        laidOut.removeAll()
        throw failure
    }

    private func wait(until condition: () -> Bool) throws {
        let start = monotonicSeconds()
        var reported = start
        while true {
            try throwKnownFailure()
            if condition() { return }
            hall.monitor.wait(seconds: watchdog.reportAfter)
            let now = monotonicSeconds()
            if now - reported >= watchdog.reportAfter, !condition() {
                reported = now
                let report = StallReport(
                    rank: rank, operation: operation, seconds: now - start,
                    missing: hall.absent(for: rank, now: now))
                watchdog.report?(report)
                if let limit = watchdog.giveUpAfter, now - start >= limit {
                    throw CollectiveError(code: .stalled, message: report.description)
                }
            }
        }
    }
}
