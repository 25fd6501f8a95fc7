// Ranks on threads of the test's process, each with a tiny decoder of its own.

import Collectives
import Foundation
import TensorCore
import TestSupport

@testable import Teacher

/// A folder with a model and ledgers.
struct LocalWorld: Sendable {
    let folder: TestSupport.TemporaryFolder

    init(isChat: Bool = false, maximumLength: Int = 160) throws {
        folder = try TestSupport.TemporaryFolder()
        try TinyLlama(maximumLength: maximumLength, isChat: isChat)
            .write(to: folder.file("model"))
    }

    var labels: String { folder.file("labels") }

    func model(threads: Int = 1) throws -> LocalModel {
        try LocalModel(folder: folder.file("model"), compute: Compute(threads: threads))
    }

    /// Runs code on ranks, on threads of their own: ranks stand still in collectives.
    func run<Value: Sendable>(
        ranks: Int, _ body: @escaping @Sendable (Communicator) throws -> Value
    ) async throws -> [Value] {
        try await withCheckedThrowingContinuation { continuation in
            Thread.detachNewThread {
                continuation.resume(with: Result { try ThreadWorld.run(ranks: ranks, body) })
            }
        }
    }
}
