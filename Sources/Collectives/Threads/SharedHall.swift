// What the ranks of a world of threads share: one lock, a channel for each pair of ranks, counters,
// who is in which collective, and the first failure.

/// Bytes laid out by a sender until the receiver has copied them.
final class Parcel: @unchecked Sendable {
    enum State { case waiting, beingCopied, taken }
    let base: UnsafeRawPointer
    let byteCount: Int
    let operation: String
    /// Guarded by the hall's monitor.
    var state = State.waiting

    init(base: UnsafeRawPointer, byteCount: Int, operation: String) {
        self.base = base
        self.byteCount = byteCount
        self.operation = operation
    }
}

/// The shared state; everything in it is guarded by `monitor`.
final class SharedHall: @unchecked Sendable {
    /// Parcels from one rank to another, by their number.
    struct Channel {
        var parcels: [Int: Parcel] = [:]
        var sent = 0
        var expected = 0
    }

    /// Where a rank is, for the watchdog.
    struct Place {
        var number = 0
        var name = "start"
        var isInside = false
        var since = monotonicSeconds()
    }

    let monitor = Monitor()
    let size: Int
    var channels: [Channel]
    var counters = [Int64](repeating: 0, count: Communicator.counterCapacity)
    var places: [Place]
    var failure: RankFailure?

    init(size: Int) {
        self.size = size
        channels = Array(repeating: Channel(), count: size * size)
        places = Array(repeating: Place(), count: size)
    }

    func channel(from sender: Int, to receiver: Int) -> Int { sender * size + receiver }

    /// Who has not come to the collective that `rank` waits in; the monitor is held.
    func absent(for rank: Int, now: Double) -> [StallReport.Absent] {
        let own = places[rank].number
        return places.enumerated().filter { $0.element.number < own }.map { other, place in
            StallReport.Absent(
                rank: other, last: "\(place.name) #\(place.number)", isInside: place.isInside,
                seconds: now - place.since)
        }
    }
}
