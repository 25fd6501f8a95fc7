// The arithmetic of limits that all ranks share; pure, in microseconds since 1970 and whole numbers.
//
// A rate is kept by the generic cell rate algorithm (ITU-T I.371, annex A): the theoretical arrival time is
// when the next sending is due, and every sending moves it on by its cost. Here it is the sum of two
// counters, since ranks can only add and take maxima: the work that was let out (added to), and an origin
// (raised when the sum lies in the past). Two ranks that raise it at once raise it once.

/// A rate: so many units in any minute.
struct Pace: Sendable, Hashable {
    /// Units in a minute, after a second's worth is kept back.
    private let unitsPerMinute: Int64
    /// How far the due time may lie back, in microseconds: what a burst is made of.
    let burst: Int64

    /// A pace of at most `perMinute` units in any 60 seconds.
    ///
    /// A second's worth is taken off the rate: half of it may go out as a burst after a pause, the
    /// other half is for requests that are late on their way and arrive with those behind them.
    init(perMinute: Int64) {
        let second = perMinute / 60
        unitsPerMinute = max(perMinute - second, 1)
        burst = second / 2 * 60_000_000 / unitsPerMinute
    }

    /// Microseconds that units take.
    func cost(_ units: Int64) -> Int64 {
        let (high, low) = units.multipliedFullWidth(by: 60_000_000)
        guard high == 0, low <= UInt64(Int64.max) else { return .max / 4 }
        return (Int64(low) + unitsPerMinute - 1) / unitsPerMinute
    }

    /// How far the origin must be raised so that the due time isn't further back than a burst; nil if
    /// it isn't.
    func raisedOrigin(_ origin: Int64, work: Int64, now: Int64) -> Int64? {
        origin + work < now - burst ? now - burst - work : nil
    }
}

/// The number of requests in flight that servers are asked to bear: additive increase, multiplicative
/// decrease (Chiu, Jain: Analysis of the increase and decrease algorithms, 1989).
///
/// All of it is one number that ranks take maxima of: when it was cut last, in milliseconds, and to what;
/// since then it has grown with time alone.
struct InFlightWindow: Sendable, Hashable {
    private static let sizeBits: Int64 = 20
    static let largest = 1 << 20 - 1
    /// Servers are told once that they are heard: cuts are so far apart, in milliseconds.
    static let restMilliseconds: Int64 = 1000

    let maximum: Int

    /// Requests that the window grows by in a second.
    var growthPerSecond: Double { max(1, Double(maximum) / 32) }

    /// Its size now, given the last cut (0 if none ever was).
    func size(cut: Int64, now: Int64) -> Int {
        guard cut > 0 else { return maximum }
        let since = Double(now / 1000 - cut >> Self.sizeBits) / 1000
        let size = Double(cut & ((1 << Self.sizeBits) - 1)) + max(since, 0) * growthPerSecond
        return size >= Double(maximum) ? maximum : max(Int(size), 1)
    }

    /// The next cut, after a refusal of something sent at `sentAt`; nil if the last cut is too fresh, or
    /// came after the sending and so has answered it already.
    func nextCut(after cut: Int64, sentAt: Int64, now: Int64) -> Int64? {
        let last = cut >> Self.sizeBits
        guard now / 1000 - last >= Self.restMilliseconds, sentAt / 1000 >= last else { return nil }
        let half = max(size(cut: cut, now: now) / 2, 1)
        return (now / 1000) << Self.sizeBits | Int64(half)
    }
}
