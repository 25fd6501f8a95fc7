// Lion's third step: the generator writes new instructions, as many from hard ones as from easy ones, until
// there are enough of each kind or its tries are used up.
//
// Seeds are taken in a drawn order, round and round. All that is still missing is asked for at once; replies
// are read hard and easy in turn, through one gate that knows the whole Cache Pool and what this iteration
// has made, so both kinds see each other's output. All ranks do this together and hold the same instructions.

import Corpus
import Teacher

/// Counts of one iteration's generation.
struct InstructionTally: Codable, Equatable {
    /// Requests, by kind.
    var requests: [String: Int] = [:]
    /// Instructions that were taken, by kind.
    var accepted: [String: Int] = [:]
    /// Replies that weren't, by reason.
    var rejected: [String: Int] = [:]
    /// Instructions that are missing: the tries were used up, or there was no seed of the kind.
    var missing = 0

    var allRequests: Int { requests.values.reduce(0, +) }
    func count(of reason: InstructionRejection) -> Int { rejected[reason.rawValue] ?? 0 }
    func accepted(_ kind: LionKind) -> Int { accepted[kind.rawValue] ?? 0 }
}

/// Writes new instructions.
struct LionGeneration {
    let options: Recipe.LionOptions
    let prompts: LionPrompts
    let seed: UInt64
    /// The generator: all ranks together, answers in the order of the requests.
    let ask: ([TextRequest]) throws -> [TextAnswer]

    /// What a kind has come to.
    private struct Side {
        let kind: LionKind
        let seeds: [LionInstruction]
        let order: Permutation
        var requests = 0
        var taken: [LionInstruction] = []

        /// The seed of a request.
        func parent(_ request: Int) -> LionInstruction { seeds[order[request % seeds.count]] }
    }

    /// New instructions.
    ///
    /// - Parameters:
    ///   - hard: Instructions with a gap at the threshold or above.
    ///   - easy: The others.
    ///   - iteration: The iteration, from 0.
    ///   - cache: The texts of the whole Cache Pool.
    func instructions(
        hard: [LionInstruction], easy: [LionInstruction], iteration: Int, cache: [String]
    ) throws -> (instructions: [LionInstruction], tally: InstructionTally) {
        var tally = InstructionTally()
        var gate = SimilarityGate(threshold: options.similarity)
        for text in cache { gate.add(text) }
        var sides = [(LionKind.hard, hard), (.easy, easy)].map { kind, seeds in
            Side(
                kind: kind, seeds: seeds,
                order: Permutation(
                    count: seeds.count, seed: seed, epoch: 2 * iteration + (kind == .hard ? 0 : 1)))
        }
        while true {
            var wave: [(side: Int, parent: LionInstruction)] = []
            var requests: [TextRequest] = []
            let counts = sides.map { side in
                let left = options.attempts * options.perKind - side.requests
                return side.seeds.isEmpty ? 0 : min(options.perKind - side.taken.count, left)
            }
            // Hard and easy in turn, so that neither is always first at the gate.
            for number in 0..<(counts.max() ?? 0) {
                for index in sides.indices where number < counts[index] {
                    requests.append(request(&sides[index], iteration))
                    wave.append((index, sides[index].parent(sides[index].requests - 1)))
                }
            }
            if wave.isEmpty { break }
            for (place, reply) in zip(wave, try ask(requests)) {
                switch InstructionFilter.instruction(reply) {
                case .failure(let fault): tally.reject(fault.rejection)
                case .success(let text) where gate.refuses(text): tally.reject(.similar)
                case .success(let text):
                    gate.add(text)
                    let kind = sides[place.side].kind
                    let number = sides[place.side].taken.count + 1
                    sides[place.side].taken.append(
                        LionInstruction(
                            id: "\(kind.rawValue)-\(iteration + 1).\(number)", text: text,
                            kind: kind, parent: place.parent.id))
                }
            }
        }
        for side in sides {
            tally.requests[side.kind.rawValue] = side.requests
            tally.accepted[side.kind.rawValue] = side.taken.count
            tally.missing += options.perKind - side.taken.count
        }
        return (sides.flatMap(\.taken), tally)
    }

    /// The next request of a kind.
    ///
    /// A seed that comes again, in this iteration or a later one, is asked for as another attempt.
    private func request(_ side: inout Side, _ iteration: Int) -> TextRequest {
        let parent = side.parent(side.requests)
        let attempt =
            iteration * options.attempts * options.perKind + side.requests / side.seeds.count
        side.requests += 1
        return options.decoding.generator.request(
            id: "\(parent.id):\(side.kind.rawValue)",
            messages: prompts.generation(of: parent.text, side.kind), seed: seed, attempt: attempt)
    }
}

extension InstructionTally {
    mutating func reject(_ reason: InstructionRejection) {
        rejected[reason.rawValue, default: 0] += 1
    }
}
