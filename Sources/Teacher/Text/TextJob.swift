// Texts of servers over all ranks: opens this rank's ledger and service, lets the ranks take leases of
// the requests, and closes both, whatever came of it.

public import Collectives
import Corpus

/// Asks servers for texts, on all ranks together.
public struct TextJob {
    /// How requests become bytes.
    public let writer: TextRequestWriter
    /// How servers are reached.
    public let options: ServiceOptions
    /// Caps of the whole run; what the ledgers hold counts.
    public let budget: TeacherBudget
    /// How fast the whole job may ask.
    public let rate: TeacherRate
    /// The folder of ledgers.
    public let folder: String
    /// Of the jitter in waiting times.
    public let seed: UInt64
    /// Requests that a rank takes at a time.
    public let leaseSize: Int
    /// The ranks.
    public let communicator: Communicator
    /// Whether this rank was asked to stop.
    public let isStopRequested: () -> Bool

    /// A job of its parts.
    public init(
        writer: TextRequestWriter, options: ServiceOptions, budget: TeacherBudget,
        rate: TeacherRate, folder: String, seed: UInt64, leaseSize: Int,
        communicator: Communicator, isStopRequested: @escaping () -> Bool
    ) {
        self.writer = writer
        self.options = options
        self.budget = budget
        self.rate = rate
        self.folder = folder
        self.seed = seed
        self.leaseSize = leaseSize
        self.communicator = communicator
        self.isStopRequested = isStopRequested
    }

    /// What killed processes left goes into the ledgers; a collective.
    ///
    /// - Returns: Answers that were recovered, and requests that will be sent a second time at most.
    public func recover() throws -> (answers: Int, underWay: Int) {
        let store = try openStore()
        try store.close()
        try communicator.barrier()
        return (store.recoveredAnswers, store.killedUnderWay)
    }

    /// Asks; every rank calls it with the same requests, none of which has an answer, each once.
    ///
    /// - Parameter observe: Called once with the service, and gives what is called twice a second with
    ///   the counts so far.
    /// - Returns: How it ended. All answers are in the ledgers then, on all ranks.
    public func ask(
        _ texts: [TextRequest],
        observe: (TeacherService) throws -> (LabellingSummary) throws -> Void
    ) throws -> LabellingSummary {
        let asked = try texts.map {
            let (request, key) = try writer.request($0)
            return TextLabeller.Asked(text: $0, request: request, key: key)
        }
        let spent = try LedgerTotals(folder: folder)
        // The counters are made by all ranks together: none writes before all have read.
        let limits = try JobLimits(
            on: communicator, budget: budget, rate: rate,
            spent: TeacherSpending(
                micro: spent.priceMicro, tokens: spent.chargedTokens,
                requests: spent.chargedRequests))
        let store = try openStore()
        let service: TeacherService
        let summary: LabellingSummary
        do {
            service = try TeacherService(
                options: options, limits: limits, journal: store, seed: seed,
                inspect: ServerLabeller.inspection)
        } catch {
            try? store.close()
            throw error
        }
        do {
            summary = try run(asked, service, store, try observe(service))
        } catch {
            // What had arrived is kept, and connections are closed in order.
            service.shutDownAndWait()
            try? store.close()
            throw error
        }
        service.shutDownAndWait()
        try store.close()
        try communicator.barrier()
        return summary
    }

    private func run(
        _ asked: [TextLabeller.Asked], _ service: TeacherService, _ store: AnswerStore,
        _ observe: @escaping (LabellingSummary) throws -> Void
    ) throws -> LabellingSummary {
        // A few texts are dealt out one by one: each may take its server a minute.
        let share = asked.count / (4 * communicator.size)
        return try LabellingJob(
            open: {
                var next = 0
                return {
                    guard next < asked.count else { return nil }
                    defer { next += 1 }
                    return TextLabeller.record(next, asked[next])
                }
            }, known: KeySet(), leaseSize: min(leaseSize, max(1, share)),
            communicator: communicator, isStopRequested: isStopRequested, observe: observe
        ).run { TextLabeller(asked, service: service, store: store, teacher: writer.teacher) }
    }

    private func openStore() throws(TeacherError) -> AnswerStore {
        try AnswerStore(
            folder: folder, rank: communicator.rank, size: communicator.size,
            teacher: writer.teacher)
    }
}
