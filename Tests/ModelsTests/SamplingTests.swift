// The choice of tokens against its definition in plain words, and text that grows piece by piece.

import Foundation
import Kernels
import TensorCore
import TestSupport
import Testing

@testable import Models

@Suite struct SamplingTests {
    private func scores(_ values: [Float]) -> TokenScores {
        let arena = Arena()
        let row = arena.vector(values.count)
        row.assign(values)
        return withExtendedLifetime(arena) { TokenScores(row, Compute(threads: 1).serial) }
    }

    private func random(_ count: Int, seed: UInt64, steps: Double = 64) -> [Float] {
        let generator = Philox4x32(seed: seed)
        // Coarse steps, so that equal scores occur.
        return (0..<count).map { Float((generator.normal(UInt64($0)) * steps).rounded() / 16) }
    }

    /// Tokens by score, ties by id; probabilities of temperature, top-k, then top-p, by definition.
    private func candidates(_ values: [Float], _ options: SamplingOptions) -> [(Int32, Double)] {
        let order = values.indices.sorted { (values[$0], $1) > (values[$1], $0) }
        let kept = order.prefix(options.topK ?? values.count)
        let largest = Double(values[order[0]])
        let weights = kept.map { exp((Double(values[$0]) - largest) / options.temperature) }
        let sum = weights.reduce(0, +)
        var (result, reached): ([(Int32, Double)], Double) = ([], 0)
        for (token, weight) in zip(kept, weights) where reached < options.topP {
            result.append((Int32(token), weight / sum))
            reached += weight / sum
        }
        return result
    }

    @Test(arguments: [1, 2, 7, 300, 10_000])
    func bestTokens(_ count: Int) {
        for seed: UInt64 in 0..<4 {
            let values = random(count, seed: seed)
            let order = values.indices.sorted { (values[$0], $1) > (values[$1], $0) }
            for wanted in [0, 1, 2, 5, 50, 5000, 20_000] {
                #expect(scores(values).best(wanted) == order.prefix(wanted).map { Int32($0) })
            }
        }
    }

    /// Every candidate gets its share of the interval of draws, and no other token comes.
    @Test(arguments: [(nil, 1.0), (3, 1.0), (nil, 0.7), (40, 0.95), (1, 0.5), (500, 0.999)])
    func draws(_ topK: Int?, _ topP: Double) {
        for temperature in [0.3, 1, 2.5] {
            let values = random(400, seed: 5, steps: 16)
            let options = SamplingOptions(temperature: temperature, topK: topK, topP: topP)
            let due = candidates(values, options)
            let total = due.reduce(0) { $0 + $1.1 }
            let ours = scores(values)
            let count = 4000
            var seen: [Int32: Int] = [:]
            for index in 0..<count {
                seen[ours.choose(options) { Double(index) / Double(count) }, default: 0] += 1
            }
            let known = Dictionary(uniqueKeysWithValues: due)
            for token in seen.keys.sorted() { #expect(known[token] != nil) }
            for (token, probability) in due {
                // The draws are even, so a share is met to within one of them at either end.
                let share = probability / total * Double(count)
                #expect(abs(Double(seen[token] ?? 0) - share) <= 2)
            }
        }
    }

    @Test func greedyIgnoresTheRest() {
        let values = random(1000, seed: 9)
        let options = SamplingOptions(temperature: 0, topK: 7, topP: 0.1)
        #expect(scores(values).choose(options) { 0.99 } == scores(values).best(1)[0])
    }

    @Test func logProbabilities() {
        let values = random(5000, seed: 3)
        let largest = Double(values.max() ?? 0)
        let sum = values.reduce(0) { $0 + exp(Double($1) - largest) }
        for token in [0, 17, 4999] {
            let due = Double(values[token]) - largest - log(sum)
            // The exponentials are single, each within 1e-7; all else is double.
            #expect(abs(scores(values).logProbability(Int32(token)) - due) <= 2e-7)
        }
        #expect(!scores([1, .nan, 2]).areNumbers)
        #expect(scores([1, -.infinity, 2]).areNumbers)
    }

    @Test(arguments: [(-1, nil, 1), (0.5, 0, 1), (0.5, nil, 0), (.infinity, nil, 1), (1, nil, 1.5)])
    func wrongOptions(_ temperature: Double, _ topK: Int?, _ topP: Double) {
        let options = SamplingOptions(temperature: temperature, topK: topK, topP: topP)
        #expect(throws: ModelError.self) { try options.check() }
    }

    /// Tokens of single bytes: no piece ends inside a character, and the pieces make the text.
    @Test func piecesAreWholeCharacters() {
        let text = "a\u{E4}\u{1F600}z\u{4E2D}"
        var pieces = IncrementalText { ids in
            String(decoding: ids.map { UInt8($0) }, as: UTF8.self)
        }
        let parts = text.utf8.map { pieces.append(Int32($0)) }
        #expect(parts.filter { !$0.isEmpty } == ["a", "\u{E4}", "\u{1F600}", "z", "\u{4E2D}"])
        #expect(pieces.finish() == "")
        // A text that ends inside a character says so at its end.
        #expect(pieces.append(0xF0) == "")
        #expect(pieces.finish() == "\u{FFFD}")
    }

    @Test func stopTextsOverPieces() {
        func run(_ stops: [String], _ pieces: [String]) -> (text: String, stopped: Bool) {
            var stop = StopTexts(stops)
            var text = ""
            for piece in pieces {
                let result = stop.append(piece)
                text += result.certain
                if result.isStopped { return (text, true) }
            }
            return (text + stop.finish(), false)
        }
        #expect(run(["END"], ["a E", "N", "Db"]) == ("a ", true))
        #expect(run(["END"], ["a EN", "E", "ND"]) == ("a EN", true))
        #expect(run(["END"], ["a EN", "x"]) == ("a ENx", false))
        // The one that begins first counts, though the other was whole before it.
        #expect(run(["bc", "abcd"], ["ab", "cd"]) == ("", true))
        #expect(run(["\n\n"], ["x\n", "y\n", "\n"]) == ("x\ny", true))
        #expect(run(["\u{1F600}"], ["x", "\u{1F600}y"]) == ("x", true))
        #expect(run(["", "q"], ["x"]) == ("x", false))
    }
}
