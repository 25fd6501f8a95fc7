// The one thread of a rank that lets requests out. It alone talks to the shared counters and to the journal
// of attempts, so that many tasks cost few messages and few commits: all that wait are one batch.
//
// Rejected: each task asking the counters for itself. An operation takes 10 us on one machine and
// milliseconds over a network, blocks its thread, and Swift's cooperative pool has one thread a core.
//
// This file takes requests in and hands them back; what is let out when is in AdmissionClerk+Turn.swift.

import Collectives
import Corpus
import Glibc

/// Microseconds of the wall clock since 1970: the time that ranks share.
func wallMicroseconds() -> Int64 {
    var time = timespec()
    unsafe clock_gettime(CLOCK_REALTIME, &time)
    return Int64(time.tv_sec) * 1_000_000 + Int64(time.tv_nsec) / 1000
}

/// Admits attempts by the limits of the job, in batches.
final class AdmissionClerk: @unchecked Sendable {
    /// The end of a wait.
    enum Admission: Sendable {
        /// It is reserved, noted, and may be sent now.
        case go
        case overBudget
        case cancelled
        /// The whole service has failed.
        case failed(TeacherError)
    }

    /// A request that waits.
    final class Entry: @unchecked Sendable {
        /// Nil if it only waits for a time.
        let attempt: Attempt?
        /// Tokens that it will probably take.
        let estimate: Int64
        let isResend: Bool
        /// The clerk's: not before this time, and its turn by the rates, once it has one.
        var eligibleAt: Int64
        var slotAt: Int64?
        /// Guarded by the monitor.
        var isCancelled = false
        var continuation: CheckedContinuation<Admission, Never>?

        init(attempt: Attempt?, estimate: Int64, isResend: Bool, eligibleAt: Int64) {
            self.attempt = attempt
            self.estimate = estimate
            self.isResend = isResend
            self.eligibleAt = eligibleAt
        }
    }

    /// What became of an attempt, for the journal.
    enum Note: Sendable {
        case lost(Attempt, reason: String)
        case released(Attempt)
    }

    /// What has come since the last look; guarded by the monitor.
    struct Inbox {
        var arrivals: [Entry] = []
        var notes: [Note] = []
        var change = JobLimits.Change()
        var hasChange = false
        /// Something came that doesn't wait for others.
        var isUrgent = false
        var hasCancelled = false
        /// A server sent us away until then.
        var pausedUntil: Int64 = 0
        /// When the latest request was sent that a server found too much.
        var throttledSentAt: Int64 = 0
        var isStopped = false
        var isEnding = false
        var failure: TeacherError?
    }

    let limits: JobLimits
    let journal: any AttemptJournal
    let random: CounterRandom
    /// Without any change for so long, what is reserved elsewhere is not waited for.
    let staleMicroseconds: Int64
    private let monitor = Monitor()
    private var thread: SystemThread?

    // Guarded by the monitor.
    private var inbox = Inbox()
    private var sleepsUntil = 0.0
    private var shown = (known: JobLimits.Change(), own: JobLimits.Change())

    // The clerk's own.
    var waiting: [Entry] = []
    /// What is to be added to the counters.
    var pending = JobLimits.Change()
    /// What the counters held at the last look, and when that was.
    var known = JobLimits.Change()
    var knownAt: Int64 = 0
    /// All that this rank has added.
    var own = JobLimits.Change()
    var drawn: UInt64 = 0
    /// What the budget looked like, and since when.
    var lastBudget = (seen: JobLimits.Change(), since: Int64(0))

    /// A clerk and its thread; `finish` must be called.
    init(
        limits: JobLimits, journal: any AttemptJournal, random: CounterRandom,
        staleSeconds: Double
    ) throws {
        self.limits = limits
        self.journal = journal
        self.random = random
        staleMicroseconds = Int64(staleSeconds * 1e6)
        thread = try SystemThread(name: "teacher clerk") { self.loop() }
    }

    // MARK: For any thread

    /// Waits until an attempt may be sent; with none, until a time.
    func admit(
        _ attempt: Attempt?, estimate: Int64 = 0, isResend: Bool = false, notBefore: Int64 = 0
    ) async -> Admission {
        let entry = Entry(
            attempt: attempt, estimate: estimate, isResend: isResend, eligibleAt: notBefore)
        return await withTaskCancellationHandler {
            await withCheckedContinuation { continuation in
                post(isUrgent: true) {
                    entry.continuation = continuation
                    $0.arrivals.append(entry)
                    if entry.isCancelled { $0.hasCancelled = true }
                }
            }
        } onCancel: {
            post(isUrgent: true) {
                entry.isCancelled = true
                $0.hasCancelled = true
            }
        }
    }

    /// Changes counters with the next message.
    func add(_ change: JobLimits.Change, note: Note? = nil) {
        post(isUrgent: false) {
            $0.change.add(change)
            $0.hasChange = true
            if let note { $0.notes.append(note) }
        }
    }

    /// A server found a request too much: the window shrinks, and with `until` all ranks pause.
    func throttled(sentAt: Int64, pauseUntil: Int64?) {
        post(isUrgent: true) {
            $0.throttledSentAt = max($0.throttledSentAt, sentAt)
            $0.pausedUntil = max($0.pausedUntil, pauseUntil ?? 0)
        }
    }

    /// Lets nothing out any more; those who wait are cancelled.
    func stop() {
        post(isUrgent: true) { $0.isStopped = true }
    }

    /// Lets nothing out any more; those who wait and those who come get the error.
    func fail(_ error: TeacherError) {
        post(isUrgent: true) { if $0.failure == nil { $0.failure = error } }
    }

    /// Brings what is pending to the counters and the journal and ends the thread.
    ///
    /// Blocks until then.
    func finish() {
        post(isUrgent: true) { $0.isEnding = true }
        let thread = monitor.withLock {
            defer { self.thread = nil }
            return self.thread
        }
        thread?.join()
    }

    /// What all ranks and this one have added up to, as far as the clerk knows.
    var figures: (job: JobLimits.Change, own: JobLimits.Change) {
        monitor.withLock { (shown.known, shown.own) }
    }

    private func post(isUrgent: Bool, _ body: (inout Inbox) -> Void) {
        monitor.withLock {
            body(&inbox)
            if isUrgent { inbox.isUrgent = true }
            // Changes can wait for those that come next; a clerk that looks soon anyway is let be.
            if isUrgent || sleepsUntil > monotonicSeconds() + Self.lingerSeconds {
                sleepsUntil = 0
                monitor.wakeAll()
            }
        }
    }

    // MARK: The thread

    /// So long may a change wait for others.
    static let lingerSeconds = 0.002

    private func loop() {
        var pause = 1.0
        while true {
            let news = take(after: pause)
            pause = turn(news)
            monitor.withLock { shown = (known, own) }
            if news.isEnding { return }
        }
    }

    /// Waits for news at most `seconds`, and takes them; what was said for good stays said.
    private func take(after seconds: Double) -> Inbox {
        monitor.withLock {
            let deadline = monotonicSeconds() + seconds
            sleepsUntil = deadline
            let isNews = inbox.isUrgent || (inbox.hasChange && seconds > Self.lingerSeconds)
            if !isNews {
                // `sleepsUntil` is set to 0 by whoever wakes us; other wake-ups mean nothing.
                while sleepsUntil > 0 {
                    let left = deadline - monotonicSeconds()
                    if left <= 0 { break }
                    monitor.wait(seconds: left)
                }
            }
            sleepsUntil = 0
            let news = inbox
            inbox = Inbox()
            inbox.isStopped = news.isStopped
            inbox.failure = news.failure
            return news
        }
    }

    /// Remembers a failure of the clerk's own.
    func setFailure(_ error: TeacherError) {
        monitor.withLock { if inbox.failure == nil { inbox.failure = error } }
    }

    /// Takes those out of the queue that were cancelled.
    func removeCancelled() -> [Entry] {
        monitor.withLock {
            let gone = waiting.filter(\.isCancelled)
            waiting.removeAll(where: \.isCancelled)
            return gone
        }
    }
}
