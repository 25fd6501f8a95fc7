// SIGTERM, SIGINT and SIGUSR1 ask a run to stop at the next step's edge: Slurm sends them before it
// takes a node back. The second SIGINT ends the process at once.

import Dispatch
import Foundation
import Synchronization

/// Listens for requests to stop.
final class StopSignals: @unchecked Sendable {
    private let requested = Atomic<Bool>(false)
    private let sources: [any DispatchSourceSignal]

    /// Starts to listen.
    init() {
        let queue = DispatchQueue(label: "retort.signals")
        sources = [SIGTERM, SIGINT, SIGUSR1].map { number in
            signal(number, SIG_IGN)
            return DispatchSource.makeSignalSource(signal: number, queue: queue)
        }
        for source in sources {
            source.setEventHandler { [weak self] in self?.note() }
            source.resume()
        }
    }

    /// True once a signal came.
    var isStopRequested: Bool { requested.load(ordering: .relaxed) }

    private func note() {
        let again = requested.exchange(true, ordering: .relaxed)
        if again {
            signal(SIGINT, SIG_DFL)
        } else {
            StandardError.write("stopping at the next step; a second Ctrl-C ends at once")
        }
    }
}
