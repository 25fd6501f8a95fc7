// The MPI world of a process: made once, finished once. `run` does both around a program and is what
// a main function calls.

import CMPI
import Glibc
import Synchronization

/// All processes that were started together.
///
/// Without a launcher (`mpirun`, `srun`) the world has one rank and MPI isn't touched.
public struct MPIWorld: ~Copyable {
    /// This process's access to the others.
    public let communicator: Communicator

    private let thread: CommunicationThread?

    /// The communication thread of the world, if there is one: MPI is a fact of the whole process.
    private static let current = Mutex<CommunicationThread?>(nil)

    /// Joins the world: every process that was started makes one, and finishes it.
    public init(options: MPIOptions = MPIOptions()) throws {
        let launch = LaunchEnvironment.current
        guard launch.isLaunched else {
            thread = nil
            communicator = Communicator(endpoint: SoloEndpoint(), thread: nil)
            return
        }
        var made: MPIEndpoint?
        let thread = try CommunicationThread(name: "retort mpi") { thread in
            let endpoint = try MPIEndpoint(options: options, launch: launch, thread: thread)
            made = endpoint
            return endpoint
        }
        guard let made else { preconditionFailure("a thread without its endpoint") }
        self.thread = thread
        communicator = Communicator(endpoint: made, thread: thread)
        Self.current.withLock { $0 = thread }
    }

    /// Leaves the world.
    ///
    /// True if MPI was shut down in order; false if, after a failure, some rank did not come to its
    /// end in time: then `MPIWorld.abort` is what remains.
    ///
    /// Where nothing failed the ranks wait for each other here, and a failure of one of them in the
    /// meantime is thrown.
    public consuming func finalize() throws -> Bool {
        let failure: (any Error)?
        do {
            try communicator.barrier()
            failure = nil
        } catch {
            failure = error
        }
        let isInOrder = close()
        if let failure, isInOrder { throw failure }
        return isInOrder
    }

    private func close() -> Bool {
        guard let thread else { return true }
        Self.current.withLock { $0 = nil }
        let endpoint = communicator.endpoint
        return thread.stop(within: 60) { endpoint.shutDown() } ?? false
    }

    /// Runs a program on every rank: joins the world, calls `body`, leaves.
    ///
    /// When the body of any rank throws, all ranks throw the same `RankFailure`; a caller exits with
    /// its `exitCode`. If some rank can't be reached any more, the process is ended here with that
    /// code, and the launcher ends the others.
    ///
    /// - Parameters:
    ///   - describe: turns an error of the body into the exit code and the line that all ranks throw.
    ///   - report: is called on one rank, that which failed, before anything is torn down: the
    ///     launcher may kill the rest as soon as one process has exited.
    public static func run<Value>(
        options: MPIOptions = MPIOptions(),
        describe: (any Error) -> (exitCode: Int32, message: String) = {
            (RankFailure.defaultExitCode, String(describing: $0))
        },
        report: (RankFailure) -> Void = { _ in },
        _ body: (Communicator) throws -> Value
    ) throws -> Value {
        let world = try MPIWorld(options: options)
        let communicator = world.communicator
        do {
            let value = try body(communicator)
            // All ranks have come through before any of them takes the world down.
            try communicator.barrier()
            _ = world.close()
            return value
        } catch {
            let failure = communicator.agreedFailure(for: error, describe)
            if failure.rank == communicator.rank { report(failure) }
            if !world.close() { abort(exitCode: failure.exitCode) }
            throw failure
        }
    }

    /// Ends all processes at once, from any thread, whatever they are doing.
    ///
    /// Output is flushed; nothing else is cleaned up.
    public static func abort(exitCode: Int32) -> Never {
        fflush(nil)
        if let thread = current.withLock({ $0 }) {
            // If the thread is stuck in MPI this ends without effect, and leaving without
            // MPI_Finalize tells the launcher the same.
            let abortion = thread.submit("abort") { MPI_Abort(retort_mpi_world(), exitCode) }
            _ = thread.wait(for: abortion, within: 2)
        }
        _exit(exitCode)
    }

    /// The name and version of the MPI library that this program is linked with.
    public static var libraryVersion: String {
        var length: Int32 = 0
        return withUnsafeTemporaryAllocation(
            of: CChar.self, capacity: Int(MPI_MAX_LIBRARY_VERSION_STRING)
        ) { buffer in
            guard let base = buffer.baseAddress,
                MPI_Get_library_version(base, &length) == MPI_SUCCESS
            else { return "unknown MPI library" }
            return String(
                decoding: UnsafeRawBufferPointer(start: base, count: Int(length)), as: UTF8.self)
        }
    }
}

extension Communicator {
    /// The failure that all ranks report for an error that this rank ran into.
    fileprivate func agreedFailure(
        for error: any Error, _ describe: (any Error) -> (exitCode: Int32, message: String)
    ) -> RankFailure {
        if let known = error as? RankFailure, hasFailure { return known }
        if let known = error as? RankFailure {
            return fail(exitCode: known.exitCode, message: known.message)
        }
        let (exitCode, message) = describe(error)
        return fail(exitCode: exitCode, message: message)
    }
}
