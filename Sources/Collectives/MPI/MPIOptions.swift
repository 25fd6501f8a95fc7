// What can be set about an MPI world. The defaults are right for training; tests lower them.

/// Settings of an MPI world.
public struct MPIOptions: Sendable {
    /// When a waiting rank asks who is missing, and when it gives up.
    public var watchdog: WatchdogOptions

    /// Seconds that a rank waits for the others' votes after a failure.
    public var failureGrace: Double

    /// Seconds that a failed program waits at its end for ranks that have not noticed: they may be
    /// computing, and notice at their next call.
    ///
    /// After that the program is ended the hard way.
    public var goodbyeGrace: Double

    /// Longer messages are cut: MPI counts bytes in 32 bits.
    public var maximumMessageBytes: Int

    /// Makes settings.
    public init(
        watchdog: WatchdogOptions = WatchdogOptions(), failureGrace: Double = 5,
        goodbyeGrace: Double = 30, maximumMessageBytes: Int = 1 << 30
    ) {
        precondition(
            maximumMessageBytes > 0 && maximumMessageBytes <= Int(Int32.max),
            "messages of \(maximumMessageBytes) bytes")
        self.watchdog = watchdog
        self.failureGrace = failureGrace
        self.goodbyeGrace = goodbyeGrace
        self.maximumMessageBytes = maximumMessageBytes
    }
}
