// Where a round's new items come from: one call for all sources.

import Collectives
import Teacher
import TensorCore

/// Gives new items.
struct Augmenter {
    let data: LLM2LLMData
    let options: Recipe.LLM2LLMOptions
    let seed: UInt64
    /// The teacher's waves; nil where no teacher is asked.
    let waves: AugmentationWaves?
    /// Vectors for a pool's nearest; nil where they aren't wanted.
    let vectors: QuestionVectors?

    /// New items for a data set.
    ///
    /// - Parameters:
    ///   - round: The number of the data set.
    ///   - wrong: The seeds that they are for, in the data set's order.
    ///   - items: What there is already.
    func items(
        at round: Int, for wrong: [WantedSeed], among items: [LLM2LLMItem]
    ) throws -> (items: [LLM2LLMItem], tally: AugmentationTally) {
        switch options.augmentation {
        case .none: return ([], AugmentationTally())
        case .llm2llm:
            guard let waves else { preconditionFailure("llm2llm without a teacher") }
            let known = options.comparesAllRounds ? items.map(\.question) : []
            return try waves.items(for: wrong, round: round, known: known)
        case .bulk:
            guard let waves else { preconditionFailure("bulk without a teacher") }
            return try waves.bulk(wrong, requests: options.calls)
        case .eda:
            return counted(
                try EditedSeeds.items(wrong.map(\.item), options, seed: seed))
        case .random:
            var pool = pool(items)
            return counted(pool.random(options.additions, round: round, seed: seed))
        case .nearest:
            guard let vectors else { preconditionFailure("nearest without vectors") }
            var pool = pool(items)
            return counted(
                try pool.nearest(
                    to: wrong.map(\.item), vectors, perSeed: options.perSeed, round: round))
        }
    }

    /// The pool without what was given out before.
    private func pool(_ items: [LLM2LLMItem]) -> UnseenPool {
        var pool = UnseenPool(
            data.pool, excluding: data.seeds.map(\.question) + data.test.map(\.question))
        pool.use(Set(items.map(\.id)))
        return pool
    }

    private func counted(
        _ items: [LLM2LLMItem]
    ) -> (items: [LLM2LLMItem], tally: AugmentationTally) {
        var tally = AugmentationTally()
        tally.accepted = items.count
        return (items, tally)
    }
}
