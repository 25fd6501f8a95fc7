// What a killed process left in its journal, brought into the ledger: answers that had arrived, and
// the attempts that were under way, which may have been billed and will be sent again.

import Foundation

/// What was found in a rank's journal.
struct RecoveredJournal: Sendable, Equatable {
    /// Answers that had arrived and weren't in the tables yet.
    var answers = 0
    /// Attempts that were under way at the kill; no more requests than these are sent again.
    var underWay = 0
    /// The number of the newest file, or what the ledger says.
    var generation: Int64 = 0
}

extension LabelLedger {
    /// The reason written with attempts that were under way when the process was killed.
    static let killedReason = "killed while the answer was under way"

    /// Brings everything in this rank's journal files into the tables and removes the files.
    func recoverJournal() throws(TeacherError) -> RecoveredJournal {
        let committed = try journalGeneration()
        var found = RecoveredJournal()
        found.generation = committed
        let files = try Self.journalFiles(of: path)
        guard !files.isEmpty else { return found }
        var batch = LedgerBatch()
        for (generation, path) in files {
            found.generation = max(found.generation, generation)
            // One that is in the tables already was left by a kill in the midst of recovery.
            guard generation > committed else { continue }
            guard let bytes = FileManager.default.contents(atPath: path) else {
                throw TeacherError(
                    .ledgerUnreadable,
                    "\(path): cannot read; it holds answers that are paid for, make it readable")
            }
            guard let (teacher, events) = JournalFile.read([UInt8](bytes)) else { continue }
            batch.take(events)
            // Each file begins with what was under way before it, so the newest one knows.
            guard generation == files.last?.generation else { continue }
            var open = AttemptsUnderWay()
            for event in events { open.note(event) }
            found.underWay = open.count
            batch.losses += open.all.map {
                LossEntry(attempt: $0, teacher: teacher, reason: Self.killedReason)
            }
        }
        found.answers = batch.responses.count
        batch.journalGeneration = found.generation
        try commit(batch)
        for (_, path) in files { unsafe unlink(path) }
        return found
    }

    /// The journal files of a ledger, oldest first.
    static func journalFiles(
        of path: String
    ) throws(TeacherError) -> [(generation: Int64, path: String)] {
        let stem = Journal.stem(path)
        let folder = (stem as NSString).deletingLastPathComponent
        let prefix = (stem as NSString).lastPathComponent + ".journal-"
        let names: [String]
        do {
            names = try FileManager.default.contentsOfDirectory(atPath: folder)
        } catch {
            throw TeacherError(
                .ledgerUnreadable, "\(folder): cannot read: \(plainWords(of: error))")
        }
        return names.compactMap { name in
            guard name.hasPrefix(prefix), let number = Int64(name.dropFirst(prefix.count)) else {
                return nil
            }
            return (number, "\(folder)/\(name)")
        }.sorted { $0.0 < $1.0 }
    }
}

extension LedgerBatch {
    /// Takes in the rows that events stand for.
    mutating func take(_ events: [JournalEvent]) {
        for event in events {
            switch event {
            case .sent, .released: break
            case .lost(let entry): losses.append(entry)
            case .answered(let entry): responses.append(entry)
            case .failed(let entry): failures.append(entry)
            }
        }
    }
}
