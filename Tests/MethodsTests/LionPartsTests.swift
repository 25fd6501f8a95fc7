// Lion's filters and its generation: which replies are taken, that both kinds see each other's output, caps on
// tries, and instructions with their input.

import Corpus
import Foundation
import Teacher
import TestSupport
import Testing

@testable import Methods

@Suite struct LionPartsTests {
    @Test(
        arguments: [
            ("Sort these words by length.", nil), ("  Sort these four words.\n", nil),
            ("4 words are enough", nil), ("Sort these words", .short), ("", .noReply),
            (" \n", .noReply), ("\"Sort these four words.\"", .firstCharacter),
            ("- Sort these four words", .firstCharacter),
            ("~ Sort these four words", .firstCharacter),
            ("Über all diese Wörter reden", .firstCharacter),
            ("Follow these Instructions to the end", .forbiddenWord),
            ("New instruction: sort these words", .forbiddenWord),
        ] as [(String, InstructionRejection?)])
    func filtered(reply: String, reason: InstructionRejection?) {
        switch InstructionFilter.instruction(.text(reply, finishReason: "stop")) {
        case .success(let text): #expect(reason == nil && text == reply.trimmed)
        case .failure(let fault): #expect(fault.rejection == reason)
        }
        #expect(
            InstructionFilter.instruction(.cut("Sort these words by length."))
                == .failure(.init(.cut)))
        #expect(InstructionFilter.instruction(.failed("x")) == .failure(.init(.noReply)))
    }

    private func generated(
        _ options: Recipe.LionOptions, hard: Int = 2, easy: Int = 3, cache: [String] = [],
        iteration: Int = 0, reply: @escaping (TextRequest) -> String
    ) throws -> ([LionInstruction], InstructionTally, [[TextRequest]]) {
        var waves: [[TextRequest]] = []
        let generation = LionGeneration(
            options: options, prompts: try LionPrompts(options.prompts), seed: 5
        ) { requests in
            waves.append(requests)
            return requests.map { .text(reply($0), finishReason: "stop") }
        }
        func seeds(_ name: String, _ count: Int) -> [LionInstruction] {
            (0..<count).map { LionInstruction(id: "\(name)\($0)", text: "do \(name) \($0)") }
        }
        let (made, tally) = try generation.instructions(
            hard: seeds("h", hard), easy: seeds("e", easy), iteration: iteration, cache: cache)
        return (made, tally, waves)
    }

    /// A reply that is like no other.
    private func fresh(_ request: TextRequest) -> String {
        let name = request.id.filter { $0 != ":" }
        return (0..<5).map { "\(name)x\(request.attempt)y\($0)" }.joined(separator: " ")
    }

    @Test func asManyOfEachKind() throws {
        var options = Recipe.LionOptions()
        options.perKind = 5
        let (made, tally, waves) = try generated(options, reply: fresh)
        #expect(made.count == 10 && made.count { $0.kind == .hard } == 5)
        #expect(made.map(\.id).prefix(2) == ["hard-1.1", "hard-1.2"])
        #expect(made.allSatisfy { ($0.parent?.first == "h") == ($0.kind == .hard) })
        #expect(tally.accepted == ["hard": 5, "easy": 5] && tally.missing == 0)
        #expect(waves.count == 1 && Set(waves[0].map { "\($0.id)#\($0.attempt)" }).count == 10)
        #expect(waves[0].allSatisfy { $0.sampling.temperature == 1 })
        // Another iteration asks anew for the same seeds.
        let (_, _, later) = try generated(options, iteration: 1, reply: fresh)
        let names = { (waves: [[TextRequest]]) in
            Set(waves.joined().map { "\($0.id)#\($0.attempt)" })
        }
        #expect(names(waves).isDisjoint(with: names(later)))
    }

    @Test func bothKindsSeeTheCachePoolAndEachOther() throws {
        var options = Recipe.LionOptions()
        options.perKind = 2
        options.attempts = 2
        // All say the same: one is taken, the others are too near.
        let (made, tally, waves) = try generated(options) { _ in "sort these words by length" }
        #expect(made.count == 1 && made[0].kind == .hard)
        #expect(tally.count(of: .similar) == 7 && tally.allRequests == 8 && tally.missing == 3)
        // Both kinds stop at four requests: two for each that is wanted.
        #expect(waves.map(\.count) == [4, 3, 1])
        let (none, _, _) = try generated(options, cache: ["Sort these words, by length!"]) { _ in
            "sort these words by length"
        }
        #expect(none.isEmpty)
    }

    @Test func aKindWithoutSeedsIsMissing() throws {
        var options = Recipe.LionOptions()
        options.perKind = 3
        let (made, tally, _) = try generated(options, hard: 0, reply: fresh)
        #expect(made.count == 3 && made.allSatisfy { $0.kind == .easy })
        #expect(tally.missing == 3 && tally.requests == ["hard": 0, "easy": 3])
        #expect(try generated(options, hard: 0, easy: 0, reply: fresh).0.isEmpty)
    }

    @Test func instructionsWithTheirInput() throws {
        let folder = try TemporaryFolder()
        try folder.write(
            "pool.jsonl",
            """
            {"instruction": "Name it.", "input": "", "output": "a"}
            {"instruction": "Turn it.", "input": "this", "output": "b"}
            {"id": "t", "instruction": "Sort it.", "instances": [{"input": "c b", "output": "b c"}, {"input": "z"}]}
            {"instruction": "Say it.", "instances": []}

            """)
        var source = CorpusSource(
            paths: [folder.file("pool.jsonl")], textField: "instruction", labelField: "output",
            labelRequired: false, inputField: "input")
        let records = try Corpus.read(source).records
        #expect(
            records.map(\.text) == [
                "Name it.", "Turn it.\n\nthis", "Sort it.\n\nc b", "Say it.",
            ])
        #expect(records.map(\.label) == ["a", "b", "b c", nil] && records[2].id == "t")
        source.format = .csv
        #expect(throws: CorpusError.self) { try Corpus.read(source) }
        try folder.write("bad.jsonl", "{\"instruction\": \"x\", \"instances\": [3]}\n")
        source = CorpusSource(
            paths: [folder.file("bad.jsonl")], textField: "instruction", inputField: "input")
        #expect(throws: CorpusError.self) { try Corpus.read(source) }
    }

    @Test(.enabled(if: SharedData.has("data/instructions"), "no instructions at hand"))
    func realInstructionFiles() throws {
        for (file, count) in [("seed_tasks", 175), ("user_oriented_instructions", 252)] {
            let source = CorpusSource(
                paths: [SharedData.path("data/instructions/\(file).jsonl")],
                textField: "instruction", labelField: "output", labelRequired: false,
                inputField: "input")
            let records = try Corpus.read(source).records
            #expect(records.count == count)
            #expect(records.count { $0.text.contains("\n\n") } > count / 3)
            #expect(records.allSatisfy { $0.label?.isEmpty == false })
        }
    }
}
