// A mutex with one condition, timed by the monotonic clock. Swift's `Mutex` has no condition to wait
// on; `NSCondition` would pull Foundation in and waits by the wall clock.

import Glibc

/// A lock that threads can also wait at.
package final class Monitor: @unchecked Sendable {
    private let mutex: UnsafeMutablePointer<pthread_mutex_t>
    private let condition: UnsafeMutablePointer<pthread_cond_t>

    package init() {
        mutex = .allocate(capacity: 1)
        condition = .allocate(capacity: 1)
        var attributes = pthread_condattr_t()
        pthread_condattr_init(&attributes)
        pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC)
        let failure = pthread_mutex_init(mutex, nil) | pthread_cond_init(condition, &attributes)
        precondition(failure == 0, "pthread mutex or condition: error \(failure)")
        pthread_condattr_destroy(&attributes)
    }

    deinit {
        pthread_cond_destroy(condition)
        pthread_mutex_destroy(mutex)
        condition.deallocate()
        mutex.deallocate()
    }

    package func withLock<Value, Failure: Error>(
        _ body: () throws(Failure) -> Value
    ) throws(Failure) -> Value {
        pthread_mutex_lock(mutex)
        defer { pthread_mutex_unlock(mutex) }
        return try body()
    }

    /// Waits for `wakeAll`; the lock is held by the caller, let go while waiting, held again after.
    package func wait() {
        pthread_cond_wait(condition, mutex)
    }

    /// Like `wait`, at most for `seconds`.
    package func wait(seconds: Double) {
        var deadline = timespec()
        clock_gettime(CLOCK_MONOTONIC, &deadline)
        let nanoseconds = deadline.tv_nsec + Int(seconds * 1e9)
        deadline.tv_sec += nanoseconds / 1_000_000_000
        deadline.tv_nsec = nanoseconds % 1_000_000_000
        pthread_cond_timedwait(condition, mutex, &deadline)
    }

    /// Wakes every waiting thread; the lock is held by the caller.
    package func wakeAll() {
        pthread_cond_broadcast(condition)
    }
}

/// Seconds of the monotonic clock.
package func monotonicSeconds() -> Double {
    var now = timespec()
    clock_gettime(CLOCK_MONOTONIC, &now)
    return Double(now.tv_sec) + Double(now.tv_nsec) * 1e-9
}
