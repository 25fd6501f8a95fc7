// Labelling by a teacher on servers: opens what it needs, lets all ranks work, says what came of it.

import Collectives
import Corpus
import Foundation
import Reporting
import Teacher

/// Labels records over all ranks with a teacher on servers.
struct ServerLabelling {
    let recipe: Recipe
    let teacher: ServerTeacher
    let folder: RunFolder
    let communicator: Communicator
    let console: RunConsole
    let isStopRequested: () -> Bool

    /// Labels the recipe's pool as it is read, row by row.
    ///
    /// - Returns: False when a signal stopped it.
    func runPool() throws -> Bool {
        let source = try CorpusSource(
            recipe.data, paths: recipe.data.pool + recipe.teacher.calibration, labelRequired: false)
        // Rank 0 counts the rows beside the work, and finds a bad one before the work gets there.
        let count = console.isLeader ? RowCount(of: source) : nil
        let summary = try run(total: nil, rows: count) {
            let reader = try PoolReader(source)
            return { try reader.next() }
        }
        return !summary.wasStopped
    }

    /// Labels the records of a sequence.
    ///
    /// - Parameters:
    ///   - total: How many there are, where that is known.
    ///   - rows: Counts them otherwise.
    ///   - open: Begins the sequence anew.
    func run(
        total: Int?, rows: RowCount? = nil, open: @escaping () throws -> RecordSequence
    ) throws -> LabellingSummary {
        let store = try AnswerStore(
            folder: folder.labels, rank: communicator.rank, size: communicator.size,
            teacher: teacher.teacher)
        if store.killedUnderWay + store.recoveredAnswers > 0 {
            console.warn(
                "an earlier process was killed: \(store.recoveredAnswers) answers recovered, at "
                    + "most \(store.killedUnderWay) requests will be sent a second time")
        }
        // What killed processes left is in the ledgers now; from here on all ranks see the same.
        try communicator.barrier()
        let spent = try LedgerTotals(folder: folder.labels)
        let known = try KeySet(
            labelsIn: folder.labels, teacher: teacher.identity,
            countingFailures: !recipe.teacher.retryFailed)
        let limits = try JobLimits(
            on: communicator, budget: try budget(), rate: rate,
            spent: TeacherSpending(
                micro: spent.priceMicro, tokens: spent.chargedTokens,
                requests: spent.chargedRequests))
        let service = try TeacherService(
            options: teacher.options, limits: limits, journal: store, seed: recipe.seed,
            inspect: ServerLabeller.inspection)
        let summary: LabellingSummary
        let panel: LabellingPanel
        do {
            panel = try LabellingPanel(
                communicator: communicator, console: console, service: service,
                teacher: teacher, total: total, rows: rows)
            summary = try label(open, known, service, store, panel, rows)
        } catch {
            // What had arrived is kept, and connections are closed in order.
            service.shutDownAndWait()
            try? store.close()
            throw error
        }
        service.shutDownAndWait()
        try store.close()
        try communicator.barrier()
        // Rank 0 adds the ledgers up; all ranks end with its words, whichever is heard.
        var trouble = ""
        if console.isLeader {
            let totals = try LedgerTotals(folder: folder.labels)
            panel.finish(summary, totals)
            trouble = try self.trouble(summary, totals) { try panel.total ?? rows?.whole() }
        }
        let told = try communicator.allGather(Array(trouble.utf8))[0]
        guard told.isEmpty else {
            throw TeacherError(
                summary.isOverBudget ? .budgetReached : .noAnswer,
                String(decoding: told, as: UTF8.self))
        }
        return summary
    }

    /// Why the labels aren't what was wanted; empty where they are.
    private func trouble(
        _ summary: LabellingSummary, _ totals: LedgerTotals, rows: () throws -> Int?
    ) throws -> String {
        if summary.isOverBudget { return try overBudget(totals, rows()) }
        let counts = summary.counts
        guard counts.labelled == 0, counts.failed > 0, summary.cached == 0 else { return "" }
        let failure = totals.failures.first { $0.teacher == teacher.identity }
        return "none of \(counts.failed) texts got a label: "
            + (failure.map { "\($0.kind), as: \($0.example)" } ?? "see `retort labels show`")
            + "; after mending that, teacher.retry_failed: true asks again"
    }

    private func label(
        _ open: @escaping () throws -> RecordSequence, _ known: KeySet, _ service: TeacherService,
        _ store: AnswerStore, _ panel: LabellingPanel, _ rows: RowCount?
    ) throws -> LabellingSummary {
        let formats = AnswerFormatChoice()
        defer { note(formats) }
        return try LabellingJob(
            open: open, known: known, leaseSize: recipe.teacher.recordsPerLease,
            communicator: communicator, isStopRequested: isStopRequested,
            observe: { summary in
                try rows?.check()
                note(formats)
                try panel.show(summary)
            }
        ).run {
            ServerLabeller(
                task: teacher.task, service: service, store: store,
                earlier: try ResponseIndex(folder: folder.labels, teacher: teacher.teacher),
                teacher: teacher.teacher, formats: formats)
        }
    }

    /// Says what the servers don't take; all ranks meet the same, and one tells it.
    private func note(_ formats: AnswerFormatChoice) {
        guard console.isLeader, let note = formats.takeNote() else { return }
        console.warn(note)
    }

    private var rate: TeacherRate {
        TeacherRate(
            requestsPerMinute: recipe.rate.requestsPerMinute.map { Int64($0) },
            tokensPerMinute: recipe.rate.tokensPerMinute.map { Int64($0) },
            maxInFlight: recipe.rate.maxInFlight)
    }

    private func budget() throws -> TeacherBudget {
        TeacherBudget(
            micro: try recipe.budget.usd.map { try TokenPrices.micro($0, "budget.usd") },
            tokens: recipe.budget.tokens.map { Int64($0) },
            requests: recipe.budget.requests.map { Int64($0) })
    }

    /// What was reached, and what a higher cap would buy.
    private func overBudget(_ spent: LedgerTotals, _ total: Int?) throws -> String {
        var caps: [String] = []
        if let usd = recipe.budget.usd {
            caps.append("usd \(money(spent.priceMicro)) of \(money(Int64(usd * 1e6)))")
        }
        if let tokens = recipe.budget.tokens {
            caps.append("tokens \(spent.chargedTokens) of \(tokens)")
        }
        if let requests = recipe.budget.requests {
            caps.append("requests \(spent.chargedRequests) of \(requests)")
        }
        var text = "the budget is reached (\(caps.joined(separator: ", ")))"
        let labelled = try KeySet(
            labelsIn: folder.labels, teacher: teacher.identity, countingFailures: true
        ).count
        if let total, labelled > 0 {
            let left = total - labelled
            let share = Double(left) / Double(labelled)
            text +=
                "; \(labelled) of \(total) texts are done, the other \(left) need about "
                + "\(Int(share * Double(spent.chargedRequests))) requests, "
                + "\(Int(share * Double(spent.chargedTokens))) tokens"
            if spent.priceMicro > 0 {
                text += ", \(money(Int64(share * Double(spent.priceMicro)))) more"
            }
        }
        return text + "; everything is kept: raise budget.* and give the same command again"
    }
}

/// Money for people: `1.2345`.
func money(_ micro: Int64) -> String { fixed(Double(micro) / 1e6, micro < 10_000_000 ? 4 : 2) }

extension CorpusSource {
    /// Files read as a recipe's data section says.
    init(_ options: Recipe.DataOptions, paths: [String], labelRequired: Bool) throws {
        self.init(
            paths: paths, format: options.format.flatMap(CorpusFormat.init(rawValue:)),
            textField: options.textField, labelField: options.labelField,
            labelRequired: labelRequired, idField: options.idField,
            inputField: options.inputField,
            onBadRow: options.onBadRow == "skip" ? .skip : .refuse)
        fields = options.fields
    }
}

/// A reader that closures can hold.
final class PoolReader {
    private var reader: RecordReader

    init(_ source: CorpusSource) throws {
        reader = try RecordReader(source)
    }

    func next() throws -> Record? { try reader.next() }
}

/// Counts a pool's rows on a thread of its own.
final class RowCount: @unchecked Sendable {
    private let condition = NSCondition()
    private var count = 0
    private var result: Result<Int, any Error>?

    init(of source: CorpusSource) {
        let thread = Thread { [self] in
            let result = Result { try read(source) }
            condition.withLock {
                self.result = result
                condition.broadcast()
            }
        }
        thread.name = "retort.rows"
        thread.start()
    }

    private func read(_ source: CorpusSource) throws -> Int {
        let reader = try PoolReader(source)
        var count = 0
        while try reader.next() != nil { count += 1 }
        return count
    }

    /// All rows, once they are counted.
    var total: Int? { condition.withLock { try? result?.get() } }

    /// All rows, waiting for the count to end.
    func whole() throws -> Int {
        try condition.withLock {
            while true {
                if let result { return try result.get() }
                condition.wait()
            }
        }
    }

    /// Throws what reading threw.
    func check() throws {
        if case .failure(let error) = condition.withLock({ result }) { throw error }
    }
}
