// What is to be sent for a request: the faults first, in one order, then the answer.

import Foundation
import NIOCore

/// What all connections share.
final class Service: Sendable {
    let faults: FaultOptions
    let seed: UInt64
    let apiKey: String?
    let labels: [String]
    let counters: Counters
    /// Who answers instead of the labels; nil for the labels.
    private let voice: (any Voice)?
    private let latency: Double
    private let jitter: Double
    private let rateLimit: RateLimit?

    init(
        faults: FaultOptions, seed: UInt64, apiKey: String?, labels: [String], latency: Double,
        jitter: Double, counters: Counters, rateLimit: RateLimit?, voice: (any Voice)? = nil
    ) {
        self.faults = faults
        self.seed = seed
        self.apiKey = apiKey
        self.labels = labels
        self.latency = latency
        self.jitter = jitter
        self.counters = counters
        self.rateLimit = rateLimit
        self.voice = voice
    }

    /// What a connection does for a request.
    struct Plan {
        var response: ByteBuffer
        var delay = TimeAmount.zero
        var fate: Fate
        /// How much of the response is sent, where it isn't all of it.
        var ending = Ending.whole
    }

    /// How a response ends.
    enum Ending {
        case whole
        /// Half of it, then the connection closes.
        case cut
        /// Half of it, then the process ends.
        case death
        /// Nothing at all.
        case silence
    }

    /// The plan for a request whose body is `body`.
    func plan(
        isChat: Bool, authorization: String?, body: UnsafeRawBufferPointer, number: Int,
        inFlight: Int, _ answers: Answers
    ) -> Plan {
        if let apiKey, authorization != "Bearer \(apiKey)" {
            return refusal(401, "unauthorized", "incorrect API key provided")
        }
        if let most = faults.maxConcurrent, inFlight > most {
            return refusal(503, "max_concurrent", "the server is overloaded")
        }
        var headers = ""
        if let rateLimit {
            let (wait, left) = rateLimit.take()
            headers =
                "x-ratelimit-limit-requests: \(Int(rateLimit.perMinute))\r\n"
                + "x-ratelimit-remaining-requests: \(left)\r\n"
                + "x-ratelimit-reset-requests: \(Int((wait * 1000).rounded(.up)))ms\r\n"
            if wait > 0 {
                headers += "retry-after: \(Int(wait.rounded(.up)))\r\n"
                headers += "retry-after-ms: \(Int((wait * 1000).rounded(.up)))\r\n"
                return refusal(429, "rate_limit", "rate limit reached for requests", headers)
            }
        }
        let draws = FaultDraws(seed: seed, number: number)
        if draws.strikes(.storm, faults.storm429) {
            let after = faults.retryAfter.map { "retry-after: \(Self.short($0))\r\n" } ?? ""
            return refusal(429, "storm", "too many requests", headers + after)
        }
        if draws.strikes(.fail, faults.fail500) {
            return refusal(500, "fail_500", "the server had an error")
        }
        guard let scan = RequestScan(body, isChat: isChat), !scan.wantsStream else {
            return refusal(
                400, "bad_request", "no text to answer in this body, or it wants a stream")
        }
        return answer(scan, isChat, body, draws, headers, answers)
    }

    private func answer(
        _ scan: RequestScan, _ isChat: Bool, _ body: UnsafeRawBufferPointer, _ draws: FaultDraws,
        _ headers: String, _ answers: Answers
    ) -> Plan {
        let verdict = answers.verdict(UnsafeRawBufferPointer(rebasing: body[scan.text]))
        if faults.refuse400 > 0,
            Hash.unit(Hash.mix(seed &+ 77, verdict.hash)) < faults.refuse400
        {
            return refusal(400, "refuse_400", "this content can't be processed")
        }
        var (flaw, flawName) = flaw(draws)
        let hidesLogprobs = scan.wantsLogprobs && draws.strikes(.noLogprobs, faults.noLogprobs)
        var completionTokens = 0
        var json = ByteBuffer()
        json.reserveCapacity(2048)
        json.writeStaticString("{\"id\":\"")
        json.writeString("\(isChat ? "chatcmpl" : "cmpl")-\(draws.number)")
        json.writeString("\",\"object\":\"\(isChat ? "chat.completion" : "text_completion")\"")
        json.writeString(",\"created\":1750000000,\"model\":\"teacher-double\",\"choices\":[")
        if let voice {
            let spoken = voice.choices(scan, isChat: isChat, body: body)
            json.writeImmutableBuffer(spoken.bytes)
            completionTokens = spoken.completionTokens
            flawName = spoken.flaw ?? flawName
        }
        for index in 0..<(voice == nil ? scan.choiceCount : 0) {
            let label = answers.label(
                ofChoice: index, label: verdict.label, sureness: verdict.sureness,
                hash: verdict.hash)
            let choice = answers.choice(
                .init(
                    isChat: isChat, label: label, sureness: verdict.sureness,
                    alternatives: scan.wantsLogprobs && !hidesLogprobs
                        ? min(max(scan.topLogprobs, 0), 20) : nil,
                    isJSON: scan.wantsJSON, maximumTokens: min(max(scan.maximumTokens, 0), 64),
                    index: index, flaw: flaw), likeliest: verdict.label)
            completionTokens += choice.completionTokens
            if index > 0 { json.writeStaticString(",") }
            json.writeImmutableBuffer(choice.bytes)
        }
        json.writeStaticString("]")
        let lies = draws.strikes(.lie, faults.lieUsage)
        json.writeString(usage(scan.promptTokens, completionTokens, lies: lies, draws))
        json.writeStaticString("}")

        // What isn't told truly isn't counted: no ledger could have it.
        var plan = Plan(
            response: ByteBuffer(),
            fate: .answered(
                promptTokens: lies ? 0 : scan.promptTokens,
                completionTokens: lies ? 0 : completionTokens,
                flaw: lies ? "lie_usage" : flawName ?? (hidesLogprobs ? "no_logprobs" : nil)))
        if draws.strikes(.badJSON, faults.badJson) {
            plan.fate = .answered(promptTokens: 0, completionTokens: 0, flaw: "bad_json")
            json.moveWriterIndex(to: json.readerIndex + json.readableBytes * 3 / 5)
        }
        plan.response = Self.response(200, headers, json)
        let isSlow = draws.strikes(.slow, faults.slow)
        let wait = (latency + jitter * draws.uniform(.latency)) * (isSlow ? 20 : 1)
        plan.delay = .microseconds(Int64(wait * 1000))
        if faults.dieAfter == draws.number + 1 {
            (plan.ending, plan.fate) = (.death, .lost("death"))
        } else if draws.strikes(.hang, faults.hang) {
            (plan.ending, plan.fate) = (.silence, .lost("hang"))
        } else if draws.strikes(.cut, faults.cut) {
            (plan.ending, plan.fate) = (.cut, .lost("cut"))
        }
        return plan
    }

    private func flaw(_ draws: FaultDraws) -> (Answers.Flaw, String?) {
        if draws.strikes(.empty, faults.empty) { return (.empty, "empty") }
        if draws.strikes(.length, faults.length) { return (.cut, "length") }
        if draws.strikes(.wrong, faults.wrongLabel) { return (.noLabel, "wrong_label") }
        if draws.strikes(.duplicate, faults.duplicateLogprobs) {
            return (.duplicate, "duplicate_logprobs")
        }
        return (.none, nil)
    }

    private func usage(_ prompt: Int, _ completion: Int, lies: Bool, _ draws: FaultDraws) -> String
    {
        func object(_ prompt: String, _ completion: String, _ total: String) -> String {
            ",\"usage\":{\"prompt_tokens\":\(prompt),\"completion_tokens\":\(completion),"
                + "\"total_tokens\":\(total)}"
        }
        guard lies else {
            return object("\(prompt)", "\(completion)", "\(prompt + completion)")
        }
        switch Int(draws.uniform(.lieKind) * 4) {
        case 0: return object("-\(prompt + 1)", "\(completion)", "-1")
        case 1: return object("999999999999999", "999999999999999", "1999999999999998")
        case 2: return ""
        default: return object("\"\(prompt)\"", "\"\(completion)\"", "\"\"")
        }
    }

    private func refusal(
        _ status: Int, _ name: String, _ message: String, _ headers: String = ""
    ) -> Plan {
        let body =
            "{\"error\":{\"message\":\"\(message)\",\"type\":\"\(name)\",\"code\":\(status)}}"
        return Plan(
            response: Self.response(status, headers, ByteBuffer(string: body)),
            fate: .refused(status: status, name))
    }

    /// Status line, headers and body as one buffer.
    static func response(_ status: Int, _ headers: String, _ body: ByteBuffer) -> ByteBuffer {
        var buffer = ByteBuffer()
        buffer.reserveCapacity(body.readableBytes + headers.utf8.count + 128)
        buffer.writeString("HTTP/1.1 \(status) \(reason(status))\r\n")
        buffer.writeStaticString("content-type: application/json\r\ncontent-length: ")
        buffer.writeString("\(body.readableBytes)\r\n")
        buffer.writeString(headers)
        buffer.writeStaticString("\r\n")
        buffer.writeImmutableBuffer(body)
        return buffer
    }

    private static func reason(_ status: Int) -> String {
        switch status {
        case 200: "OK"
        case 400: "Bad Request"
        case 401: "Unauthorized"
        case 404: "Not Found"
        case 429: "Too Many Requests"
        case 503: "Service Unavailable"
        default: "Internal Server Error"
        }
    }

    private static func short(_ seconds: Double) -> String {
        seconds == seconds.rounded() ? "\(Int(seconds))" : "\(seconds)"
    }
}
