// One writer a file. SQLite's own locks would let two runs take turns, and both would pay for the
// same labels. The lock lies on a file of its own: closing any handle of the ledger itself would
// drop SQLite's locks. It belongs to the open handle (not to the process, as plain POSIX locks do),
// and the system drops it when the process ends, however that comes.

import Glibc
import Synchronization

/// An exclusive lock, held until it is released or this goes.
final class LedgerLock: Sendable {
    private let descriptor: Mutex<Int32?>

    init(path: String) throws(TeacherError) {
        let descriptor = unsafe open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0o666)
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
        self.descriptor = Mutex(descriptor)
    }

    deinit {
        release()
    }

    /// Gives the ledger free, once.
    func release() {
        let held = descriptor.withLock { descriptor in
            defer { descriptor = nil }
            return descriptor
        }
        if let held { close(held) }
    }
}

/// The system's words for an error number.
private func systemMessage(_ code: Int32) -> String {
    unsafe strerror(code).map { unsafe String(cString: $0) } ?? "error \(code)"
}
