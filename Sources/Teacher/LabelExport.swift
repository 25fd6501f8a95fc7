// A run's labels as one file in the recorded form: for other tools, for other runs, for the archive.

import Corpus
import Foundation

/// Writes the answers of a folder of ledgers as one file.
public enum LabelExport {
    /// Writes one answer a record, sorted by id, to a JSONL file (compressed if it ends in `.gz`),
    /// and says how many there were.
    @discardableResult
    public static func write(
        folder: String, teacher: String? = nil, to path: String
    ) throws -> Int {
        guard isFolder(folder) else {
            throw TeacherError(.ledgerUnreadable, "\(folder): no such folder of label ledgers")
        }
        let answers = try LedgerContents(folder: folder, teacher: teacher).answersByRecord()
        guard !answers.isEmpty else {
            try refuseStranger(teacher, folder)
            throw TeacherError(
                .noAnswer, "\(folder): no label ledger (rank-*.sqlite) here holds an answer")
        }
        try LabelFile.write(answers, to: path)
        return answers.count
    }
}

/// Says whose answers a folder holds, where it holds some and none of the teacher that was named.
func refuseStranger(_ teacher: String?, _ folder: String) throws(TeacherError) {
    guard let teacher else { return }
    let known = try LedgerContents(folder: folder).teachers
    guard !known.isEmpty, !known.contains(teacher) else { return }
    throw TeacherError(
        .noAnswer,
        "\(folder): no answer of '\(teacher)' is here; there are those of "
            + known.map { "'\($0)'" }.joined(separator: ", "))
}

/// Whether a path names a folder.
func isFolder(_ path: String) -> Bool {
    var answer: ObjCBool = false
    return unsafe FileManager.default.fileExists(atPath: path, isDirectory: &answer)
        && answer.boolValue
}
