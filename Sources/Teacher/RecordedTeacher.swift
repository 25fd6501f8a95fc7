// A teacher that was asked before: its answers come from a file or another run's ledger, free and
// without a network. It answers by record id; where its answers lie doesn't matter to its identity,
// what they are does.

public import Corpus
import Crypto

/// Serves recorded answers.
public struct RecordedTeacher: Teacher {
    /// Where the answers lie.
    public let path: String
    /// `recorded:` and a hash of all answers: a folder of ledgers and the file that was exported
    /// from it are the same teacher.
    public let identity: String
    private let answers: [LabelRecord]
    private let indexes: [String: Int]

    /// Reads a JSONL file (`.gz` or not) in the recorded form, or a folder of ledgers; of a folder
    /// with answers of several teachers, one must be named.
    public init(path: String, ledgerTeacher: String? = nil) throws {
        self.path = path
        if isFolder(path) {
            let contents = try LedgerContents(folder: path, teacher: ledgerTeacher)
            answers = try contents.answersByRecord().map { answer in
                // What the recorded answers cost is the other run's affair.
                var answer = answer
                answer.usage = nil
                return try answer.validated()
            }
            guard !answers.isEmpty else {
                try refuseStranger(ledgerTeacher, path)
                throw TeacherError(
                    .noAnswer, "\(path): no label ledger (rank-*.sqlite) here holds an answer")
            }
        } else {
            answers = try LabelReader.readAll(path: path).map { answer in
                var answer = answer
                answer.usage = nil
                return answer
            }
        }
        indexes = Dictionary(
            uniqueKeysWithValues: answers.enumerated().map { ($0.element.id, $0.offset) })
        var hash = SHA256()
        for answer in answers.sorted(by: { JSONText.precedes($0.id, $1.id) }) {
            hash.update(data: Array(answer.jsonLine.utf8))
            hash.update(data: [UInt8(ascii: "\n")])
        }
        identity = "recorded:" + ContentHash.hexadecimal(hash.finalize().prefix(8))
    }

    /// `recorded answers of FILE (3020)`.
    public var description: String { "recorded answers of \(path) (\(answers.count))" }

    /// All class names that its answers speak of, in the order of their bytes.
    public func labelSet() throws(CorpusError) -> LabelSet {
        try LabelSet(discoveredIn: answers)
    }

    /// The answer recorded for an id.
    public func answer(forID id: String) -> LabelRecord? {
        indexes[id].map { answers[$0] }
    }

    /// A recorded answer is found by the record's id.
    public func requestBytes(for record: Record) -> [UInt8] { Array(record.id.utf8) }

    /// The recorded answers; a record without one ends it with an error that counts them.
    public func label(_ records: [Record]) throws -> [LabelRecord] {
        let found = records.compactMap { answer(forID: $0.id) }
        guard found.count == records.count else {
            let missing = records.filter { indexes[$0.id] == nil }
            throw TeacherError(
                .noAnswer,
                "\(path): no answer is recorded for \(missing.count) of \(records.count) records, "
                    + "the first: id '\(missing[0].id)' (\(missing[0].source)); "
                    + "does this file belong to this data?")
        }
        return found
    }
}
