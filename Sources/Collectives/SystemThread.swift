// A plain thread of the operating system. Communication blocks, so it must not sit in Swift's
// cooperative pool; and MPI wants all its calls from one and the same thread.

import CMPI
import Glibc

/// A running thread that must be joined or let go.
package struct SystemThread: @unchecked Sendable {
    private let handle: pthread_t

    /// Starts a thread.
    ///
    /// The main thread's stack is commonly 8 MiB and its code expects as much; other threads would
    /// get less on some systems, so the size is always given.
    package init(
        name: String, stackBytes: Int = 16 << 20, _ body: @escaping @Sendable () -> Void
    ) throws(CollectiveError) {
        var attributes = pthread_attr_t()
        pthread_attr_init(&attributes)
        defer { pthread_attr_destroy(&attributes) }
        pthread_attr_setstacksize(&attributes, stackBytes)
        let start = Unmanaged.passRetained(Start(name: name, body: body))
        var handle = pthread_t()
        let failure = pthread_create(
            &handle, &attributes,
            { argument in
                guard let argument else { return nil }
                let start = Unmanaged<Start>.fromOpaque(argument).takeRetainedValue()
                _ = retort_set_thread_name(start.name)
                start.body()
                return nil
            }, start.toOpaque())
        guard failure == 0 else {
            start.release()
            throw CollectiveError(
                code: .thread,
                message: "cannot start the thread '\(name)': \(String(cString: strerror(failure)));"
                    + " see `ulimit -u` and the memory limit of the job")
        }
        self.handle = handle
    }

    package func join() {
        pthread_join(handle, nil)
    }

    /// Lets the thread run on; used only when it is stuck in a call that never returns.
    package func letGo() {
        pthread_detach(handle)
    }

    private final class Start {
        let name: String
        let body: @Sendable () -> Void

        init(name: String, body: @escaping @Sendable () -> Void) {
            // Linux cuts thread names at 15 bytes, and refuses longer ones.
            self.name = String(name.prefix(15))
            self.body = body
        }
    }
}
