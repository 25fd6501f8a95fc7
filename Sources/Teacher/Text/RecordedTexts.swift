// Texts that were answered before: another run's ledgers, or a file. Free and without a network.

import Corpus
import GRDB

/// Serves recorded texts.
public struct RecordedTexts: Sendable {
    /// Where they lie.
    public let path: String
    /// By a request's digest, whichever teacher was asked: ledgers of text requests.
    private let keys: [String: (teacher: String, key: LabelKey)]
    private let ledgers: [String: TextLedger]
    /// By record: files, and ledgers of records that were labelled with texts.
    private let byRecord: [String: LabelRecord]

    /// Reads a JSONL file of answers with texts, or a folder of ledgers.
    ///
    /// - Parameters:
    ///   - path: The file or folder.
    ///   - teacher: Whose answers, where a folder has those of several; nil takes all.
    /// - Throws: `TeacherError`, `noAnswer` where nothing is there.
    public init(path: String, teacher wanted: String? = nil) throws {
        self.path = path
        var keys: [String: (teacher: String, key: LabelKey)] = [:]
        var answers: [LabelRecord] = []
        if isFolder(path) {
            for file in try RankFiles.labels.paths(in: path) {
                try LedgerFileReader.reading(file) { database in
                    guard try RankFiles.version(of: database) > 1 else { return }
                    let rows = try Row.fetchCursor(
                        database,
                        sql: """
                            SELECT key, record_id, teacher FROM responses
                            WHERE ?1 IS NULL OR teacher = ?1 ORDER BY number
                            """, arguments: [wanted])
                    while let row = try rows.next() {
                        guard let key = (row[0] as String?).flatMap(LabelKey.init(hexadecimal:)),
                            let digest = (row[1] as String?)?.split(separator: " ").last
                        else { continue }
                        let name = String(digest)
                        if keys[name] == nil { keys[name] = (row[2] as String? ?? "", key) }
                    }
                }
            }
            answers = try LedgerContents(folder: path, teacher: wanted).answersByRecord()
        } else {
            answers = try LabelReader.readAll(path: path)
        }
        answers = answers.filter { $0.text != nil }
        guard !keys.isEmpty || !answers.isEmpty else {
            throw TeacherError(
                .noAnswer,
                "\(path): holds no texts of a teacher; give a run's labels folder, or JSON lines with "
                    + "id and text")
        }
        self.keys = keys
        byRecord = Dictionary(answers.map { ($0.id, $0) }) { first, _ in first }
        let teachers = Set(keys.values.map(\.teacher)).sorted(by: JSONText.precedes)
        ledgers = try Dictionary(
            uniqueKeysWithValues: teachers.map {
                ($0, try TextLedger(folder: path, teacher: $0))
            })
    }

    /// The recorded answer to a request: to the same words, or else under its id (of a later attempt,
    /// `id#attempt`).
    ///
    /// - Throws: `TeacherError`, `noAnswer` where there is none.
    public func answer(to request: TextRequest) throws(TeacherError) -> TextAnswer {
        if let found = keys[request.digest],
            let answer = try ledgers[found.teacher]?.answer(to: found.key, failures: .none)
        {
            return answer
        }
        let name = request.attempt == 0 ? request.id : "\(request.id)#\(request.attempt)"
        guard let record = byRecord[name], let text = record.text else {
            throw TeacherError(
                .noAnswer,
                "\(path): no text is recorded for request '\(name)'; was it recorded with the same "
                    + "prompts, sampling and examples?")
        }
        guard record.finishReason == "length" else {
            return .text(text, finishReason: record.finishReason)
        }
        return .cut(text)
    }

    /// The recorded scores of a request's choices: of ledgers, where the same was asked.
    ///
    /// - Throws: `TeacherError`, `noAnswer` where there are none.
    public func scores(to request: TextRequest) throws(TeacherError) -> ScoredChoices {
        if let scored = request.scored, let found = keys[request.digest],
            let scores = try ledgers[found.teacher]?.scores(
                to: found.key, scored, failures: .none)
        {
            return scores
        }
        throw TeacherError(
            .noAnswer,
            "\(path): no scores are recorded for request '\(request.id)'; was it recorded with the same "
                + "items and prompts?")
    }

    /// One line for people.
    public var description: String { "recorded texts of \(path)" }
}
