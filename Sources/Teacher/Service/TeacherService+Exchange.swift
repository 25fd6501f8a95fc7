// One sending of a request and what follows from it: for the board of servers, the counters, the journal,
// and the request.

import Collectives
import Corpus
import Foundation
import NIOHTTP1
import Synchronization

extension TeacherService {
    /// A request on its way.
    struct Way {
        let request: TeacherRequest
        let attempt: Attempt
        var retry: RetryState
        /// Servers that failed this request since it waited last.
        var tried: Set<Int> = []
        var sendings = 0
        /// Microseconds since 1970.
        var notBefore: Int64 = 0
        var lastTrouble = ""
        /// The status of the last answer; 0 where there was none.
        var lastStatus = 0

        /// Tokens that it will probably take: what rates are kept by until the usage is known.
        var estimate: Int64 {
            Int64(request.body.count / 4 + request.completionTokenBound)
        }
    }

    /// What a sending came to.
    private struct Finding {
        var event: RetryState.Event
        var status = 0
        /// What the server or the connection said, for people.
        var trouble = ""
        var response: TeacherResponse?
    }

    /// Sends once; the outcome, or nil if the request goes on.
    func exchange(_ way: inout Way, _ server: Int) async -> RequestOutcome? {
        let sentAt = wallMicroseconds()
        let begun = Self.seconds()
        let result = await transport.send(way.request, to: server)
        let latency = Int64((Self.seconds() - begun) * 1e6)
        if case .failure(.cancelled) = result {
            board.withLock { $0.ended(server) }
            note(lost: way.attempt, "cancelled while it was in flight")
            return .cancelled
        }
        let finding = judge(result, server: server, latency: latency)
        report(finding, result, server: server, sentAt: sentAt)
        if let response = finding.response {
            let attempt = way.attempt
            noteAnswer(response.usage, estimate: way.estimate, attempt)
            return .answered(response, attempt)
        }
        way.lastTrouble = finding.trouble
        way.lastStatus = finding.status
        way.tried.insert(server)
        let hasOther = board.withLock { $0.hasOther(than: way.tried, now: Self.seconds()) }
        return conclude(&way, finding, way.retry.handle(finding.event, hasOther: hasOther))
    }

    private func conclude(
        _ way: inout Way, _ finding: Finding, _ action: RetryState.Action
    ) -> RequestOutcome? {
        func close(_ fate: RetryState.Fate) {
            switch fate {
            case .released: release(way.attempt, isFailure: true)
            case .lost: note(lost: way.attempt, finding.trouble)
            }
        }
        switch action {
        case .accept: return nil
        case .waitForServer:
            close(.released)
            way.tried = []
            way.notBefore = 0
        case .failOver(let fate):
            close(fate)
            way.notBefore = 0
        case .resend(let after, let fate):
            close(fate)
            way.tried = []
            way.notBefore = wallMicroseconds() + Int64(after * 1e6)
        case .refuse(let fate):
            close(fate)
            return .refused(status: finding.status, reason: finding.trouble)
        case .giveUp(let fate):
            close(fate)
            return .exhausted(
                reason: "given up after \(way.sendings) sendings; the last: \(finding.trouble)",
                isThrottled: finding.status == 429 || finding.status == 503)
        case .failJob:
            close(.released)
            let error = TeacherError(
                .configuration,
                "the teacher refuses every request like this one (\(finding.trouble)): "
                    + Self.advice(finding.status))
            clerk.fail(error)
            return .failed(error)
        }
        return nil
    }

    private static func advice(_ status: Int) -> String {
        switch status {
        case 300...399: "the server is elsewhere, give the base_url that it names"
        case 401, 403: "look at api_key, and at what it is allowed"
        case 402, 429: "the account has no money left"
        case 404, 405: "look at base_url (it mostly ends with /v1) and at the model's name"
        default: "look at the proxy and base_url"
        }
    }

    // MARK: Reading what came

    private func judge(
        _ result: Result<HTTPTransport.Answer, HTTPTransport.Failure>, server: Int, latency: Int64
    ) -> Finding {
        let name = servers[server].description
        switch result {
        case .failure(.notConnected(let reason)):
            return Finding(event: .notConnected, trouble: "\(name): \(scrubbed(reason))")
        case .failure(.broken(let reason)):
            return Finding(event: .broken, trouble: "\(name): \(scrubbed(reason))")
        case .failure(.timedOut), .failure(.cancelled):
            return Finding(
                event: .timedOut, trouble: "\(name): no whole answer in \(options.timeout) s")
        case .failure(.tooLong):
            return Finding(
                event: .tooLong, status: 200,
                trouble: "\(name): the answer is longer than \(options.maximumAnswerBytes) bytes")
        case .success(let answer) where answer.status == 200:
            let (usage, finishReason, isWhole) = inspect(answer.body)
            guard isWhole else {
                if Self.isForeign(answer.body) {
                    let type = answer.headers.first(name: "content-type") ?? "without content-type"
                    let beginning = text(of: answer.body).prefix(120)
                    return Finding(
                        event: .foreign, status: 200,
                        trouble:
                            "\(name): 200, and no JSON but \(type.prefix(60)): '\(beginning)'; is "
                            + "base_url the API's, and what stands before it in order?")
                }
                return Finding(
                    event: .incomplete, status: 200,
                    trouble: "\(name): 200 and no whole answer: \(text(of: answer.body))")
            }
            return Finding(
                event: .whole, status: 200,
                response: TeacherResponse(
                    body: answer.body, usage: usage, finishReason: finishReason, server: name,
                    latencyMicroseconds: latency))
        case .success(let answer):
            let hints = ServerHints(answer.headers, now: Date().timeIntervalSince1970)
            let said = text(of: answer.body)
            let trouble = "\(name): HTTP \(answer.status)\(said.isEmpty ? "" : ": \(said)")"
            let isBroke = answer.status == 429 && contains(answer.body, "insufficient_quota")
            return Finding(
                event: isBroke ? .quotaUsedUp : .status(answer.status, hint: hints.wait),
                status: answer.status, trouble: trouble)
        }
    }

    /// Whether a body isn't even the beginning of JSON.
    private static func isForeign(_ body: [UInt8]) -> Bool {
        guard let first = body.first(where: { $0 != 0x20 && !(0x09...0x0D ~= $0) }) else {
            return false
        }
        return first != UInt8(ascii: "{") && first != UInt8(ascii: "[")
    }

    /// What a server says of an error: its message if it is JSON, one line, at most 300 characters, and
    /// without the key.
    private func text(of body: [UInt8]) -> String {
        let beginning = body.prefix(64 << 10)
        var text = String(decoding: beginning, as: UTF8.self)
        if let whole = try? JSONSerialization.jsonObject(with: Data(beginning)) as? [String: Any] {
            let error = whole["error"]
            text =
                (error as? [String: Any])?["message"] as? String ?? error as? String
                ?? whole["message"] as? String ?? whole["detail"] as? String ?? text
        }
        let words = text.split(whereSeparator: { $0.isWhitespace || $0.isNewline })
        return String(scrubbed(words.joined(separator: " ")).prefix(300))
    }

    private func scrubbed(_ text: String) -> String {
        options.apiKey?.scrubbed(text) ?? text
    }

    private func contains(_ body: [UInt8], _ word: String) -> Bool {
        String(decoding: body.prefix(64 << 10), as: UTF8.self).contains(word)
    }

    // MARK: Telling others

    /// Tells the board, and where a server wants rest, all ranks.
    private func report(
        _ finding: Finding, _ result: Result<HTTPTransport.Answer, HTTPTransport.Failure>,
        server: Int, sentAt: Int64
    ) {
        var hints = ServerHints()
        if case .success(let answer) = result {
            hints = ServerHints(answer.headers, now: Date().timeIntervalSince1970)
        }
        let isThrottled =
            finding.status == 429 || (finding.status == 503 && hints.retryAfter != nil)
        let pause = isThrottled ? hints.wait : hints.exhaustedFor
        let isAlone = servers.count == 1
        board.withLock { board in
            let now = Self.seconds()
            switch finding.event {
            case .status(500...599, _) where !isThrottled, .broken, .timedOut, .notConnected,
                .foreign:
                board.failed(
                    server, isRefusal: finding.event == .notConnected, trouble: finding.trouble,
                    now: now)
            default: board.succeeded(server)
            }
            if let pause, !isAlone { board.pause(server, until: now + pause) }
        }
        let until = pause.flatMap { isAlone ? wallMicroseconds() + Int64($0 * 1e6) : nil }
        if isThrottled {
            clerk.throttled(sentAt: sentAt, pauseUntil: until)
            var change = JobLimits.Change()
            change[.throttled] = 1
            clerk.add(change)
        } else if let until {
            clerk.throttled(sentAt: 0, pauseUntil: until)
        }
    }

    /// An answer came: it isn't in flight any more, its reservation is still held.
    private func noteAnswer(
        _ usage: LabelRecord.Usage?, estimate: Int64, _ attempt: Attempt
    ) {
        var change = JobLimits.Change()
        change[.inFlight] = -1
        change[.answered] = 1
        if let usage, usage.promptTokens >= 0, usage.completionTokens >= 0 {
            // A count beyond all bounds is a lie, and would stop the whole job by the rate.
            let (sum, overflow) = usage.promptTokens.addingReportingOverflow(
                usage.completionTokens)
            let tokens = overflow ? attempt.reservedTokens : min(Int64(sum), attempt.reservedTokens)
            change[.tokensIn] = min(Int64(usage.promptTokens), attempt.reservedTokens)
            change[.tokensOut] = min(Int64(usage.completionTokens), attempt.reservedTokens)
            if let pace = limits.tokenPace {
                change[.tokenWork] = pace.cost(tokens) - pace.cost(estimate)
            }
        }
        clerk.add(change)
    }

    /// An attempt came to nothing and may have cost its reservation.
    private func note(lost attempt: Attempt, _ reason: String) {
        var change = JobLimits.Change()
        change[.inFlight] = -1
        change[.unsettled] = -1
        change[.failed] = 1
        change[.chargedMicro] = attempt.reservedMicro
        clerk.add(change, note: .lost(attempt, reason: reason))
    }

    /// An attempt cost nothing.
    func release(_ attempt: Attempt, isFailure: Bool) {
        var change = JobLimits.Change()
        change.reserve(attempt, times: -1)
        change[.failed] = isFailure ? 1 : 0
        clerk.add(change, note: .released(attempt))
    }
}
