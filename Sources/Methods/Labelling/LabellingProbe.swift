// A few records asked for real before all are: what tokens and time an answer takes. The answers are
// paid for, so they go into the ledger like any.

public import Collectives
import Corpus
import Foundation
import Teacher
import TensorCore

/// What asking for a few records has shown.
public struct LabellingProbe: Sendable {
    /// Records that were asked.
    public let records: Int
    /// Requests that it took.
    public let requests: Int
    /// Tokens sent.
    public let promptTokens: Int
    /// Tokens that came back.
    public let completionTokens: Int
    /// Mean seconds of an answer.
    public let seconds: Double

    /// Asks a recipe's teacher for its first `count` records that have no label; nil where the teacher
    /// isn't on a server, or everything has its label.
    public static func ask(
        _ recipe: Recipe, count: Int, communicator: Communicator, console: RunConsole
    ) throws -> LabellingProbe? {
        let made = try TeacherFactory.make(recipe, compute: Compute(threads: 1))
        guard case .servers(let teacher) = made else { return nil }
        let folder = RunFolder(path: recipe.outputDirectory, labels: recipe.labelDirectory)
        try folder.create()
        // What a killed process left isn't the probe's.
        try AnswerStore(
            folder: folder.labels, rank: communicator.rank, size: communicator.size,
            teacher: teacher.teacher
        ).close()
        let before = try LedgerTotals(folder: folder.labels)
        let records = try unlabelled(recipe, teacher, folder, count)
        _ = try ServerLabelling(
            recipe: recipe, teacher: teacher, folder: folder, communicator: communicator,
            console: console, isStopRequested: { false }
        ).run(total: records.count) {
            var rest = records[...]
            return { rest.popFirst() }
        }
        let after = try LedgerTotals(folder: folder.labels)
        let requests = Int(after.responses - before.responses)
        guard requests > 0 else { return nil }
        return LabellingProbe(
            records: records.count, requests: requests,
            promptTokens: Int(after.promptTokens - before.promptTokens),
            completionTokens: Int(after.completionTokens - before.completionTokens),
            seconds: Double(after.latencyMicroseconds - before.latencyMicroseconds) / 1e6
                / Double(requests))
    }

    private static func unlabelled(
        _ recipe: Recipe, _ teacher: ServerTeacher, _ folder: RunFolder, _ count: Int
    ) throws -> [Record] {
        let known = try KeySet(
            labelsIn: folder.labels, teacher: teacher.identity, countingFailures: true)
        let reader = try PoolReader(
            CorpusSource(recipe.data, paths: recipe.data.pool, labelRequired: false))
        var records: [Record] = []
        while records.count < count, let record = try reader.next() {
            if !known.contains(teacher.keys(of: record).label) { records.append(record) }
        }
        return records
    }
}
