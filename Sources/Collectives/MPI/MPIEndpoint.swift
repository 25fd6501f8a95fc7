// A rank that is a process under MPI. Lives on the communication thread; see Endpoint for the rules.
// Failures and stalls of this transport are in MPIEndpoint+Failure.swift and +Stall.swift.

import CMPI
import Glibc
import Synchronization

/// One process's end of an MPI world.
final class MPIEndpoint: Endpoint, @unchecked Sendable {
    let rank: Int
    let size: Int
    let options: MPIOptions
    let thread: CommunicationThread
    let control: MPIControlChannel
    private let data: MPI_Comm
    private let counters: MPICounterWindow

    // The state below belongs to the communication thread.
    var ballot: FailureBallot
    var goodbyes: Set<Int> = []
    var agreed: RankFailure?
    var place = (number: 0, name: "start", isInside: false, since: monotonicSeconds())
    var answers: [Int: StallReport.Absent] = [:]
    var answeredNumbers: [Int: Int] = [:]
    var active: [ObjectIdentifier: MPIBatch] = [:]
    var lastKnock = 0.0

    // These two are for any thread.
    let failureSeen = Atomic<Bool>(false)
    let ownFailure = Mutex<RankFailure?>(nil)

    /// Initialises MPI; on the communication thread, which makes every call from then on.
    init(options: MPIOptions, launch: LaunchEnvironment, thread: CommunicationThread) throws {
        try Self.initializeMPI()
        guard let world = retort_mpi_world() else {
            throw CollectiveError(code: .lifecycle, message: "MPI has no world communicator")
        }
        // Until this call MPI ends the program by itself on any error.
        try checkMPI(retort_mpi_return_errors(world), "MPI_Comm_set_errhandler")
        var rank: Int32 = 0
        var size: Int32 = 0
        try checkMPI(MPI_Comm_rank(world, &rank), "MPI_Comm_rank")
        try checkMPI(MPI_Comm_size(world, &size), "MPI_Comm_size")
        do {
            try launch.check(worldSize: Int(size))
        } catch {
            MPI_Finalize()
            throw error
        }
        self.rank = Int(rank)
        self.size = Int(size)
        self.options = options
        self.thread = thread
        var duplicate: MPI_Comm?
        try checkMPI(MPI_Comm_dup(world, &duplicate), "MPI_Comm_dup")
        data = duplicate ?? world
        control = try MPIControlChannel(over: world)
        counters = try MPICounterWindow(
            over: world, rank: Int(rank), count: Communicator.counterCapacity)
        ballot = FailureBallot(size: Int(size), rank: Int(rank))
        _ = retort_set_timer_slack(2000)
    }

    private static func initializeMPI() throws(CollectiveError) {
        var flag: Int32 = 0
        try checkMPI(MPI_Initialized(&flag), "MPI_Initialized")
        guard flag == 0 else {
            throw CollectiveError(
                code: .lifecycle,
                message: "MPI is already initialised in this process; one MPIWorld can be made")
        }
        // Open MPI's RDMA windows refuse plain TCP between hosts (MPI_ERR_WIN from MPI_Win_allocate,
        // 4.1.4), and the counters need no more than its point-to-point windows. A choice that the
        // user has made stands.
        setenv("OMPI_MCA_osc", "^rdma", 0)
        var provided: Int32 = 0
        let wanted = Int32(MPI_THREAD_FUNNELED)
        try checkMPI(MPI_Init_thread(nil, nil, wanted, &provided), "MPI_Init_thread")
        guard provided >= wanted else {
            throw CollectiveError(
                code: .lifecycle,
                message: "this MPI library has no thread support (level \(provided)); FUNNELED is"
                    + " needed: install Open MPI as the distribution builds it")
        }
    }

    // MARK: Collectives

    func open(_ name: String) {
        place = (place.number + 1, name, true, monotonicSeconds())
    }

    func close() {
        place.isInside = false
        place.since = monotonicSeconds()
    }

    /// Messages of another collective never match, even where the ranks' calls differ: they then
    /// stall, and the watchdog tells in which collective each of them is.
    private var tag: Int32 {
        let name = place.name.utf8.reduce(0) { ($0 &* 31 &+ Int($1)) & 0xFFFF }
        return Int32((place.number % 1024) * 31 + name % 31)
    }

    func start(_ messages: [Message]) throws -> any MessageBatch {
        let batch = try MPIBatch(
            messages, over: data, tag: tag, pieceBytes: options.maximumMessageBytes)
        active[ObjectIdentifier(batch)] = batch
        return batch
    }

    func finish(_ batch: any MessageBatch) throws {
        guard let batch = batch as? MPIBatch else { preconditionFailure("a foreign batch") }
        let name = place.name
        try wait(kind: .collective) { try batch.test(in: name) }
        active[ObjectIdentifier(batch)] = nil
    }

    // MARK: Counters

    func fetchAdd(slot: Int, _ delta: Int64) throws -> Int64 {
        try finishCounter(counters.startAdd(slot: slot, delta))
        return counters.answer
    }

    func combine(slot: Int, _ values: [Int64], by rule: CounterRule) throws -> [Int64] {
        try finishCounter(counters.startCombine(slot: slot, values, by: rule))
        return counters.answers(values.count)
    }

    func exchange(slot: Int, _ value: Int64) throws -> Int64 {
        try finishCounter(counters.startExchange(slot: slot, value))
        return counters.answer
    }

    private func finishCounter(_ request: MPI_Request?) throws {
        var request = request
        try wait(kind: .counter) {
            var flag: Int32 = 0
            var status = MPI_Status()
            try checkMPI(MPI_Test(&request, &flag, &status), "MPI_Test of a counter")
            return flag != 0
        }
    }

    // MARK: Waiting

    /// Looks until `isOver`, and meanwhile hears the other ranks.
    private func wait(kind: StallWatch.Kind, _ isOver: () throws -> Bool) throws {
        var patience = Patience()
        var watch = StallWatch(kind: kind, options: options.watchdog)
        while true {
            patience.beginLook()
            if try isOver() { return }
            try hear()
            try throwFailure()
            if kind == .counter { try knock(&watch, waited: patience.waited) }
            try look(after: &watch, waited: patience.waited)
            patience.pause(on: thread)
        }
    }

    /// Over a network rank 0 answers when it looks; a rank that had to wait makes it look more often,
    /// for those that come next.
    private func knock(_ watch: inout StallWatch, waited: Double) throws {
        guard rank != 0, !watch.hasKnocked, waited > IdlePause.shortest else { return }
        watch.hasKnocked = true
        try control.send(.knock, to: 0)
    }

    func idle() -> Double? {
        do {
            try hear()
            if failureSeen.load(ordering: .acquiring) { try castVote() }
        } catch {
            // A channel that is broken: the next operation runs into it and reports.
            return IdlePause.longest
        }
        guard agreed == nil else { return IdlePause.shortest }
        let quiet = monotonicSeconds() - max(place.since, lastKnock)
        let longest = rank == 0 ? IdlePause.longestOfCounterHost : IdlePause.longest
        return min(longest, max(IdlePause.shortest, quiet * IdlePause.share))
    }

    // MARK: The end

    func shutDown() -> Bool {
        do {
            if failureSeen.load(ordering: .acquiring) {
                guard try sayGoodbye() else { return false }
            }
            try counters.free()
            try control.close()
            try checkMPI(MPI_Finalize(), "MPI_Finalize")
            return true
        } catch {
            return false
        }
    }
}

/// How often an idle communication thread looks after MPI, in seconds.
///
/// A look costs two switches of threads, 10 to 20 us where the machine is virtual. Pauses grow with
/// the quiet time, so that what follows soon is served soon, and a long quiet costs next to nothing.
enum IdlePause {
    static let shortest = 200e-6
    static let share = 1.0 / 8
    /// Rank 0 answers for the counters: over a network, so long may an answer take.
    static let longestOfCounterHost = 4e-3
    /// The others hear only of failures.
    static let longest = 20e-3
}
