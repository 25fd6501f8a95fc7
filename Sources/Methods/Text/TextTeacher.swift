// Where a method asks for texts: a teacher on servers, in this process, or recorded, behind one call that
// all ranks make together. What it gives is the same list on all ranks and for any count of them; every
// answer is in the ledger before it is used, and is found there for free by whoever asks the same again.
//
// Not here: what is asked, and what is made of the answers; that is a method's.

public import Collectives
import Corpus
import Foundation
import Reporting
public import Teacher
public import TensorCore

/// What asking for texts has come to, over all calls of this process and all ranks.
public struct TextFigures: Sendable, Equatable {
    /// Texts that were wanted.
    public var wanted = 0
    /// Of these, the ones that needed no asking: the ledger had them, or an earlier one asks the same.
    public var cached = 0
    /// Requests to which the teacher has no text.
    public var failed = 0
    /// Requests that were answered or may have been, and so count against the budget.
    public var requests: Int64 = 0
    /// Tokens sent, as the teacher says.
    public var promptTokens: Int64 = 0
    /// Tokens that came back.
    public var completionTokens: Int64 = 0
    /// Money, in millionths of the currency.
    public var priceMicro: Int64 = 0

    /// Figures of nothing.
    public init() {}

    mutating func add(_ after: LedgerTotals, less before: LedgerTotals) {
        requests += after.chargedRequests - before.chargedRequests
        promptTokens += after.promptTokens - before.promptTokens
        completionTokens += after.completionTokens - before.completionTokens
        priceMicro += after.priceMicro - before.priceMicro
    }
}

/// A signal ended the asking, on all ranks; what was answered is kept, and the same call goes on.
public struct TextsStopped: Error, Sendable {
    /// A stop.
    public init() {}
}

/// A source of texts for methods.
public final class TextTeacher {
    /// One line for people.
    public let description: String
    /// What asking has come to so far; the same on all ranks.
    public private(set) var figures = TextFigures()
    private let source: any TextSource
    private let folder: String
    private let communicator: Communicator
    private let retriesFailed: Bool

    /// The teacher that a recipe names; a collective.
    ///
    /// - Parameters:
    ///   - recipe: Its teacher, budget and rate.
    ///   - folder: The run's folder, whose ledgers take the answers.
    ///   - communicator: The ranks.
    ///   - compute: Where a teacher in this process runs.
    ///   - console: How the run speaks.
    ///   - isStopRequested: True when this rank was asked to stop.
    /// - Throws: `TeacherError`, `MethodError`, and what opening models throws.
    public init(
        _ recipe: Recipe, folder: RunFolder, communicator: Communicator, compute: Compute,
        console: RunConsole, isStopRequested: @escaping () -> Bool
    ) throws {
        self.folder = folder.labels
        self.communicator = communicator
        retriesFailed = recipe.teacher.retryFailed
        if console.isLeader {
            try FileManager.default.createDirectory(
                atPath: folder.labels, withIntermediateDirectories: true)
        }
        try communicator.barrier()
        let place = TextPlace(
            recipe: recipe, folder: folder.labels, communicator: communicator, console: console,
            isStopRequested: isStopRequested)
        source = try TextSources.make(place, compute)
        description = source.description
    }

    /// The teacher of a run; a collective.
    convenience init(_ session: RunSession) throws {
        try self.init(
            session.recipe, folder: session.folder, communicator: session.communicator,
            compute: session.compute, console: session.console,
            isStopRequested: session.isStopRequested)
    }

    /// Another teacher of a run, with the run's ledgers, budget and rate; a collective.
    convenience init(_ session: RunSession, as teacher: Recipe.TeacherOptions) throws {
        var recipe = session.recipe
        recipe.teacher = teacher
        try self.init(
            recipe, folder: session.folder, communicator: session.communicator,
            compute: session.compute, console: session.console,
            isStopRequested: session.isStopRequested)
    }

    /// The teacher's texts: an answer to each request, in their order.
    ///
    /// A collective: every rank calls it with the same requests. Requests that ask the same share an
    /// answer.
    ///
    /// - Throws: `TextsStopped` after a signal; `TeacherError` with `budgetReached` at the cap, and
    ///   `unreachable` where no server answers: on all ranks, and everything is kept.
    public func answers(to requests: [TextRequest]) throws -> [TextAnswer] {
        let answers = try collected(
            requests, recorded: source.recorded,
            read: { ledger, key, _, failures in try ledger.answer(to: key, failures: failures) })
        figures.failed += answers.count { $0.words == nil }
        return answers
    }

    /// The teacher's scores of choices, for requests that ask for them; otherwise as `answers(to:)`.
    public func scores(of requests: [TextRequest]) throws -> [ScoredChoices] {
        let scores = try collected(
            requests, recorded: source.recordedScores,
            read: { ledger, key, request, failures in
                guard let scored = request.scored else {
                    preconditionFailure("'\(request.id)' scores nothing")
                }
                return try ledger.scores(to: key, scored, failures: failures)
            })
        figures.failed += scores.count { if case .failed = $0 { true } else { false } }
        return scores
    }

    /// What some requests have cost so far, whichever call paid for them; nobody writes meanwhile.
    func cost(of requests: [TextRequest]) throws -> LedgerTotals {
        guard source.usesLedger else { return LedgerTotals() }
        return try LedgerTotals(
            folder: folder, of: Set(try requests.map { try source.key(of: $0) }))
    }

    /// Reads an answer of a ledger; nil where it is to be asked.
    private typealias Reading<Answer> = (
        TextLedger, LabelKey, TextRequest, TextLedger.CountedFailures
    ) throws -> Answer?

    /// Answers of one kind, from a source that has all or out of the ledgers.
    private func collected<Answer>(
        _ requests: [TextRequest], recorded: (TextRequest) throws -> Answer,
        read: Reading<Answer>
    ) throws -> [Answer] {
        figures.wanted += requests.count
        guard source.usesLedger else {
            figures.cached += requests.count
            return try requests.map(recorded)
        }
        let keys = try requests.map { try source.key(of: $0) }
        // All have ended what they wrote before any reads, and read before any writes.
        try communicator.barrier()
        let known = try TextLedger(folder: folder, teacher: source.identity)
        var missing: [Int] = []
        var seen: Set<LabelKey> = []
        let counted: TextLedger.CountedFailures = retriesFailed ? .none : .lasting
        for (index, key) in keys.enumerated() where seen.insert(key).inserted {
            if try read(known, key, requests[index], counted) == nil { missing.append(index) }
        }
        figures.cached += keys.count - missing.count
        guard !missing.isEmpty else { return try all(keys, requests, known, read) }
        let before = try LedgerTotals(folder: folder)
        try communicator.barrier()
        try source.ask(missing.map { requests[$0] })
        try communicator.barrier()
        figures.add(try LedgerTotals(folder: folder), less: before)
        return try all(
            keys, requests, TextLedger(folder: folder, teacher: source.identity), read)
    }

    private func all<Answer>(
        _ keys: [LabelKey], _ requests: [TextRequest], _ ledger: TextLedger,
        _ read: Reading<Answer>
    ) throws -> [Answer] {
        try zip(keys, requests).map { key, request in
            guard let answer = try read(ledger, key, request, .all) else {
                throw TeacherError(
                    .noAnswer,
                    "text request '\(request.id)': asked, and no answer is in \(folder)")
            }
            return answer
        }
    }
}

/// What a source of texts works with.
struct TextPlace {
    let recipe: Recipe
    /// The folder of ledgers.
    let folder: String
    let communicator: Communicator
    let console: RunConsole
    let isStopRequested: () -> Bool
}

/// Somebody who gives texts.
protocol TextSource {
    /// One line for people.
    var description: String { get }
    /// The name in the ledger's keys.
    var identity: String { get }
    /// False for one that has all its answers.
    var usesLedger: Bool { get }
    /// The name of a request.
    func key(of request: TextRequest) throws -> LabelKey
    /// Asks on all ranks together; when it returns, the ledgers hold the answers.
    func ask(_ requests: [TextRequest]) throws
    /// The answer of one that has all.
    func recorded(_ request: TextRequest) throws -> TextAnswer
    /// The scores of one that has all.
    func recordedScores(_ request: TextRequest) throws -> ScoredChoices
}

extension TextSource {
    func recordedScores(_ request: TextRequest) throws -> ScoredChoices {
        .failed("none are recorded")
    }
}

/// Makes the source that a recipe names.
enum TextSources {
    static func make(_ place: TextPlace, _ compute: Compute) throws -> any TextSource {
        let teacher = place.recipe.teacher
        switch teacher.kind {
        case .openai: return try ServerTexts(place, compute)
        case .local: return try LocalTexts(place, compute)
        case .recorded:
            return RecordedTextSource(
                texts: try RecordedTexts(path: teacher.path, teacher: teacher.recordedTeacher))
        case .encoder:
            throw MethodError(
                .invalidRecipe,
                "teacher.kind: encoder gives labels, and this method wants texts; set it to openai, "
                    + "local or recorded")
        }
    }
}

/// A source that was asked before.
private struct RecordedTextSource: TextSource {
    let texts: RecordedTexts

    var description: String { texts.description }
    var identity: String { "recorded" }
    var usesLedger: Bool { false }

    func key(of request: TextRequest) throws -> LabelKey {
        LabelKey(teacher: identity, request: Array(request.id.utf8))
    }

    func ask(_ requests: [TextRequest]) throws {}

    func recorded(_ request: TextRequest) throws -> TextAnswer { try texts.answer(to: request) }

    func recordedScores(_ request: TextRequest) throws -> ScoredChoices {
        try texts.scores(to: request)
    }
}
