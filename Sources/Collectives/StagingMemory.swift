// Scratch of the communication thread that grows and is kept, so that a training step allocates no
// buffer; and the count of bytes.

import Synchronization

/// Memory for data on its way, reused from operation to operation.
struct StagingMemory {
    private var buffer = FloatBuffer(count: 0)

    /// At least `count` floats; what they hold is undefined.
    mutating func floats(_ count: Int) -> UnsafeMutablePointer<Float> {
        if buffer.count < count { buffer = FloatBuffer(count: count) }
        return buffer.base
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
