// SQLite's refusals in our words: which file, what it means, what to do.

import GRDB

enum LedgerTrouble {
    /// The error to throw for whatever SQLite threw.
    static func named(_ error: any Error, path: String, writing: Bool) -> TeacherError {
        if let error = error as? TeacherError { return error }
        guard let error = error as? DatabaseError else {
            return TeacherError(
                writing ? .ledgerUnwritable : .ledgerUnreadable, "\(path): \(error)")
        }
        let said = error.message ?? "SQLite says \(error.resultCode.rawValue)"
        switch error.resultCode {
        case .SQLITE_CORRUPT, .SQLITE_NOTADB, .SQLITE_SCHEMA:
            return damaged(path, said)
        case .SQLITE_BUSY, .SQLITE_LOCKED:
            return TeacherError(.ledgerBusy, "\(path): another process holds it locked (\(said))")
        case .SQLITE_FULL:
            return TeacherError(
                .ledgerUnwritable, "\(path): the disk is full; nothing of this commit was kept")
        case .SQLITE_READONLY, .SQLITE_PERM:
            return TeacherError(
                .ledgerUnwritable, "\(path): no permission to write here (\(said))")
        default:
            return TeacherError(
                writing ? .ledgerUnwritable : .ledgerUnreadable,
                "\(path): \(said) (SQLite \(error.extendedResultCode.rawValue))")
        }
    }

    /// A file that SQLite or we cannot make sense of.
    static func damaged(_ path: String, _ what: String) -> TeacherError {
        TeacherError(
            .ledgerDamaged,
            "\(path): the ledger is damaged: \(what); sqlite3 FILE .recover may save its rows, "
                + "without the file they are asked for again")
    }
}
