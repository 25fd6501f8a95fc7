// What the server counts, in Prometheus' text form. Names and labels are a promise to dashboards.
// Reference: prometheus.io/docs/instrumenting/exposition_formats.

import Synchronization

/// The server's counts.
final class ServeMetrics: Sendable {
    private let state = Mutex(State())

    private struct State {
        /// By route and status.
        var requests: [RouteStatus: Int] = [:]
        /// Seconds by route.
        var latency: [String: Histogram] = [:]
        var inFlight = 0
        var promptTokens = 0
        var completionTokens = 0
        var batchTexts = Histogram(bounds: [1, 2, 4, 8, 16, 32, 64, 128, 256])
        var batchTokens = Histogram(bounds: [64, 256, 1024, 2048, 4096, 8192, 16384])
    }

    private struct RouteStatus: Hashable, Comparable {
        let route: String
        let status: Int

        static func < (left: RouteStatus, right: RouteStatus) -> Bool {
            (left.route, left.status) < (right.route, right.status)
        }
    }

    /// Notes that a request came.
    func begin() { state.withLock { $0.inFlight += 1 } }

    /// Notes how a request ended.
    func end(route: String, status: Int, seconds: Double) {
        state.withLock { state in
            state.inFlight -= 1
            state.requests[RouteStatus(route: route, status: status), default: 0] += 1
            state.latency[route, default: Histogram(bounds: Self.secondBounds)].add(seconds)
        }
    }

    /// Notes the tokens of an answer.
    func noteTokens(prompt: Int, completion: Int) {
        state.withLock { state in
            state.promptTokens += prompt
            state.completionTokens += completion
        }
    }

    /// Notes a pass through the model.
    func noteBatch(texts: Int, tokens: Int) {
        state.withLock { state in
            state.batchTexts.add(Double(texts))
            state.batchTokens.add(Double(tokens))
        }
    }

    private static let secondBounds = [
        0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1, 2, 5, 10, 30,
    ]

    /// All counts, as Prometheus reads them.
    ///
    /// - Parameters:
    ///   - waiting: Texts that wait for the model.
    func text(waiting: Int) -> String {
        state.withLock { state in
            var page = MetricsPage()
            page.begin("retort_requests_total", .counter, "Requests answered.")
            for (key, count) in state.requests.sorted(by: { $0.key < $1.key }) {
                page.add(count, [("route", key.route), ("status", String(key.status))])
            }
            page.begin("retort_request_seconds", .histogram, "Seconds from request to answer.")
            for (route, histogram) in state.latency.sorted(by: { $0.key < $1.key }) {
                page.add(histogram, [("route", route)])
            }
            page.begin("retort_requests_in_flight", .gauge, "Requests without an answer yet.")
            page.add(state.inFlight)
            page.begin("retort_queue_waiting", .gauge, "Texts that wait for the model.")
            page.add(waiting)
            page.begin("retort_batch_texts", .histogram, "Texts in a pass through the model.")
            page.add(state.batchTexts)
            page.begin("retort_batch_tokens", .histogram, "Tokens in a pass through the model.")
            page.add(state.batchTokens)
            page.begin("retort_tokens_total", .counter, "Tokens of answered requests.")
            page.add(state.promptTokens, [("kind", "prompt")])
            page.add(state.completionTokens, [("kind", "completion")])
            return page.text
        }
    }
}

/// Counts of values by size.
private struct Histogram {
    let bounds: [Double]
    /// Values up to each bound, those up to the one before not included; then those beyond all.
    var counts: [Int]
    var sum = 0.0

    init(bounds: [Double]) {
        self.bounds = bounds
        counts = Array(repeating: 0, count: bounds.count + 1)
    }

    mutating func add(_ value: Double) {
        counts[bounds.firstIndex { value <= $0 } ?? bounds.count] += 1
        sum += value
    }
}

/// A page of metrics being written.
private struct MetricsPage {
    enum Kind: String {
        case counter, gauge, histogram
    }

    private(set) var text = ""
    private var name = ""

    mutating func begin(_ name: String, _ kind: Kind, _ help: String) {
        self.name = name
        text += "# HELP \(name) \(help)\n# TYPE \(name) \(kind.rawValue)\n"
    }

    mutating func add(_ value: Int, _ labels: [(String, String)] = []) {
        line("", labels, String(value))
    }

    mutating func add(_ histogram: Histogram, _ labels: [(String, String)] = []) {
        var total = 0
        for (bound, count) in zip(histogram.bounds, histogram.counts) {
            total += count
            let edge = bound == bound.rounded() ? String(Int(bound)) : String(bound)
            line("_bucket", labels + [("le", edge)], String(total))
        }
        total += histogram.counts[histogram.bounds.count]
        line("_bucket", labels + [("le", "+Inf")], String(total))
        line("_sum", labels, String(histogram.sum))
        line("_count", labels, String(total))
    }

    /// Label values are routes and numbers of ours, so nothing in them needs escaping.
    private mutating func line(_ suffix: String, _ labels: [(String, String)], _ value: String) {
        let inside = labels.map { "\($0.0)=\"\($0.1)\"" }.joined(separator: ",")
        text += name + suffix + (inside.isEmpty ? "" : "{\(inside)}") + " \(value)\n"
    }
}
