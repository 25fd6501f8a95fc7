// Trouble on one rank becomes everybody's error, without ending the run: the outcome of each rank's
// part is gathered, and all ranks see all of them.

import Collectives
import Foundation

/// What a rank's part of a common action came to.
struct Outcome<Value: Codable>: Codable {
    struct Failure: Codable {
        let code: CheckpointError.Code
        let message: String
    }

    var value: Value?
    var failure: Failure?
}

extension Communicator {
    /// Runs every rank's part and gathers the outcomes in rank order.
    func shareOutcome<Value: Codable>(
        _ part: () throws(CheckpointError) -> Value
    ) throws -> [Outcome<Value>] {
        var own = Outcome<Value>()
        do {
            own.value = try part()
        } catch {
            own.failure = Outcome.Failure(code: error.code, message: error.message)
        }
        let bytes = try JSONEncoder().encode(own)
        return try allGather(Array(bytes)).map {
            try JSONDecoder().decode(Outcome<Value>.self, from: Data($0))
        }
    }

    /// Runs every rank's part; if it failed on any, all throw the failure of the lowest such rank.
    func together<Value: Codable>(
        _ part: () throws(CheckpointError) -> Value
    ) throws -> [Value] {
        let outcomes = try shareOutcome(part)
        for (rank, outcome) in outcomes.enumerated() {
            guard let failure = outcome.failure else { continue }
            let place = size > 1 ? "rank \(rank): " : ""
            throw CheckpointError(failure.code, place + failure.message)
        }
        return outcomes.compactMap(\.value)
    }

    /// Runs a part on rank 0 alone and gives its result to all, or its failure.
    func decideOnRankZero<Value: Codable>(
        _ part: () throws(CheckpointError) -> Value
    ) throws -> Value {
        var own = Outcome<Value>()
        if rank == 0 {
            do {
                own.value = try part()
            } catch {
                own.failure = Outcome.Failure(code: error.code, message: error.message)
            }
        }
        let bytes = try broadcast(Array(JSONEncoder().encode(own)), root: 0)
        let outcome = try JSONDecoder().decode(Outcome<Value>.self, from: Data(bytes))
        if let failure = outcome.failure { throw CheckpointError(failure.code, failure.message) }
        guard let value = outcome.value else {
            throw CheckpointError(.unwritable, "rank 0 gave no outcome")
        }
        return value
    }
}
