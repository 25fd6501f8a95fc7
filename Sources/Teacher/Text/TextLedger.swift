// The answers to text requests in the ledgers of a folder: read by all ranks while nobody writes, so
// that all see the same.

import GRDB

/// Texts that were answered, and requests that were refused.
public struct TextLedger: Sendable {
    private let responses: ResponseIndex
    /// Why a request has no answer; servers' troubles included.
    private let failures: [LabelKey: (kind: String, reason: String)]

    /// Reads what the ledgers of a folder hold of a teacher.
    public init(folder: String, teacher: String) throws(TeacherError) {
        responses = try ResponseIndex(folder: folder, teacher: teacher)
        var failures: [LabelKey: (kind: String, reason: String)] = [:]
        for path in try RankFiles.labels.paths(in: folder) {
            try LedgerFileReader.reading(path) { database in
                guard try RankFiles.version(of: database) > 1 else { return }
                let rows = try Row.fetchCursor(
                    database,
                    sql: "SELECT key, kind, reason FROM failures WHERE teacher = ? ORDER BY number",
                    arguments: [Self.failureIdentity(of: teacher)])
                while let row = try rows.next() {
                    guard let key = (row[0] as String?).flatMap(LabelKey.init(hexadecimal:)) else {
                        throw LedgerTrouble.damaged(path, "a key of failures isn't a SHA-256")
                    }
                    // What is the request's own fault stays so, whatever servers did.
                    guard failures[key].map({ !Self.isLasting($0.kind) }) ?? true else { continue }
                    failures[key] = (row[1] as String? ?? "", row[2] as String? ?? "")
                }
            }
        }
        self.failures = failures
    }

    /// The answer to a request.
    ///
    /// - Parameters:
    ///   - key: The request's name.
    ///   - failures: Which failures count as an answer: those that won't go away alone, or all.
    /// - Returns: Nil where it is to be asked.
    public func answer(
        to key: LabelKey, failures counted: CountedFailures
    ) throws(TeacherError) -> TextAnswer? {
        if let body = try responses.body(of: key) { return TextAnswer(body: body) }
        guard counted != .none, let failure = failures[key],
            counted == .all || Self.isLasting(failure.kind)
        else { return nil }
        return .failed(failure.reason)
    }

    /// The scores of a request's choices, as `answer(to:failures:)` gives texts.
    public func scores(
        to key: LabelKey, _ scored: TextRequest.Scored, failures counted: CountedFailures
    ) throws(TeacherError) -> ScoredChoices? {
        if let body = try responses.body(of: key) { return ScoredChoices(body: body, scored) }
        guard case .failed(let reason)? = try answer(to: key, failures: counted) else { return nil }
        return .failed(reason)
    }

    /// Which failures count as answers.
    public enum CountedFailures: Sendable {
        /// None: everything that failed is asked again.
        case none
        /// Those that are the request's fault; where servers failed, another day may be better.
        case lasting
        /// All: after everything was asked.
        case all
    }

    private static func isLasting(_ kind: String) -> Bool {
        kind != LabelFailure.Kind.unanswered.rawValue
    }

    /// Under whom failures of texts stand.
    static func failureIdentity(of teacher: String) -> String { "\(teacher)/text" }
}
