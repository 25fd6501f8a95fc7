// Generation against what PyTorch recorded, and the promise that a text depends on its request alone.

import Foundation
import Kernels
import Safetensors
import TensorCore
import TestSupport
import Testing

@testable import Models

/// A trained model of 260 thousand weights with its recorded greedy text.
struct Stories {
    static let isThere = SharedData.has("data/stories260k/greedy.json")
    static let path = SharedData.path("data/stories260k")

    let folder: DecoderFolder
    /// Prompt and the 200 tokens after it.
    let ids: [Int32]
    /// At each of the 200 places the five best tokens with their log-probabilities, to five digits.
    let best: [[ScoredToken]]

    init() throws {
        folder = try DecoderFolder(path: Self.path)
        let data = try Data(contentsOf: URL(fileURLWithPath: "\(Self.path)/greedy.json"))
        let recorded = try JSONDecoder().decode(Recording.self, from: data)
        ids = recorded.ids
        best = recorded.places.map { place in
            place.top5.map { ScoredToken(token: Int32($0[0]), logProbability: $0[1]) }
        }
    }

    private struct Recording: Decodable {
        struct Place: Decodable { let top5: [[Double]] }
        let ids: [Int32]
        let places: [Place]

        enum CodingKeys: String, CodingKey {
            case ids = "greedy_ids"
            case places = "top5_logprobs"
        }
    }
}

@Suite(.enabled(if: Stories.isThere, "no stories260k in ../shared/data"))
struct StoriesTests {
    @Test(arguments: InstructionSet.available)
    func greedyTokensAndLogProbabilities(_ set: InstructionSet) throws {
        let stories = try Stories()
        let decoder = try Decoder(
            stories.folder, compute: Compute(threads: 2, instructionSet: set))
        let result = try Generator(decoder).generate([
            GenerationRequest(sample: 0, prompt: [1], maximumTokens: 200, alternatives: 5)
        ])[0]
        #expect(result.ids == Array(stories.ids.dropFirst()))
        #expect(result.finish == .length)
        for (place, (ours, theirs)) in zip(result.tokens, stories.best).enumerated() {
            #expect(ours.chosen == ours.alternatives[0])
            for (a, b) in zip(ours.alternatives, theirs) {
                // Five digits were recorded; beyond that what float32 scores are worth.
                #expect(abs(a.logProbability - b.logProbability) <= 1e-4, "place \(place)")
                let near = theirs.filter { abs($0.logProbability - a.logProbability) <= 1e-4 }
                #expect(near.contains { $0.token == a.token }, "place \(place)")
            }
        }
    }

    /// Drawn texts: alone, in batches of any size, joining late, on any number of threads.
    @Test func textsDependOnTheirRequestAlone() throws {
        let stories = try Stories()
        let requests = (0..<12).map { (index: Int) -> GenerationRequest in
            let length = 1 + 11 * index % 40
            let sampling = SamplingOptions(
                temperature: 0.5 + 0.1 * Double(index), topK: index % 3 == 0 ? nil : 20,
                topP: index % 2 == 0 ? 1 : 0.9, seed: 7)
            return GenerationRequest(
                sample: UInt64(100 + index), prompt: Array(stories.ids.prefix(length)),
                sampling: sampling, maximumTokens: 20 + 3 * index,
                stopTokens: stories.folder.configuration.endTokens, alternatives: 3)
        }
        let decoder = try Decoder(stories.folder, compute: Compute(threads: 1))
        let alone = try requests.map { try Generator(decoder, batchLimit: 1).generate([$0])[0] }
        #expect(Set(alone.map(\.ids)).count == 12)
        let threaded = try Decoder(stories.folder, compute: Compute(threads: 3))
        for limit in [1, 5, 12] {
            #expect(try Generator(threaded, batchLimit: limit).generate(requests) == alone)
        }
        let reversed = try Generator(threaded, batchLimit: 7).generate(requests.reversed())
        #expect(reversed == alone.reversed())
        let batch = GenerationBatch(threaded)
        var results: [Int: Generation] = [:]
        var waiting = requests[...]
        var names: [Int] = []
        // One that leaves in the middle changes nothing for the others.
        let leaving = try batch.add(requests[3])
        while !waiting.isEmpty || batch.count > 0 {
            if let request = waiting.popFirst() { names.append(try batch.add(request)) }
            if names.count == 6 { batch.remove(leaving) }
            for event in try batch.step() { results[event.text] = event.finished }
        }
        #expect(names.compactMap { results[$0] } == alone)
    }

    /// Another seed or sample gives another text; a prefix that was read before gives the same.
    @Test func seedsSamplesAndPrefixes() throws {
        let stories = try Stories()
        let decoder = try Decoder(stories.folder, compute: Compute(threads: 2))
        let prompt = Array(stories.ids.prefix(30))
        func text(_ sample: UInt64, _ seed: UInt64) throws -> Generation {
            try Generator(decoder).generate([
                GenerationRequest(
                    sample: sample, prompt: prompt,
                    sampling: SamplingOptions(temperature: 1, seed: seed), maximumTokens: 30)
            ])[0]
        }
        let first = try text(1, 1)
        #expect(try text(1, 1) == first)
        #expect(try text(2, 1).ids != first.ids)
        #expect(try text(1, 2).ids != first.ids)
        let prefix = decoder.makeSequence()
        _ = try decoder.read([DecoderInput(prefix, Array(prompt.prefix(20)), wanted: .none)])
        let batch = GenerationBatch(decoder)
        for _ in 0..<2 {
            _ = try batch.add(
                GenerationRequest(
                    sample: 1, prompt: Array(prompt.dropFirst(20)),
                    sampling: SamplingOptions(temperature: 1, seed: 1), maximumTokens: 30),
                after: prefix)
        }
        var finished: [Generation] = []
        while batch.count > 0 { finished += try batch.step().compactMap(\.finished) }
        #expect(finished == [first, first])
        #expect(prefix.count == 20)
    }

    @Test func stopTextsAndBudgets() throws {
        let stories = try Stories()
        let decoder = try Decoder(stories.folder, compute: Compute(threads: 2))
        let decode: @Sendable ([Int32]) -> String = { ids in ids.map { "<\($0)>" }.joined() }
        // The greedy text begins 403 407 261 378 432.
        func text(_ stops: [String], ends: [Int32] = []) throws -> (Generation, [String]) {
            var pieces: [String] = []
            let result = try Generator(decoder, decode: decode).generate([
                GenerationRequest(
                    sample: 0, prompt: [1], maximumTokens: 5, stopTokens: ends, stopTexts: stops)
            ]) { pieces.append($1.piece) }
            return (result[0], pieces)
        }
        let plain = try text([])
        #expect(plain.0.text == "<403><407><261><378><432>")
        #expect(plain.1.joined() == plain.0.text)
        let stopped = try text(["never", "61><37"])
        #expect(stopped.0.text == "<403><407><2")
        #expect(stopped.0.finish == .stopText && stopped.0.ids == [403, 407, 261, 378])
        #expect(stopped.1.joined() == stopped.0.text)
        #expect(stopped.1.count == 4 && !stopped.1[2].contains("61"))
        let ended = try text([], ends: [261])
        #expect(ended.0.ids == [403, 407] && ended.0.finish == .stopToken)
        // What might have been the beginning of a stop belongs to the text after all.
        let late = try text(["432>!"])
        #expect(late.0.text == plain.0.text && late.1.joined() == plain.0.text)
        let batch = GenerationBatch(decoder)
        #expect(throws: ModelError.self) {
            try batch.add(
                GenerationRequest(sample: 0, prompt: [1], maximumTokens: 5, stopTexts: ["a"]))
        }
        #expect(throws: ModelError.self) {
            try batch.add(GenerationRequest(sample: 0, prompt: [], maximumTokens: 5))
        }
    }
}

@Suite(.enabled(if: !RecordedDecoder.names.isEmpty, "no recorded decoders in ../shared/reference"))
struct RecordedGreedyTests {
    @Test(arguments: RecordedDecoder.names, InstructionSet.available)
    func greedyTokens(_ name: String, set: InstructionSet) throws {
        let recorded = try RecordedDecoder(name)
        let prompt = try recorded.golden.int64s("in.prompt").map { Int32($0) }
        let theirs = try recorded.golden.int64s("out.greedy").map { Int32($0) }
        let decoder = try Decoder(
            recorded.folder, compute: Compute(threads: 2, instructionSet: set))
        let result = try Generator(decoder).generate([
            GenerationRequest(
                sample: 0, prompt: prompt, maximumTokens: theirs.count - prompt.count)
        ])[0]
        #expect(prompt + result.ids == theirs)
    }
}
