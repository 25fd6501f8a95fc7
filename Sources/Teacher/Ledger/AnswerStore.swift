// Where a rank's answers go while it labels: into the journal at once, so that a kill loses none, and
// into the ledger's tables in groups, twice a second, because a commit costs several syncs of the disk.

import Foundation

/// A rank's ledger in the time of labelling.
public final class AnswerStore: AttemptJournal, @unchecked Sendable {
    /// Attempts that were under way when earlier processes were killed.
    public let killedUnderWay: Int
    /// Answers that were found in the journals of killed processes.
    public let recoveredAnswers: Int
    private let ledger: LabelLedger
    private let teacher: String
    private let lock = NSLock()
    // Below: guarded by the lock.
    private var journal: Journal
    private var pending = LedgerBatch()
    private var failure: TeacherError?
    private var isScheduled = false

    private let committer = DispatchQueue(label: "retort.ledger")
    /// Seconds between commits.
    private static let interval = 0.5
    /// Rows that wait for a commit before it is hurried.
    private static let longestWait = 4096

    /// Opens the ledger of a rank, after bringing in what killed processes left.
    ///
    /// - Parameters:
    ///   - folder: The folder of ledgers.
    ///   - rank: This rank.
    ///   - size: How many there are; the journals of ranks that are no more are shared out.
    ///   - teacher: The identity under which answers are written.
    public init(folder: String, rank: Int, size: Int, teacher: String) throws(TeacherError) {
        ledger = try LabelLedger(folder: folder, rank: rank)
        self.teacher = teacher
        var found = try ledger.recoverJournal()
        let generation = found.generation
        for other in try RankFiles.labels.paths(in: folder).compactMap(RankFiles.labels.rank)
        where other != rank && other >= size && other % size == rank {
            let orphan = try LabelLedger(folder: folder, rank: other).recoverJournal()
            found.answers += orphan.answers
            found.underWay += orphan.underWay
        }
        killedUnderWay = found.underWay
        recoveredAnswers = found.answers
        journal = try Journal(
            ledgerPath: ledger.path, generation: generation + 1, teacher: teacher)
    }

    // MARK: - Attempts

    /// Notes attempts that are about to be sent.
    public func willSend(_ attempts: [Attempt]) throws {
        try note(attempts.map(JournalEvent.sent))
    }

    /// Notes an attempt that came to nothing and may have been billed.
    public func lost(_ attempt: Attempt, reason: String) throws {
        try note([.lost(LossEntry(attempt: attempt, teacher: teacher, reason: reason))])
    }

    /// Notes an attempt that came to nothing and cost nothing.
    public func released(_ attempt: Attempt) throws {
        try note([.released(attempt.key)])
    }

    // MARK: - Results

    /// Keeps an answer: when this returns, a kill of the process can't lose it.
    public func keep(_ entry: ResponseEntry) throws {
        try note([.answered(entry)])
    }

    /// Keeps a record's failure.
    public func keep(_ entry: FailureEntry) throws {
        try note([.failed(entry)])
    }

    /// Keeps a label that was made of answers; it can be made again, so it waits for the commit.
    public func keep(_ entry: LedgerEntry) throws {
        try lock.withLock {
            if let failure { throw failure }
            pending.labels.append(entry)
            schedule()
        }
    }

    private func note(_ events: [JournalEvent]) throws {
        try lock.withLock {
            if let failure { throw failure }
            do throws(TeacherError) {
                try journal.append(events)
            } catch {
                failure = error
                throw error
            }
            pending.take(events)
            schedule()
        }
    }

    // MARK: - Commits

    /// Rows that wait for a commit.
    public var waiting: Int { lock.withLock { pending.count } }

    /// Throws the error that ended a commit, if one did.
    public func check() throws {
        if let failure = lock.withLock({ failure }) { throw failure }
    }

    /// Commits what waits, now.
    public func flush() throws {
        committer.sync { commit() }
        try check()
    }

    /// Commits what waits, leaves no journal behind, unless attempts are under way, and gives the ledger
    /// free; nothing may be kept after.
    public func close() throws {
        // Tasks that have just ended may hold this for a moment yet; the next store mustn't wait for them.
        defer { ledger.close() }
        try flush()
        lock.withLock {
            if journal.attemptsUnderWay == 0 { journal.remove(journal.generation) }
        }
    }

    /// With the lock held.
    private func schedule() {
        guard !isScheduled, !pending.isEmpty else { return }
        isScheduled = true
        let delay = pending.count > Self.longestWait ? 0 : Self.interval
        committer.asyncAfter(deadline: .now() + delay) { [weak self] in self?.commit() }
    }

    private func commit() {
        let taken: (batch: LedgerBatch, finished: Int64)? = lock.withLock {
            isScheduled = false
            guard failure == nil, !pending.isEmpty else { return nil }
            do throws(TeacherError) {
                let finished = try journal.turn()
                pending.journalGeneration = finished
                defer { pending = LedgerBatch() }
                return (pending, finished)
            } catch {
                failure = error
                return nil
            }
        }
        guard let taken else { return }
        do throws(TeacherError) {
            try ledger.commit(taken.batch)
            lock.withLock { journal.remove(taken.finished) }
        } catch {
            lock.withLock { failure = error }
        }
    }
}
