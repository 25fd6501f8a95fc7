// Where the time of a rank goes: nested spans by name. Off unless someone asks: a context without a
// profile pays one comparison an operation. Not here: what the names mean, and how they are shown.

/// Spans of time measured on one thread, the one that calls the operations of a `Compute`.
public final class Profile {
    /// One measured piece of work.
    public struct Span: Sendable {
        /// What was done.
        public let name: String
        /// Spans around this one.
        public let depth: Int
        /// Start and end, in nanoseconds since the profile was made.
        public let start: Int64
        /// The end.
        public internal(set) var end: Int64
    }

    /// All spans in the order of their starts.
    public private(set) var spans: [Span] = []
    private let origin = ContinuousClock.now
    private var depth = 0
    private let limit: Int

    /// Whether the most spans were measured that this profile takes.
    public var isFull: Bool { spans.count >= limit }

    /// An empty profile; time is counted from now.
    ///
    /// - Parameter limit: Spans beyond this many aren't measured: a long run mustn't fill the memory.
    public init(limit: Int = 1 << 20) {
        self.limit = limit
    }

    /// Nanoseconds since the profile was made.
    public var now: Int64 {
        let (seconds, attoseconds) = (ContinuousClock.now - origin).components
        return seconds * 1_000_000_000 + attoseconds / 1_000_000_000
    }

    /// Forgets what was measured; not to be called inside a span.
    public func removeAll() {
        precondition(depth == 0, "a profile emptied inside \(depth) spans")
        spans.removeAll(keepingCapacity: true)
    }

    /// Runs a body as a span.
    public func measure<Result>(
        _ name: StaticString, _ body: () throws -> Result
    ) rethrows -> Result {
        if isFull { return try body() }
        let index = spans.count
        let start = now
        spans.append(Span(name: "\(name)", depth: depth, start: start, end: start))
        depth += 1
        defer {
            depth -= 1
            spans[index].end = now
        }
        return try body()
    }

    /// Seconds of each span less those of the spans inside it, in the order of `spans`.
    public var selfSeconds: [Double] {
        var own = spans.map { Double($0.end - $0.start) * 1e-9 }
        var enclosing: [Int] = []
        for (index, span) in spans.enumerated() {
            enclosing.removeLast(enclosing.count - span.depth)
            if let outer = enclosing.last { own[outer] -= Double(span.end - span.start) * 1e-9 }
            enclosing.append(index)
        }
        return own
    }
}

extension Compute {
    /// Runs a body, as a span of the profile if there is one.
    @inline(__always)
    public func measured<Result>(
        _ name: StaticString, _ body: () throws -> Result
    ) rethrows -> Result {
        guard let profile else { return try body() }
        return try profile.measure(name, body)
    }
}
