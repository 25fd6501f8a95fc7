// The labelling stage: every rank asks the teacher for the leases that it takes, and its ledger holds
// an answer before anything uses it. What any earlier run of any rank count answered is not asked again.
//
// A teacher in this process is asked here; one on servers, many requests at a time, in ServerLabelling.

import Collectives
import Corpus
import Foundation
import Reporting
import Teacher

/// What the labelling stage has.
struct LabelStageResult: Sendable {
    /// The answer to each record, nil where the teacher has none.
    let answers: [LabelRecord?]
    /// Records that were asked for now, over all ranks.
    let asked: Int
    /// Records that were answered by an earlier call.
    let cached: Int
    /// What is noted of this stage in the report; nil where the teacher costs nothing.
    var spending: LedgerTotals?
    /// False when a signal stopped it.
    var isComplete = true
    /// Records without an answer.
    var missing: Int { answers.count { $0 == nil } }
}

/// Labels records over all ranks.
struct LabelStage {
    let recipe: Recipe
    let teacher: RunTeacher
    let folder: RunFolder
    let communicator: Communicator
    let console: RunConsole
    /// False to go by the answers that are there.
    let mayAsk: Bool
    let isStopRequested: () -> Bool

    func run(_ records: [Record]) throws -> LabelStageResult {
        switch teacher {
        case .local(let teacher): try run(records, teacher)
        case .servers(let teacher): try run(records, teacher)
        }
    }

    // MARK: - Servers

    private func run(_ records: [Record], _ teacher: ServerTeacher) throws -> LabelStageResult {
        var summary = LabellingSummary()
        if mayAsk {
            summary = try servers(teacher).run(total: records.count) {
                var next = 0
                return {
                    guard next < records.count else { return nil }
                    defer { next += 1 }
                    return records[next]
                }
            }
        }
        try communicator.barrier()
        let known = try LedgerContents(folder: folder.labels, teacher: teacher.identity)
        return LabelStageResult(
            answers: records.map { known.answer(to: teacher.keys(of: $0).label) },
            asked: summary.counts.labelled + summary.counts.failed, cached: summary.cached,
            spending: try LedgerTotals(folder: folder.labels), isComplete: !summary.wasStopped)
    }

    /// Labelling over servers, with this stage's means.
    func servers(_ teacher: ServerTeacher) -> ServerLabelling {
        ServerLabelling(
            recipe: recipe, teacher: teacher, folder: folder, communicator: communicator,
            console: console, isStopRequested: isStopRequested)
    }

    // MARK: - In this process

    private func run(_ records: [Record], _ teacher: any Teacher) throws -> LabelStageResult {
        let keys = records.map {
            LabelKey(teacher: teacher.identity, request: teacher.requestBytes(for: $0))
        }
        // All ranks read the ledgers before any writes, so that all see the same records missing.
        let known = try LedgerContents(folder: folder.labels)
        try communicator.barrier()
        let missing = keys.indices.filter { known.answer(to: keys[$0]) == nil }
        let asked = mayAsk ? missing : []
        let isComplete = try ask(teacher, asked.map { records[$0] }, of: records.count, known)
        try communicator.barrier()
        let all = asked.isEmpty ? known : try LedgerContents(folder: folder.labels)
        return LabelStageResult(
            answers: keys.map { all.answer(to: $0) }, asked: asked.count,
            cached: records.count - missing.count, isComplete: isComplete)
    }

    /// - Returns: False when a signal stopped it.
    private func ask(
        _ teacher: any Teacher, _ missing: [Record], of total: Int, _ known: LedgerContents
    ) throws -> Bool {
        guard !missing.isEmpty else { return true }
        let ledger = try LabelLedger(folder: folder.labels, rank: communicator.rank)
        let labeller = Labeller(teacher: teacher, ledger: ledger, known: known)
        let cached = total - missing.count
        let progress = console.progress(
            "labelling", total: total, done: cached, unit: "texts")
        // An encoder is through in moments; a decoder may take hours.
        let mayStop = recipe.teacher.kind == .local
        let note = "cached \(cached), failed 0"
        let isComplete = try LocalLeases(
            communicator, count: missing.count, leaseSize: recipe.teacher.recordsPerLease,
            isStopRequested: { mayStop && isStopRequested() }
        ).run(observe: { progress?.update(done: cached + $0, note: note) }) {
            _ = try labeller.label(Array(missing[$0]))
        }
        if isComplete { progress?.finish(done: total, note: note) }
        return isComplete
    }
}
