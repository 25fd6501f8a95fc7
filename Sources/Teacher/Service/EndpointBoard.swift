// Which of several servers gets the next request, as this rank sees them: the one with the fewest
// outstanding. A server that fails is left out for a growing time, then one request alone tries it (a
// circuit breaker; Nygard, Release It!, 2007). No clock and no lock here: times come in.

/// This rank's view of its servers.
struct EndpointBoard {
    /// What a request should do before it queues up.
    enum Gate: Equatable {
        /// Some server is open.
        case open
        /// Try this one, which was out; nobody else does meanwhile.
        case probe(Int)
        /// None is open before this time; they are out since then, nil if they merely pause.
        case closed(until: Double, outSince: Double?)
    }

    private struct Endpoint {
        var outstanding = 0
        var failuresInARow = 0
        var ejections = 0
        /// Out until then, and further until a probe has come back; nil if it isn't out.
        var outUntil: Double?
        var isProbed = false
        var pausedUntil = 0.0
    }

    /// So many failures one after another put a server out; one refused connection does.
    static let failuresToEject = 3
    static let firstEjectionSeconds = 1.0
    static let longestEjectionSeconds = 30.0
    /// While somebody else probes, the others look again after so long.
    static let probePollSeconds = 0.1

    private var endpoints: [Endpoint]
    private var turn: Int
    private var outSince: Double?
    /// Why the last server went out.
    private(set) var lastTrouble = ""

    /// A board of servers that are taken for healthy; ties begin at the rank's number.
    init(count: Int, rank: Int) {
        endpoints = Array(repeating: Endpoint(), count: count)
        turn = rank
    }

    var count: Int { endpoints.count }

    /// Whether a request can queue up at `now`, in seconds.
    mutating func gate(now: Double) -> Gate {
        // A server whose time is up is tried first: it must come back while others are healthy, too.
        for index in endpoints.indices {
            let endpoint = endpoints[index]
            if let until = endpoint.outUntil, until <= now, !endpoint.isProbed,
                endpoint.pausedUntil <= now
            {
                endpoints[index].isProbed = true
                return .probe(index)
            }
        }
        if endpoints.contains(where: { isOpen($0, now) }) { return .open }
        let next = endpoints.map { endpoint -> Double in
            if endpoint.isProbed { return now + Self.probePollSeconds }
            return max(endpoint.outUntil ?? 0, endpoint.pausedUntil, now + 0.001)
        }
        return .closed(until: next.min() ?? now, outSince: outSince)
    }

    /// The server for a request that may be sent at `now`; nil if none is open any more.
    mutating func take(now: Double, avoiding tried: Set<Int>) -> Int? {
        var best: Int?
        for step in endpoints.indices {
            let index = (turn + step) % endpoints.count
            guard isOpen(endpoints[index], now), !tried.contains(index) else { continue }
            if let known = best, endpoints[known].outstanding <= endpoints[index].outstanding {
                continue
            }
            best = index
        }
        guard let best else { return tried.isEmpty ? nil : take(now: now, avoiding: []) }
        turn = (best + 1) % endpoints.count
        endpoints[best].outstanding += 1
        return best
    }

    /// Notes that a probe is sent.
    mutating func takeProbe(_ index: Int) {
        endpoints[index].outstanding += 1
    }

    /// A probe that was not sent after all.
    mutating func giveProbeBack(_ index: Int) {
        endpoints[index].isProbed = false
    }

    /// Whether a server that isn't among the tried ones is open.
    func hasOther(than tried: Set<Int>, now: Double) -> Bool {
        endpoints.indices.contains { !tried.contains($0) && isOpen(endpoints[$0], now) }
    }

    /// A server answered, if only with a refusal: it is alive.
    mutating func succeeded(_ index: Int) {
        endpoints[index].outstanding -= 1
        endpoints[index].failuresInARow = 0
        endpoints[index].ejections = 0
        endpoints[index].outUntil = nil
        endpoints[index].isProbed = false
        outSince = nil
    }

    /// A sending failed; `isRefusal` if not even a connection came about.
    mutating func failed(_ index: Int, isRefusal: Bool, trouble: String, now: Double) {
        endpoints[index].outstanding -= 1
        endpoints[index].failuresInARow += 1
        let wasProbe = endpoints[index].isProbed
        endpoints[index].isProbed = false
        // What was sent before it went out says nothing new.
        if let until = endpoints[index].outUntil, !wasProbe, until > now { return }
        guard
            isRefusal || wasProbe
                || endpoints[index].failuresInARow >= Self.failuresToEject
        else { return }
        lastTrouble = trouble
        let growth = Double(1 << min(endpoints[index].ejections, 10))
        endpoints[index].ejections += 1
        endpoints[index].outUntil =
            now + min(Self.longestEjectionSeconds, Self.firstEjectionSeconds * growth)
        if outSince == nil, endpoints.allSatisfy({ $0.outUntil != nil }) { outSince = now }
    }

    /// A sending ended without telling anything of the server: it was cancelled.
    mutating func ended(_ index: Int) {
        endpoints[index].outstanding -= 1
        endpoints[index].isProbed = false
    }

    /// A server asked for a pause.
    mutating func pause(_ index: Int, until: Double) {
        endpoints[index].pausedUntil = max(endpoints[index].pausedUntil, until)
    }

    /// How many servers are out.
    var outCount: Int { endpoints.count { $0.outUntil != nil } }

    private func isOpen(_ endpoint: Endpoint, _ now: Double) -> Bool {
        endpoint.outUntil == nil && endpoint.pausedUntil <= now
    }
}
