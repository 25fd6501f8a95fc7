// Standard output and standard error.

import Foundation

/// Standard output; written without a buffer, so that lines appear at once through mpirun's pipe.
enum StandardOutput {
    /// True when a person watches.
    ///
    /// mpirun gives every rank a pseudo-terminal, whatever its own output is; so under it the parent's
    /// output is looked at, which is mpirun's on the node where it was started.
    static var isTerminal: Bool {
        guard isatty(STDOUT_FILENO) == 1 else { return false }
        guard ProcessInfo.processInfo.environment["OMPI_COMM_WORLD_SIZE"] != nil else {
            return true
        }
        let target = try? FileManager.default.destinationOfSymbolicLink(
            atPath: "/proc/\(getppid())/fd/1")
        return target?.hasPrefix("/dev/pts/") == true || target?.hasPrefix("/dev/tty") == true
    }

    /// Writes text as it is; a reader that has gone away is no error.
    static func write(_ text: String) {
        try? write(Data(text.utf8))
    }

    /// Writes bytes as they are.
    static func write(_ bytes: Data) throws {
        try FileHandle.standardOutput.write(contentsOf: bytes)
    }
}

/// Standard error.
enum StandardError {
    /// Writes a line.
    static func write(_ line: String) {
        try? FileHandle.standardError.write(contentsOf: Data((line + "\n").utf8))
    }
}
