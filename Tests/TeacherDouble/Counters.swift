// What the server counted, for tests to compare with: every number can be asked for at any time.

import Foundation
import NIOCore
import Synchronization

/// What became of a request.
enum Fate {
    /// A whole answer with status 200 went out; tokens are those that its usage truly told. `flaw`
    /// names what is wrong with it.
    case answered(promptTokens: Int, completionTokens: Int, flaw: String?)
    /// An answer of another status went out whole.
    case refused(status: Int, String)
    /// No whole answer went out: cut, hung, or the client had gone.
    case lost(String)
}

/// The server's counts.
final class Counters: Sendable {
    private let state = Mutex(State())
    private let log: RequestLog?

    init(log: RequestLog?) { self.log = log }

    private struct State {
        var requests = 0
        var answered = 0
        var inFlight = 0
        var maximumInFlight = 0
        var byStatus: [Int: Int] = [:]
        var byFault: [String: Int] = [:]
        var promptTokens = 0
        var completionTokens = 0
        /// Whole answers a body, by the body's hash.
        var answersOfBody: [UInt64: Int32] = [:]
        var repeated = 0
        var first: Double?
        var last: Double?
        var second = Window(seconds: 1)
        var minute = Window(seconds: 60)
    }

    /// Notes a request; gives its number from 0, and how many are in flight with it.
    func begin(body: UInt64) -> (number: Int, inFlight: Int) {
        let now = NIODeadline.now()
        let clock = Date().timeIntervalSince1970
        return state.withLock { state in
            state.requests += 1
            state.inFlight += 1
            state.maximumInFlight = max(state.maximumInFlight, state.inFlight)
            state.answersOfBody[body, default: 0] += 0
            state.first = state.first ?? clock
            state.last = clock
            state.second.add(now)
            state.minute.add(now)
            return (state.requests - 1, state.inFlight)
        }
    }

    /// Notes the end of a request.
    func end(body: UInt64, _ fate: Fate) {
        let (inFlight, name) = state.withLock { state in
            defer { state.inFlight -= 1 }
            switch fate {
            case .answered(let promptTokens, let completionTokens, let flaw):
                state.answered += 1
                if let flaw { state.byFault[flaw, default: 0] += 1 }
                state.byStatus[200, default: 0] += 1
                state.promptTokens += promptTokens
                state.completionTokens += completionTokens
                let count = (state.answersOfBody[body] ?? 0) + 1
                state.answersOfBody[body] = count
                if count == 2 { state.repeated += 1 }
                return (state.inFlight, flaw.map { "200 \($0)" } ?? "200")
            case .refused(let status, let name):
                state.byStatus[status, default: 0] += 1
                state.byFault[name, default: 0] += 1
                return (state.inFlight, "\(status) \(name)")
            case .lost(let name):
                state.byFault[name, default: 0] += 1
                return (state.inFlight, name)
            }
        }
        log?.append(body: body, outcome: name, inFlight: inFlight)
    }

    /// Forgets everything but what is in flight.
    func reset() {
        state.withLock { state in
            let inFlight = state.inFlight
            state = State()
            (state.inFlight, state.maximumInFlight) = (inFlight, inFlight)
        }
    }

    /// All counts as a JSON object.
    func json() -> String {
        state.withLock { state in
            func object<Key: Comparable>(_ counts: [Key: Int]) -> String {
                let members = counts.sorted { $0.key < $1.key }.map { "\"\($0.key)\":\($0.value)" }
                return "{\(members.joined(separator: ","))}"
            }
            func time(_ seconds: Double?) -> String { seconds.map { "\($0)" } ?? "null" }
            let members = [
                "\"requests\":\(state.requests)", "\"answered\":\(state.answered)",
                "\"in_flight\":\(state.inFlight)", "\"max_in_flight\":\(state.maximumInFlight)",
                "\"by_status\":\(object(state.byStatus))", "\"by_fault\":\(object(state.byFault))",
                "\"prompt_tokens\":\(state.promptTokens)",
                "\"completion_tokens\":\(state.completionTokens)",
                "\"unique_requests\":\(state.answersOfBody.count)",
                "\"repeated_requests\":\(state.repeated)",
                "\"max_in_1s\":\(state.second.maximum)", "\"max_in_60s\":\(state.minute.maximum)",
                "\"first\":\(time(state.first))", "\"last\":\(time(state.last))",
            ]
            return "{\(members.joined(separator: ","))}\n"
        }
    }
}

/// The most events in any window of a length, events coming in order.
private struct Window {
    private let length: TimeAmount
    private var times: [NIODeadline] = []
    /// The oldest event that the newest window still holds.
    private var oldest = 0
    private(set) var maximum = 0

    init(seconds: Int64) { length = .seconds(seconds) }

    mutating func add(_ time: NIODeadline) {
        times.append(time)
        while times[oldest] + length <= time { oldest += 1 }
        maximum = max(maximum, times.count - oldest)
        if oldest > 65_536, oldest > times.count / 2 {
            times.removeFirst(oldest)
            oldest = 0
        }
    }
}

/// A line a request, in a file; lines are whole, for each is one write.
final class RequestLog: Sendable {
    private let descriptor: Int32

    init(path: String) throws {
        descriptor = open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0o644)
        guard descriptor >= 0 else {
            throw CocoaError(.fileWriteUnknown, userInfo: [NSFilePathErrorKey: path])
        }
    }

    func append(body: UInt64, outcome: String, inFlight: Int) {
        let time = Date().timeIntervalSince1970
        let line = "\(time) \(String(body, radix: 16)) \(outcome) \(inFlight)\n"
        let bytes = Array(line.utf8)
        _ = write(descriptor, bytes, bytes.count)
    }
}
