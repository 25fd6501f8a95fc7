// Scratch of the communication thread that grows and is kept, so that a training step allocates no
// buffer; and the count of bytes.

import Synchronization

/// Memory for data on its way, reused from operation to operation.
struct StagingMemory {
    private var buffer = FloatBuffer(count: 0)
    private var sets: [RowSet] = []

    /// At least `count` floats; what they hold is undefined.
    mutating func floats(_ count: Int) -> UnsafeMutablePointer<Float> {
        if buffer.count < count { buffer = FloatBuffer(count: count) }
        return buffer.base
    }

    /// Row sets with room for so many rows each; what they hold is undefined.
    mutating func rowSets(_ rows: [Int], width: Int) -> [RowSet] {
        while sets.count < rows.count { sets.append(RowSet()) }
        for (set, rows) in zip(sets, rows) { set.reserve(rows, width: width) }
        return Array(sets.prefix(rows.count))
    }
}

/// Bytes moved; written by the communication thread, read by any.
final class TrafficCount: Sendable {
    private let sent = Atomic<Int>(0)
    private let received = Atomic<Int>(0)

    func count(_ messages: [Message]) {
        for message in messages {
            switch message.direction {
            case .send: sent.add(message.byteCount, ordering: .relaxed)
            case .receive: received.add(message.byteCount, ordering: .relaxed)
            }
        }
    }

    var snapshot: Traffic {
        var account = Traffic()
        account.bytesSent = sent.load(ordering: .relaxed)
        account.bytesReceived = received.load(ordering: .relaxed)
        return account
    }
}
