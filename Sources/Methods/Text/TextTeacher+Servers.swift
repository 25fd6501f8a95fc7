// Texts of a teacher on servers: from the recipe's sections to a job over all ranks, and what a person
// sees of it.

import Collectives
import Corpus
import Reporting
import Teacher
import TensorCore

/// Texts of servers.
struct ServerTexts: TextSource {
    let description: String
    private let place: TextPlace
    private let teacher: ServerTeacher
    private let job: TextJob

    var identity: String { teacher.teacher }
    var usesLedger: Bool { true }

    init(_ place: TextPlace, _ compute: Compute) throws {
        self.place = place
        var recipe = place.recipe
        // Prompts, labels and confidences are a labelling task's; a method brings its own words.
        let asked = recipe.teacher.task
        recipe.teacher.task = LabelTaskOptions(model: asked.model)
        recipe.teacher.task.route = asked.route
        recipe.teacher.task.answer = .text
        recipe.teacher.labels = []
        guard case .servers(let teacher) = try TeacherFactory.make(recipe, compute: compute) else {
            throw MethodError(.invalidRecipe, "teacher.kind: \(recipe.teacher.kind) has no servers")
        }
        self.teacher = teacher
        description = teacher.description
        job = TextJob(
            writer: TextRequestWriter(
                teacher: teacher.teacher, model: asked.model, route: asked.route,
                extraBody: asked.extraBody, topLogprobs: asked.topLogprobs),
            options: teacher.options, budget: try recipe.budget.caps, rate: recipe.rate.limits,
            folder: place.folder, seed: recipe.seed, leaseSize: recipe.teacher.recordsPerLease,
            communicator: place.communicator, isStopRequested: place.isStopRequested)
        let recovered = try job.recover()
        if recovered.answers + recovered.underWay > 0 {
            place.console.warn(
                "an earlier process was killed: \(recovered.answers) answers recovered, at most "
                    + "\(recovered.underWay) requests will be sent a second time")
        }
    }

    func key(of request: TextRequest) throws -> LabelKey { try job.writer.request(request).key }

    func recorded(_ request: TextRequest) throws -> TextAnswer { .failed("it is on servers") }

    func ask(_ requests: [TextRequest]) throws {
        var panel: LabellingPanel?
        let summary = try job.ask(requests) { service in
            let made = try LabellingPanel(
                communicator: place.communicator, console: place.console, service: service,
                teacher: teacher, total: requests.count, rows: nil)
            panel = made
            return { try made.show($0) }
        }
        // Rank 0 adds the ledgers up; all ranks end with its words, whichever is heard.
        var trouble = ""
        if place.console.isLeader {
            let totals = try LedgerTotals(folder: place.folder)
            panel?.finish(summary, totals)
            if summary.isOverBudget {
                trouble =
                    "\(place.recipe.budget.reached(totals)); \(summary.counts.labelled) of "
                    + "\(requests.count) texts came before that; everything is kept: raise budget.* "
                    + "and give the same command again"
            }
        }
        let told = try place.communicator.broadcast(Array(trouble.utf8))
        guard !summary.isOverBudget else {
            throw TeacherError(.budgetReached, String(decoding: told, as: UTF8.self))
        }
        guard !summary.wasStopped else { throw TextsStopped() }
    }
}

extension Recipe.BudgetOptions {
    /// The caps as the service counts.
    var caps: TeacherBudget {
        get throws {
            TeacherBudget(
                micro: try usd.map { try TokenPrices.micro($0, "budget.usd") },
                tokens: tokens.map { Int64($0) }, requests: requests.map { Int64($0) })
        }
    }

    /// Which cap was reached, in words.
    func reached(_ spent: LedgerTotals) -> String {
        var caps: [String] = []
        if let usd { caps.append("usd \(money(spent.priceMicro)) of \(money(Int64(usd * 1e6)))") }
        if let tokens { caps.append("tokens \(spent.chargedTokens) of \(tokens)") }
        if let requests { caps.append("requests \(spent.chargedRequests) of \(requests)") }
        return "the budget is reached (\(caps.joined(separator: ", ")))"
    }
}

extension Recipe.RateOptions {
    /// The limits as the service counts.
    var limits: TeacherRate {
        TeacherRate(
            requestsPerMinute: requestsPerMinute.map { Int64($0) },
            tokensPerMinute: tokensPerMinute.map { Int64($0) }, maxInFlight: maxInFlight)
    }
}
