// Standard output and standard error.

import Foundation

/// Standard output.
enum StandardOutput {
    /// True when a person watches.
    static var isTerminal: Bool { isatty(STDOUT_FILENO) == 1 }

    /// Makes lines appear as they are written, also through a pipe such as mpirun's.
    static func lineBuffered() {
        unsafe setvbuf(stdout, nil, _IOLBF, 0)
    }

    /// Writes text as it is.
    static func write(_ text: String) {
        FileHandle.standardOutput.write(Data(text.utf8))
    }
}

/// Standard error.
enum StandardError {
    /// Writes a line.
    static func write(_ line: String) {
        FileHandle.standardError.write(Data((line + "\n").utf8))
    }
}
