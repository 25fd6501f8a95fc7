// A recipe's run on ranks that are threads of this process, as the tests of all methods carry it out.

import Collectives
import Synchronization
import TensorCore
import TestSupport
import Training

@testable import Methods

/// Runs of recipes.
enum ThreadedRun {
    /// Carries a recipe out.
    ///
    /// - Parameters:
    ///   - resolved: What stands for the recipe as YAML.
    ///   - stopping: Stops after it was asked so many times whether it should.
    ///   - work: What is done with the session; the recipe's method unless told otherwise.
    /// - Returns: Whether all is done, and what the leader said.
    static func carryOut(
        _ recipe: Recipe, ranks: Int, resolved: String = "seed: 7\n", stopping: Int? = nil,
        resume: ResumePoint = .automatic,
        work: @escaping @Sendable (RunSession, ResumePoint) throws -> Bool = {
            try MethodRun.carryOut($0, resume: $1)
        }
    ) async throws -> (isComplete: Bool, said: String) {
        let said = Mutex("")
        let write: @Sendable (String) -> Void = { text in said.withLock { $0 += text } }
        let sent = Sent(recipe: recipe)
        let results = try await onOwnThread {
            try ThreadWorld.run(ranks: ranks) { communicator in
                var asked = 0
                let session = RunSession(
                    sent.recipe, resolvedRecipe: resolved, decisiveRecipe: resolved,
                    program: "retort test", communicator: communicator,
                    compute: Compute(threads: 1),
                    console: RunConsole(
                        isLeader: communicator.rank == 0, isTerminal: false, write: write,
                        warn: write)
                ) {
                    asked += 1
                    return stopping.map { asked > $0 } ?? false
                }
                return try work(session, resume)
            }
        }
        precondition(Set(results).count == 1, "ranks end differently: \(results)")
        return (results[0], said.withLock { $0 })
    }

    /// Hands a recipe, which is a value, to the ranks' threads.
    private struct Sent: @unchecked Sendable {
        let recipe: Recipe
    }
}
