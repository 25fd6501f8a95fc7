// One writer a file. SQLite's own locks would let two runs take turns, and both would pay for the
// same labels. The lock lies on a file of its own: closing any handle of the ledger itself would
// drop SQLite's locks. It belongs to the open handle (not to the process, as plain POSIX locks do),
// and the system drops it when the process ends, however that comes.

import Glibc

/// An exclusive lock held for as long as this lives.
final class LedgerLock: Sendable {
    private let descriptor: Int32

    init(path: String) throws(TeacherError) {
        descriptor = unsafe open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0o666)
        guard descriptor >= 0 else {
            throw TeacherError(
                .ledgerUnwritable, "\(path): cannot create: \(systemMessage(errno))")
        }
        guard flock(descriptor, LOCK_EX | LOCK_NB) == 0 else {
            let code = errno
            close(descriptor)
            guard code == EWOULDBLOCK else {
                throw TeacherError(
                    .ledgerUnwritable, "\(path): cannot lock: \(systemMessage(code))")
            }
            throw TeacherError(
                .ledgerBusy,
                "\(path): another process writes this ledger; is the same run started twice?")
        }
    }

    deinit {
        close(descriptor)
    }
}

/// The system's words for an error number.
private func systemMessage(_ code: Int32) -> String {
    unsafe strerror(code).map { unsafe String(cString: $0) } ?? "error \(code)"
}
