// The labelling stage: every rank asks the teacher for the leases that it takes, and writes the answers
// to its own ledger before anything uses them.
//
// What any earlier run of any rank count answered already is not asked again. Leases come from one
// counter shared by all ranks, so slow ranks take fewer.

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
    /// Records without an answer.
    var missing: Int { answers.count { $0 == nil } }
}

/// Labels records over all ranks.
struct LabelStage {
    let teacher: any Teacher
    let folder: RunFolder
    let leaseSize: Int
    let communicator: Communicator
    let console: RunConsole
    /// False to go by the answers that are there.
    let mayAsk: Bool

    func run(_ records: [Record]) throws -> LabelStageResult {
        let keys = records.map {
            LabelKey(teacher: teacher.identity, request: teacher.requestBytes(for: $0))
        }
        // All ranks read the ledgers before any writes, so that all see the same records missing.
        let known = try LedgerContents(folder: folder.labels)
        try communicator.barrier()
        let missing = keys.indices.filter { known.answer(to: keys[$0]) == nil }
        let asked = mayAsk ? missing : []
        try ask(asked.map { records[$0] }, of: records.count, known)
        try communicator.barrier()
        let all = asked.isEmpty ? known : try LedgerContents(folder: folder.labels)
        return LabelStageResult(
            answers: keys.map { all.answer(to: $0) }, asked: asked.count,
            cached: records.count - missing.count)
    }

    private func ask(_ missing: [Record], of total: Int, _ known: LedgerContents) throws {
        let leases = try communicator.counter(named: "label.leases")
        let answered = try communicator.counter(named: "label.answered")
        guard !missing.isEmpty else { return }
        let ledger = try LabelLedger(folder: folder.labels, rank: communicator.rank)
        let labeller = Labeller(teacher: teacher, ledger: ledger, known: known)
        var dealer = LeaseDealer(count: missing.count, leaseSize: leaseSize) {
            try leases.fetchAdd($0)
        }
        let cached = total - missing.count
        let progress = console.progress(
            "labelling", total: total, done: cached, unit: "texts")
        while let lease = try dealer.next() {
            try communicator.checkFailure()
            _ = try labeller.label(Array(missing[lease]))
            let done = try answered.fetchAdd(Int64(lease.count)) + Int64(lease.count)
            progress?.update(done: cached + Int(done), note: "cached \(cached), failed 0")
        }
        try communicator.barrier()
        progress?.finish(done: total, note: "cached \(cached), failed 0")
    }
}
