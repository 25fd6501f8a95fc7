// How the communication thread waits for others inside an operation: it may not be late, and it may
// not take the core from a thread that computes. All numbers of that bargain are here.

import Glibc

/// The pauses of one wait.
struct Patience {
    /// A look that took longer than this moved data: look again at once.
    ///
    /// A look that finds nothing takes 0.3 us, or 5 to 10 where caches have gone cold in a pause.
    static let busyLook = 15e-6
    /// While the caller waits the core is free: look without pause for so long.
    static let eager = 200e-6
    /// A pause is this part of the wait so far: it can make a wait so much longer, and no more.
    static let share = 1.0 / 32
    /// The longest pause.
    static let longestPause = 500e-6
    /// The shortest pause worth the two switches of threads that it costs.
    static let shortestPause = 20e-6

    private let start = monotonicSeconds()
    private var lastProgress: Double
    private var lastLook: Double

    init() {
        lastProgress = start
        lastLook = start
    }

    /// Seconds since the wait began.
    var waited: Double { lastLook - start }

    /// Seconds since something was last seen to move.
    var stalled: Double { lastLook - lastProgress }

    /// Notes the time before a look at the messages.
    mutating func beginLook() {
        lastLook = monotonicSeconds()
    }

    /// Pauses after a look that found the wait not over.
    mutating func pause(on thread: CommunicationThread) {
        let now = monotonicSeconds()
        if now - lastLook > Self.busyLook {
            lastProgress = now
            return
        }
        let quiet = now - lastProgress
        if thread.hasWaitingCaller {
            if quiet < Self.eager {
                sched_yield()
                return
            }
            thread.pause(
                seconds: min(Self.longestPause, max(Self.shortestPause, quiet * Self.share)))
        } else {
            // The caller computes, most likely on this very core.
            thread.pause(
                seconds: min(Self.longestPause, max(2 * Self.shortestPause, quiet / 4)))
        }
    }
}
