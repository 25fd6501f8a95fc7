// New items without a teacher that writes: EDA's edits of the seeds, and real items of a pool, nearest to
// what went wrong or at random. The pool's items keep their gold answers: they say what real data in the
// right places, or anywhere, would give.

import Collectives
import Corpus
import Models
import TensorCore
import Tokenizers

/// EDA's edits of all seeds.
enum EditedSeeds {
    /// New items: at most `options.additions` of each seed, in the order of the seeds.
    static func items(
        _ seeds: [LLM2LLMItem], _ options: Recipe.LLM2LLMOptions, seed: UInt64
    ) throws -> [LLM2LLMItem] {
        let needsSynonyms = options.edits.contains { $0 == .synonym || $0 == .insertion }
        let augmentation = EasyDataAugmentation(
            edits: options.edits, share: options.editShare,
            synonyms: needsSynonyms
                ? try SynonymTable(contentsOf: options.synonyms) : SynonymTable(), seed: seed)
        return seeds.enumerated().flatMap { index, item in
            augmentation.texts(of: item.question, index: index, count: options.additions)
                .enumerated().map { number, text in
                    LLM2LLMItem(
                        id: "\(item.id)+1.\(number + 1)", question: text, choices: item.choices,
                        answer: item.answer, seed: item.id, round: 1)
                }
        }
    }
}

/// Real items that the student hasn't seen, each given out once.
struct UnseenPool {
    /// The pool's items, in the order of the files; what is among the seeds or the test is left out.
    let items: [LLM2LLMItem]
    private var isUsed: [Bool]

    init(_ items: [LLM2LLMItem], excluding known: [String]) {
        let known = Set(known)
        self.items = items.filter { !known.contains($0.question) }
        isUsed = Array(repeating: false, count: self.items.count)
    }

    /// How many are left.
    var left: Int { isUsed.count { !$0 } }

    /// Marks items as given out, by their ids.
    mutating func use(_ ids: Set<String>) {
        for (index, item) in items.enumerated() where ids.contains(item.id) {
            isUsed[index] = true
        }
    }

    /// Items at random, each as likely.
    mutating func random(_ count: Int, round: Int, seed: UInt64) -> [LLM2LLMItem] {
        let order = Permutation(count: items.count, seed: seed, epoch: round)
        var taken: [LLM2LLMItem] = []
        for position in 0..<order.count where taken.count < count && !isUsed[order[position]] {
            taken.append(take(order[position], for: nil, round: round))
        }
        return taken
    }

    /// For each wrong seed, in order, the items that lie nearest to it.
    ///
    /// - Parameters:
    ///   - wrong: The seeds.
    ///   - vectors: Vectors of length 1 by question.
    ///   - perSeed: Items for each.
    mutating func nearest(
        to wrong: [LLM2LLMItem], _ vectors: QuestionVectors, perSeed: Int, round: Int
    ) throws -> [LLM2LLMItem] {
        let pool = try vectors.encode(items.map(\.question))
        let asked = try vectors.encode(wrong.map(\.question))
        var taken: [LLM2LLMItem] = []
        for (item, vector) in zip(wrong, asked) {
            for _ in 0..<perSeed {
                var best: (index: Int, cosine: Double)?
                for index in pool.indices where !isUsed[index] {
                    let cosine = QuestionVectors.dot(vector, pool[index])
                    // The first of equals.
                    if best.map({ cosine > $0.cosine }) ?? true { best = (index, cosine) }
                }
                guard let best else { return taken }
                taken.append(take(best.index, for: item.id, round: round))
            }
        }
        return taken
    }

    private mutating func take(_ index: Int, for seed: String?, round: Int) -> LLM2LLMItem {
        isUsed[index] = true
        var item = items[index]
        item.seed = seed
        item.round = round
        return item
    }
}

/// Vectors of questions by a sentence encoder, made once, each rank its part.
final class QuestionVectors {
    private let encoder: SentenceEncoder
    private let tokenizer: Tokenizer
    private let maximumLength: Int
    private let communicator: Communicator
    private var known: [String: [Float]] = [:]

    private static let batchSize = 64

    init(folder: String, communicator: Communicator, compute: Compute) throws {
        encoder = try SentenceEncoder(ModelFolder(path: folder), compute: compute)
        tokenizer = try Tokenizer(contentsOf: folder)
        maximumLength = min(256, encoder.configuration.maximumLength)
        self.communicator = communicator
    }

    /// One vector of length 1 a text; a collective, with the same texts on all ranks.
    func encode(_ texts: [String]) throws -> [[Float]] {
        let missing = texts.filter { known[$0] == nil }
        if !missing.isEmpty {
            let (rank, size) = (communicator.rank, communicator.size)
            let part =
                missing[(rank * missing.count / size)..<((rank + 1) * missing.count / size)]
            var own: [Float] = []
            for start in stride(from: part.startIndex, to: part.endIndex, by: Self.batchSize) {
                let batch = part[start..<min(start + Self.batchSize, part.endIndex)]
                own += try encoder.encode(
                    batch.map {
                        .init(ids: tokenizer.encodeIDs($0, maximumLength: maximumLength))
                    }
                ).flatMap { $0 }
            }
            let all = try communicator.allGather(own).flatMap { $0 }
            let width = all.count / missing.count
            for (index, text) in missing.enumerated() {
                known[text] = Array(all[(index * width)..<((index + 1) * width)])
            }
        }
        return texts.map { known[$0] ?? [] }
    }

    static func dot(_ left: [Float], _ right: [Float]) -> Double {
        var sum = 0.0
        for index in left.indices { sum += Double(left[index]) * Double(right[index]) }
        return sum
    }
}
