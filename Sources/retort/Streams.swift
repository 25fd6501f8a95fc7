// Standard output and standard error.

import Foundation

/// Standard output; written without a buffer, so that lines appear at once through mpirun's pipe.
enum StandardOutput {
    /// True when a person watches.
    static var isTerminal: Bool { isatty(STDOUT_FILENO) == 1 }

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
