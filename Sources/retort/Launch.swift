// Running a command on all ranks: joins the world, gives the command its means, and turns the first
// failure of any rank into one line on standard error and one exit code on all ranks.

import ArgumentParser
import Collectives
import Foundation
import Kernels
import Methods
import TensorCore

/// What a command has on each rank.
struct RankContext {
    let communicator: Communicator
    let compute: Compute
    let console: RunConsole
}

/// Starts commands.
enum Launch {
    /// Runs `body` on every rank.
    ///
    /// - Parameters:
    ///   - options: Threads and profile of a rank.
    ///   - body: Gives the exit code, the same on all ranks.
    static func onRanks(
        _ options: ComputeOptions? = nil, _ body: (RankContext) throws -> Int32
    ) throws {
        FileSizeLimit.makeAnError()
        let watchdog = WatchdogOptions(report: { StandardError.write("\($0)") })
        let code: Int32
        do {
            code = try MPIWorld.run(
                options: MPIOptions(watchdog: watchdog), describe: ExitCodes.describe,
                report: { failure in
                    StandardError.write("error: \(failure.message)")
                }
            ) { communicator in
                let compute = Compute(
                    threads: options?.threads,
                    instructionSet: try agreedInstructionSet(communicator))
                let context = RankContext(
                    communicator: communicator, compute: compute,
                    console: console(communicator))
                guard let path = options?.profile else { return try body(context) }
                return try ProfileOutput.measure(context, path: path) { try body(context) }
            }
        } catch let failure as RankFailure {
            throw ExitCode(failure.exitCode)
        } catch {
            throw exit(error)
        }
        if code != 0 { throw ExitCode(code) }
    }

    /// Runs `body` in this process alone.
    static func alone(_ body: () throws -> Void) throws {
        FileSizeLimit.makeAnError()
        do {
            try body()
        } catch let code as ExitCode {
            throw code
        } catch {
            throw exit(error)
        }
    }

    private static func exit(_ error: any Error) -> ExitCode {
        let (code, message) = ExitCodes.describe(error)
        StandardError.write("error: \(message)")
        return ExitCode(code)
    }

    /// Kernels of different instruction sets round differently, so all ranks take the lowest that any
    /// of them has.
    private static func agreedInstructionSet(
        _ communicator: Communicator
    ) throws -> InstructionSet {
        let own = Int64(InstructionSet.preferred.rawValue)
        let lowest = try communicator.allReduce([own], .minimum)[0]
        return InstructionSet(rawValue: Int32(lowest)) ?? .preferred
    }

    private static func console(_ communicator: Communicator) -> RunConsole {
        RunConsole(
            isLeader: communicator.rank == 0, isTerminal: StandardOutput.isTerminal,
            write: { StandardOutput.write($0) },
            warn: { StandardError.write("warning: [rank \(communicator.rank)] \($0)") })
    }
}

/// A limit on the size of files, as schedulers set it.
private enum FileSizeLimit {
    /// Makes a write beyond the limit an error with its message, where the signal would end the
    /// process without a word.
    static func makeAnError() {
        signal(SIGXFSZ, SIG_IGN)
    }
}
