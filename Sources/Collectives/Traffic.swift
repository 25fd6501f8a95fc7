// The account of what communication cost a rank: what profiles and the step line are made from.

/// What a rank has moved and waited since the account was opened.
public struct Traffic: Sendable, Equatable {
    /// Bytes given to other ranks.
    public var bytesSent = 0
    /// Bytes taken from other ranks.
    public var bytesReceived = 0
    /// Seconds in which the rank's own code stood still for communication: the exposed part.
    public var secondsWaited = 0.0
    /// Seconds in which the communication thread was inside operations, hidden or not.
    public var secondsCommunicating = 0.0
    /// Collectives and counter calls done.
    public var operations = 0

    /// An empty account.
    public init() {}

    /// Bytes moved in either direction.
    public var bytesMoved: Int { bytesSent + bytesReceived }

    /// What was added to the account since `earlier`.
    public func since(_ earlier: Traffic) -> Traffic {
        var difference = self
        difference.bytesSent -= earlier.bytesSent
        difference.bytesReceived -= earlier.bytesReceived
        difference.secondsWaited -= earlier.secondsWaited
        difference.secondsCommunicating -= earlier.secondsCommunicating
        difference.operations -= earlier.operations
        return difference
    }
}
