// What `--profile` does: measures a command on all ranks, then writes the trace and shows the table.

import Collectives
import Foundation
import Methods
import Reporting
import TensorCore

/// The measurement of a command.
enum ProfileOutput {
    /// Runs a command's body with a profile.
    ///
    /// The file is made before, so that a path that can't be written fails at once and not after
    /// hours of work.
    static func measure(
        _ context: RankContext, path: String, _ body: () throws -> Int32
    ) throws -> Int32 {
        if context.console.isLeader { try write("", path) }
        let profile = Profile()
        context.compute.profile = profile
        let code = try body()
        context.compute.profile = nil
        let own = ProfileTrace(profile, rank: context.communicator.rank).events
        let ranks = try context.communicator.allGather(Array(own.utf8))
        if context.console.isLeader {
            try write(ProfileTrace.file(ranks.map { String(decoding: $0, as: UTF8.self) }), path)
            StandardError.write(ProfileTable(profile).text)
            StandardError.write("trace: \(path) (open it at https://ui.perfetto.dev)")
        }
        return code
    }

    private static func write(_ text: String, _ path: String) throws {
        do {
            try Data(text.utf8).write(to: URL(fileURLWithPath: path))
        } catch {
            throw ReportingError(
                .unwritable, "--profile \(path): can't be written; does its folder exist?")
        }
    }
}
