// Recorded scores: near what the model says, the same at any rank count, and refused where they belong to
// other tokens or were damaged.

import Collectives
import Foundation
import GRDB
import Models
import TensorCore
import TestSupport
import Testing

@testable import Teacher

@Suite struct SignalTests {
    private static func samples(_ count: Int) -> [SignalSample] {
        (0..<count).map { index in
            var numbers = SampleNumbers(seed: UInt64(index + 1))
            let rest = (0..<index % 4).map { _ in Int32(numbers.below(200)) }
            let prompt: [Int32] = [3, 1, 4, 1, 5] + rest
            let answer = (0...(index % 7)).map { _ in Int32(numbers.below(200)) }
            return SignalSample(id: "s\(index)", prompt: prompt, answer: answer)
        }
    }

    private func record(
        _ samples: [SignalSample], _ world: LocalWorld, ranks: Int, count: Int = 20,
        temperature: Double = 1
    ) async throws -> [SignalStore] {
        try await world.run(ranks: ranks) { communicator in
            let recorder = SignalRecorder(
                try world.model(), folder: world.labels, communicator: communicator,
                isStopRequested: { false })
            return try #require(
                try recorder.record(samples, count: count, temperature: temperature))
        }
    }

    @Test(arguments: [1.0, 2.5]) func scoresAreTheModels(temperature: Double) async throws {
        let world = try LocalWorld()
        let samples = Self.samples(9)
        let store = try await record(samples, world, ranks: 1, temperature: temperature)[0]
        let decoder = try world.model().decoder
        for sample in samples {
            let signal = try store.signal(of: sample.id, answer: sample.answer)
            #expect(signal.count == sample.answer.count)
            let states = try decoder.read([
                DecoderInput(
                    decoder.makeSequence(), sample.prompt + sample.answer.dropLast(), wanted: .all)
            ])
            let logits = decoder.logits(states)
            for place in 0..<signal.count {
                let row = logits.row(sample.prompt.count - 1 + place).toArray()
                    .map { Double($0) / temperature }
                let largest = row.max() ?? 0
                let all = Foundation.log(row.reduce(0) { $0 + Foundation.exp($1 - largest) })
                let exact = row.map { $0 - largest - all }
                let entries = signal.entries(of: place)
                #expect(entries.count == 20)
                let bar = exact.sorted(by: >)[19]
                for entry in entries {
                    let value = exact[Int(signal.ids[entry])]
                    #expect(value >= bar - 1e-6)
                    #expect(abs(Double(signal.logProbabilities[entry]) - value) < 1 / 4096 + 1e-5)
                }
                let kept = entries.reduce(0) { $0 + Foundation.exp(exact[Int(signal.ids[$1])]) }
                #expect(abs(Double(signal.restMasses[place]) - (1 - kept)) < 3e-4)
            }
        }
    }

    @Test func theyAreTheSameAtAnyRankCountAndRecordedOnce() async throws {
        let samples = Self.samples(40)
        var found: [[TopScores]] = []
        for ranks in [1, 2, 3] {
            let world = try LocalWorld()
            _ = try await record(Array(samples[..<15]), world, ranks: 2)
            let stores = try await record(samples, world, ranks: ranks)
            for store in stores {
                found.append(
                    try samples.map { try store.signal(of: $0.id, answer: $0.answer) })
            }
            // Again, on one rank, and nothing is added.
            let again = try await record(samples, world, ranks: 1)[0]
            #expect(again.count == 40)
            var rows = 0
            for path in try RankFiles.signals.paths(in: world.labels) {
                rows += try await DatabaseQueue(path: path).read {
                    try Int.fetchOne($0, sql: "SELECT count(*) FROM signals") ?? 0
                }
            }
            #expect(rows == 40)
        }
        #expect(found.allSatisfy { $0 == found[0] })
    }

    @Test func otherTokensAreRefused() async throws {
        let world = try LocalWorld()
        let samples = Self.samples(8)
        let store = try await record(samples, world, ranks: 1)[0]
        let error = #expect(throws: TeacherError.self) {
            try store.signal(of: "s6", answer: samples[5].answer)
        }
        #expect(error?.code == .badAnswer)
        #expect(error?.message.contains("tokenizer") == true)
        let absent = #expect(throws: TeacherError.self) {
            try store.signal(of: "s9", answer: [1])
        }
        #expect(absent?.code == .noAnswer)
        // Under another prompt it is another signal.
        var primed = samples[6]
        primed.prompt = [7] + primed.prompt
        let other = try await record([primed], world, ranks: 1)[0]
        #expect(
            try other.signal(of: "s6", answer: primed.answer)
                != store.signal(of: "s6", answer: primed.answer))
        await #expect(throws: (any Error).self) {
            try await record(
                [SignalSample(id: "long", prompt: [1], answer: [Int32](repeating: 1, count: 160))],
                world, ranks: 1)
        }
    }

    @Test func aDamagedRowIsNamed() async throws {
        let world = try LocalWorld()
        let samples = Self.samples(3)
        let store = try await record(samples, world, ranks: 1)[0]
        try await DatabaseQueue(path: RankFiles.signals.path(folder: world.labels, rank: 0)).write {
            let data = try Data.fetchOne($0, sql: "SELECT data FROM signals WHERE number = 2")
            var bytes = try #require(data)
            bytes[bytes.count - 1] ^= 1
            try $0.execute(
                sql: "UPDATE signals SET data = ? WHERE number = 2", arguments: [bytes])
        }
        let error = #expect(throws: TeacherError.self) {
            for sample in samples { _ = try store.signal(of: sample.id, answer: sample.answer) }
        }
        #expect(error?.code == .ledgerDamaged)
    }

    @Test func codesKeepLogarithms() throws {
        for value in stride(from: 0.0, to: -260, by: -0.0371) {
            let read = SignalCodec.value(SignalCodec.code(value))
            #expect(abs(read - value) <= (value > -16 ? 1.0 / 4096 : 1.0 / 256) + 1e-12)
        }
        #expect(SignalCodec.value(SignalCodec.code(-.infinity)) == -.infinity)
        #expect(SignalCodec.value(SignalCodec.code(-1e6)) == -(16 + 32766.0 / 128))
        #expect(SignalCodec.code(1e-9) == 0)
    }

    /// k = 64 of 128 thousand: the promise of at most 300 bytes a place.
    @Test func aPlaceTakesLittle() throws {
        var numbers = SampleNumbers(seed: 5)
        var scores = TopScores()
        for _ in 0..<50 {
            var ids: Set<Int32> = []
            while ids.count < 64 { ids.insert(Int32(numbers.below(128_256))) }
            let value = Float(Foundation.log(0.9 / 64))
            try scores.append(
                ids: ids.sorted(), logProbabilities: (0..<64).map { _ in value }, restMass: 0.1)
        }
        let bytes = SignalCodec.bytes(scores, places: 0..<50)
        #expect(bytes.count <= 50 * 270)
        let read = try #require(SignalCodec.scores(bytes, temperature: 1))
        #expect(read.ids == scores.ids)
        #expect(SignalCodec.scores(Array(bytes.dropLast()), temperature: 1) == nil)
        #expect(SignalCodec.scores(bytes + [0], temperature: 1) == nil)
    }
}
