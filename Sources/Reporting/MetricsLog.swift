// `metrics.jsonl`: everything that was measured, one JSON object a line, appended as it happens. A
// line is written by one call of the system, so a kill can cut the last line short, and only that
// one; on resuming, what lies behind the checkpoint's step is cut off and measured again.

import Foundation

/// An open log of metrics.
public final class MetricsLog {
    /// The file.
    public let path: String
    private let descriptor: Int32

    /// Opens a log for appending; `afterStep` is the step that training resumes from: records of
    /// later steps, and a last line that was cut short, are dropped first.
    ///
    /// Nil begins a new log.
    public init(path: String, resumingAfterStep step: Int?) throws(ReportingError) {
        self.path = path
        if let step { try Self.truncate(path: path, afterStep: step) }
        let fresh = step == nil ? O_TRUNC : 0
        descriptor = unsafe open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC | fresh, 0o644)
        guard descriptor >= 0 else {
            throw ReportingError(.unwritable, "\(path): cannot open: \(systemMessage(errno))")
        }
    }

    deinit {
        close(descriptor)
    }

    /// Appends a record: `{"kind":"train","step":12,...}`.
    public func append(
        _ kind: String, step: Int, _ values: [ReportValue.Member]
    ) throws(ReportingError) {
        let members = [
            ReportValue.Member("kind", .text(kind)), ReportValue.Member("step", .integer(step)),
        ]
        let line = Array((ReportValue.object(members + values).json + "\n").utf8)
        var written = 0
        while written < line.count {
            let count = unsafe line[written...].withUnsafeBytes {
                unsafe write(descriptor, $0.baseAddress, $0.count)
            }
            if count >= 0 {
                written += count
            } else if errno != EINTR {
                throw ReportingError(.unwritable, "\(path): cannot write: \(systemMessage(errno))")
            }
        }
    }

    /// Drops the records of steps after `step`, and a last line that was cut short.
    ///
    /// The file is replaced at once or not at all; one that isn't there stays so.
    public static func truncate(path: String, afterStep step: Int) throws(ReportingError) {
        guard FileManager.default.fileExists(atPath: path) else { return }
        let history = try MetricsHistory(path: path)
        guard history.isTorn || history.records.contains(where: { $0.step > step }) else { return }
        let kept = history.records.filter { $0.step <= step }.map { $0.line + "\n" }.joined()
        do {
            try Data(kept.utf8).write(to: URL(fileURLWithPath: path), options: .atomic)
        } catch {
            throw ReportingError(.unwritable, "\(path): \(error.localizedDescription)")
        }
    }
}

/// The system's words for an error number.
func systemMessage(_ code: Int32) -> String {
    unsafe strerror(code).map { unsafe String(cString: $0) } ?? "error \(code)"
}
