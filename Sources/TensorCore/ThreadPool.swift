// Fork and join on a few threads, for jobs of microseconds. It isn't a task queue: one job at a time,
// handed out block by block, and the caller works too. No job's outcome may depend on who ran which
// block; nothing here promises an order.

internal import Kernels
internal import Synchronization

#if canImport(Glibc)
    internal import Glibc
#elseif canImport(Darwin)
    internal import Darwin
#endif

/// The workers of one `Compute`.
///
/// A worker that comes late never holds the caller up: blocks are claimed one by one, and the caller
/// waits only for workers that have entered the job. Idle workers spin for some tens of
/// microseconds (the time between two operations of a step) and then sleep. Two roads were not
/// taken: task groups (15 microseconds a job) and `DispatchQueue.concurrentPerform`, which may or
/// may not use a second thread for short jobs.
final class ThreadPool: @unchecked Sendable {
    /// Threads that work on a job, the caller included.
    let threadCount: Int

    private typealias Body = (Range<Int>) -> Void

    private struct Job {
        var body: Body
        var count: Int
        var grain: Int
    }

    private final class Shared: @unchecked Sendable {
        /// Rises with every job and at the end.
        let generation = Atomic<Int>(0)
        /// Whether blocks may be claimed.
        let open = Atomic<Bool>(false)
        /// Workers inside the job.
        let entered = Atomic<Int>(0)
        /// The next block.
        let next = Atomic<Int>(0)
        let sleeping = Atomic<Int>(0)
        let stopping = Atomic<Bool>(false)
        var job: Job?
        let mutex = UnsafeMutablePointer<pthread_mutex_t>.allocate(capacity: 1)
        let wake = UnsafeMutablePointer<pthread_cond_t>.allocate(capacity: 1)

        init() {
            pthread_mutex_init(mutex, nil)
            pthread_cond_init(wake, nil)
        }

        deinit {
            pthread_cond_destroy(wake)
            pthread_mutex_destroy(mutex)
            wake.deallocate()
            mutex.deallocate()
        }

        /// Runs blocks until none is left.
        func work(_ job: Job) {
            let blocks = (job.count - 1) / job.grain + 1
            while true {
                let block = next.wrappingAdd(1, ordering: .relaxed).oldValue
                if block >= blocks { return }
                let start = block * job.grain
                job.body(start..<min(start + job.grain, job.count))
            }
        }
    }

    private final class Start {
        let shared: Shared
        let slot: Int32
        init(shared: Shared, slot: Int32) {
            self.shared = shared
            self.slot = slot
        }
    }

    private let shared = Shared()
    private let busy = Atomic<Bool>(false)
    private var threads: [pthread_t] = []

    /// A pool of `threadCount - 1` workers.
    init(threadCount: Int) {
        precondition(threadCount >= 1, "\(threadCount) threads")
        var started = 1
        for slot in 1..<max(threadCount, 1) {
            let start = Unmanaged.passRetained(Start(shared: shared, slot: Int32(slot)))
            var thread = pthread_t()
            let status = pthread_create(
                &thread, nil,
                { argument in
                    ThreadPool.workerMain(argument)
                    return nil
                }, start.toOpaque())
            // A machine that refuses more threads runs with those it gave.
            guard status == 0 else {
                start.release()
                break
            }
            threads.append(thread)
            started += 1
        }
        self.threadCount = started
    }

    deinit {
        shared.stopping.store(true, ordering: .sequentiallyConsistent)
        shared.generation.wrappingAdd(1, ordering: .sequentiallyConsistent)
        wakeAll()
        for thread in threads { pthread_join(thread, nil) }
    }

    /// Runs a body over `0..<count` in blocks of `grain`, on all threads.
    func run(count: Int, grain: Int, _ body: (Range<Int>) -> Void) {
        precondition(grain > 0, "grain \(grain)")
        guard count > 0 else { return }
        let alone = threadCount == 1 || count <= grain
        // Nested and competing jobs run on their own thread: a pool has one job at a time.
        if alone || retort_enter_work(1) != 0 {
            runSerially(count: count, grain: grain, body)
            return
        }
        defer { _ = retort_enter_work(0) }
        guard !busy.exchange(true, ordering: .acquiring) else {
            runSerially(count: count, grain: grain, body)
            return
        }
        withoutActuallyEscaping(body) { body in
            let job = Job(body: body, count: count, grain: grain)
            shared.job = job
            shared.next.store(0, ordering: .relaxed)
            shared.open.store(true, ordering: .sequentiallyConsistent)
            shared.generation.wrappingAdd(1, ordering: .sequentiallyConsistent)
            if shared.sleeping.load(ordering: .sequentiallyConsistent) > 0 { wakeAll() }
            shared.work(job)
            // Whoever enters from now on sees the job closed: `entered` is raised before `open` is
            // read, and both are in one total order.
            shared.open.store(false, ordering: .sequentiallyConsistent)
            var spins = 0
            while shared.entered.load(ordering: .sequentiallyConsistent) != 0 {
                retort_pause()
                spins += 1
                // More threads than processors: let the worker that is waited for run.
                if spins & 0xFFF == 0 { sched_yield() }
            }
            shared.job = nil
        }
        busy.store(false, ordering: .releasing)
    }

    private func runSerially(count: Int, grain: Int, _ body: (Range<Int>) -> Void) {
        var start = 0
        while start < count {
            let end = min(start + grain, count)
            body(start..<end)
            start = end
        }
    }

    private func wakeAll() {
        pthread_mutex_lock(shared.mutex)
        pthread_cond_broadcast(shared.wake)
        pthread_mutex_unlock(shared.mutex)
    }

    private static func workerMain(_ argument: UnsafeMutableRawPointer?) {
        guard let argument else { return }
        let start = Unmanaged<Start>.fromOpaque(argument).takeRetainedValue()
        let shared = start.shared
        retort_set_worker_slot(start.slot)
        _ = retort_enter_work(1)
        var seen = 0
        while true {
            seen = awaitChange(shared, after: seen)
            if shared.stopping.load(ordering: .sequentiallyConsistent) { return }
            shared.entered.wrappingAdd(1, ordering: .sequentiallyConsistent)
            if shared.open.load(ordering: .sequentiallyConsistent), let job = shared.job {
                shared.work(job)
            }
            shared.entered.wrappingSubtract(1, ordering: .sequentiallyConsistent)
        }
    }

    /// Spins, then sleeps, until there is a new job; returns its generation.
    private static func awaitChange(_ shared: Shared, after seen: Int) -> Int {
        for _ in 0..<spinLimit {
            let now = shared.generation.load(ordering: .acquiring)
            if now != seen { return now }
            retort_pause()
        }
        pthread_mutex_lock(shared.mutex)
        shared.sleeping.wrappingAdd(1, ordering: .sequentiallyConsistent)
        var now = shared.generation.load(ordering: .sequentiallyConsistent)
        while now == seen {
            pthread_cond_wait(shared.wake, shared.mutex)
            now = shared.generation.load(ordering: .sequentiallyConsistent)
        }
        shared.sleeping.wrappingSubtract(1, ordering: .sequentiallyConsistent)
        pthread_mutex_unlock(shared.mutex)
        return now
    }

    /// About 30 microseconds on the machines of 2025.
    private static let spinLimit = 2000
}
