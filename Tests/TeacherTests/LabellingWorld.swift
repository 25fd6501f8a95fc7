// Labelling by several ranks in the test's process, against servers in it.

import Collectives
import Corpus
import Foundation
import Synchronization
import TestSupport

@testable import Teacher

/// A pool, a folder of ledgers and a way to label.
struct LabellingWorld: Sendable {
    var texts: [String]
    /// Where each rank's server is.
    var urls: [String]
    var options = LabelTaskOptions(model: "m", labels: ["cat", "dog"])
    var budget = TeacherBudget()
    var countsFailures = true
    /// Ends the job when this many records have a label.
    var stopsAt: Int?
    var timeout = 10.0
    var maxRetries = 8
    let folder: String

    init(_ texts: [String], urls: [String], folder: String) {
        self.texts = texts
        self.urls = urls
        self.folder = folder
    }

    /// Answers every text that holds `dog` with dog, others with cat, at 80 %.
    static func answer(_ question: ServiceTestServer.Question) -> ServiceTestServer.Reply {
        let isDog = String(decoding: question.body, as: UTF8.self).contains("a dog")
        let (label, other) = isDog ? ("dog", "cat") : ("cat", "dog")
        var reply = ServiceTestServer.Reply()
        reply.body = """
            {"choices":[{"index":0,"message":{"role":"assistant","content":"\(label)"},\
            "finish_reason":"stop","logprobs":{"content":[{"token":"\(label)","logprob":-0.223143551,\
            "top_logprobs":[{"token":"\(label)","logprob":-0.223143551},\
            {"token":"\(other)","logprob":-1.609437912}]}]}}],\
            "usage":{"prompt_tokens":20,"completion_tokens":1}}
            """
        return reply
    }

    var records: [Record] {
        texts.enumerated().map { index, text in
            Record(id: "r\(index)", text: text, source: Place(file: "pool.txt", line: index + 1))
        }
    }

    /// Labels the pool on as many ranks as there are servers; rank 0's summary.
    ///
    /// On threads of its own: ranks stand still in collectives, and the cooperative pool, on which the
    /// requests run, must not.
    @discardableResult
    func label() async throws -> LabellingSummary {
        let world = self
        return try await withCheckedThrowingContinuation { continuation in
            Thread.detachNewThread {
                continuation.resume(
                    with: Result {
                        try ThreadWorld.run(ranks: world.urls.count) { try world.label(on: $0) }[0]
                    })
            }
        }
    }

    private func label(on communicator: Communicator) throws -> LabellingSummary {
        let task = try LabelTask(options)
        let identity = ServerLabeller.identity(teacher: "t", task: task)
        let store = try AnswerStore(
            folder: folder, rank: communicator.rank, size: communicator.size, teacher: "t")
        try communicator.barrier()
        let spent = try LedgerTotals(folder: folder)
        let known = try KeySet(
            labelsIn: folder, teacher: identity, countingFailures: countsFailures)
        let limits = try JobLimits(
            on: communicator, budget: budget, rate: TeacherRate(maxInFlight: 16),
            spent: TeacherSpending(
                micro: spent.priceMicro, tokens: spent.chargedTokens,
                requests: spent.chargedRequests))
        var service = ServiceOptions(baseURLs: [urls[communicator.rank]])
        service.giveUpSeconds = 0.3
        service.timeout = timeout
        service.maxRetries = maxRetries
        let made = try TeacherService(
            options: service, limits: limits, journal: store, seed: 1,
            inspect: ServerLabeller.inspection)
        defer { made.shutDownAndWait() }
        let records = records
        let labelled = Mutex(0)
        let job = LabellingJob(
            open: {
                var next = 0
                return {
                    guard next < records.count else { return nil }
                    defer { next += 1 }
                    return records[next]
                }
            }, known: known, leaseSize: 4, communicator: communicator,
            isStopRequested: { stopsAt.map { stop in labelled.withLock { $0 >= stop } } ?? false },
            observe: { summary in labelled.withLock { $0 = summary.counts.labelled } })
        let summary = try job.run {
            ServerLabeller(
                task: task, service: made, store: store,
                earlier: try ResponseIndex(folder: folder, teacher: "t"), teacher: "t")
        }
        try store.close()
        return summary
    }

    /// The labels in the ledgers, by record.
    func labels() throws -> [String: LabelRecord] {
        let task = try LabelTask(options)
        let contents = try LedgerContents(
            folder: folder, teacher: ServerLabeller.identity(teacher: "t", task: task))
        return Dictionary(
            uniqueKeysWithValues: contents.entries.map { ($0.answer.id, $0.answer) })
    }
}
