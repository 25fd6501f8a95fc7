// What a way of moving bytes between ranks must offer. The collectives are written once, over this;
// so threads in one process and processes under MPI run the same algorithms, in the same order.
//
// It isn't public: which transport is underneath shows nowhere above a `Communicator`.

/// One message of a batch: bytes that go to a peer, or the place for bytes that come from it.
struct Message {
    enum Direction { case send, receive }
    let direction: Direction
    let peer: Int
    let base: UnsafeMutableRawPointer
    let byteCount: Int

    static func send(_ base: UnsafeRawPointer, bytes: Int, to peer: Int) -> Message {
        Message(
            direction: .send, peer: peer, base: UnsafeMutableRawPointer(mutating: base),
            byteCount: bytes)
    }

    static func receive(_ base: UnsafeMutableRawPointer, bytes: Int, from peer: Int) -> Message {
        Message(direction: .receive, peer: peer, base: base, byteCount: bytes)
    }
}

/// What happens to a counter and the value that comes to it.
enum CounterRule {
    /// Their sum, wrapping.
    case sum
    /// The greater one.
    case maximum

    func callAsFunction(_ held: Int64, _ value: Int64) -> Int64 {
        switch self {
        case .sum: held &+ value
        case .maximum: max(held, value)
        }
    }
}

/// Messages that were started together and are finished together.
protocol MessageBatch: AnyObject {}

/// A rank's end of a transport.
///
/// All calls except `raise`, `hasFailure` and `wake` are made by the rank's communication thread.
/// Messages between two ranks match in the order in which they were started.
protocol Endpoint: AnyObject {
    var rank: Int { get }
    var size: Int { get }

    /// Opens a collective. Every rank opens the same ones in the same order.
    func open(_ name: String)

    /// Closes the collective that is open.
    func close()

    /// Starts messages; the memory stays valid until they are finished, or a failure was thrown.
    func start(_ messages: [Message]) throws -> any MessageBatch

    /// Waits until every message of the batch is done, or throws as soon as any rank has failed.
    /// After a throw no message of this endpoint touches memory any more.
    func finish(_ batch: any MessageBatch) throws

    /// Adds to counter `slot` of rank 0 and returns what it held.
    func fetchAdd(slot: Int, _ delta: Int64) throws -> Int64

    /// Combines each value with one of the counters from `slot` on, in one message, and returns what
    /// they held. Each counter is changed atomically; between two of them another rank may come in.
    func combine(slot: Int, _ values: [Int64], by rule: CounterRule) throws -> [Int64]

    /// Replaces the value of counter `slot` of rank 0 and returns what it held.
    func exchange(slot: Int, _ value: Int64) throws -> Int64

    /// Records that this rank failed. Any thread may call it.
    func raise(_ failure: RankFailure)

    /// Whether some rank is known to have failed. Any thread may call it; cheap.
    var hasFailure: Bool { get }

    /// If some rank has failed, agrees with all others which failure to report, and throws it.
    func throwFailure() throws

    /// Does what must be done while the rank computes: serve counters, hear of failures.
    /// Returns after how many seconds it wants to be called again; nil if never.
    func idle() -> Double?

    /// Ends the transport: after this nothing else is called. True if it ended in order.
    func shutDown() -> Bool
}
