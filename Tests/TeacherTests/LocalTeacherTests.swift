// Labels of a decoder in this process: their probabilities against sums of log-probabilities that are added
// up text by text, and the promise that a label depends on its record alone.

import Corpus
import Foundation
import Models
import TensorCore
import TestSupport
import Testing
import Tokenizers

@testable import Teacher

@Suite struct LocalTeacherTests {
    private static let labels = ["cat", "car", "dog"]

    private func records(_ count: Int) -> [Record] {
        (0..<count).map {
            let words = ["the cat ", "a dog in ", "the car on "]
            let text = (0...($0 % 5)).map { words[$0 % 3] }.joined() + "the \($0)"
            return Record(id: "r\($0)", text: text, source: Place(file: "f", line: $0 + 1))
        }
    }

    private func teacher(
        _ model: LocalModel, labels: [String] = Self.labels,
        _ change: (inout LabelTaskOptions) -> Void = { _ in }
    ) throws -> LocalTeacher {
        var options = LabelTaskOptions(model: LocalTeacher.modelName, labels: labels)
        options.route = LocalTeacher.route(for: model.template)
        options.minimumLabelMass = 0
        change(&options)
        return try LocalTeacher(model, task: LabelTask(options))
    }

    /// log p of the tokens of `text` from `start` on, by one read of the whole text.
    private func logProbability(
        _ ids: [Int32], from start: Int, _ decoder: Models.Decoder
    ) throws -> Double {
        let states = try decoder.read([DecoderInput(decoder.makeSequence(), ids, wanted: .all)])
        let logits = decoder.logits(states)
        return (start..<ids.count).reduce(0) { sum, place in
            let row = logits.row(place - 1).toArray().map(Double.init)
            let largest = row.max() ?? 0
            let all = row.reduce(0) { $0 + Foundation.exp($1 - largest) }
            return sum + row[Int(ids[place])] - largest - Foundation.log(all)
        }
    }

    @Test func probabilitiesAreThoseOfTheLabelsWords() throws {
        let model = try LocalWorld().model()
        let teacher = try teacher(model)
        let records = records(5)
        for (record, answer) in zip(records, try teacher.label(records)) {
            let prompt =
                "You label texts. Answer with exactly one of these labels and nothing else: cat, "
                + "car, dog.\n\nText: \(record.text)\nLabel:"
            let start = model.tokenizer.encodeIDs(prompt).count
            let scores = try Self.labels.map {
                try logProbability(
                    model.tokenizer.encodeIDs("\(prompt) \($0)"), from: start, model.decoder)
            }
            let sum = scores.reduce(0) { $0 + Foundation.exp($1) }
            for (label, score) in zip(Self.labels, scores) {
                let ours = try #require(answer.labelProbabilities?[label])
                #expect(abs(ours - Foundation.exp(score) / sum) < 1e-6)
            }
            let best = Self.labels.indices.max { scores[$0] < scores[$1] }
            #expect(answer.label == best.map { Self.labels[$0] })
            #expect(answer.confidenceMethod == "label_logprob")
            #expect(answer.id == record.id)
        }
    }

    @Test func chatsEndWithTheLabelAsTheirAnswer() throws {
        let model = try LocalWorld(isChat: true).model()
        #expect(model.template?.format == .chatML)
        // `dog` begins `dogs`: the end of the turn tells them apart.
        let labels = ["dog", "dogs", "cat"]
        let answer = try teacher(model, labels: labels).label(records(1))[0]
        let prompt =
            "<|im_start|>system\nYou label texts. Answer with exactly one of these labels and nothing "
            + "else: dog, dogs, cat.<|im_end|>\n<|im_start|>user\n\(records(1)[0].text)<|im_end|>\n"
            + "<|im_start|>assistant\n"
        let start = model.tokenizer.encodeIDs(prompt).count
        let scores = try labels.map {
            try logProbability(
                model.tokenizer.encodeIDs("\(prompt)\($0)<|im_end|>"), from: start, model.decoder)
        }
        let sum = scores.reduce(0) { $0 + Foundation.exp($1) }
        for (label, score) in zip(labels, scores) {
            let ours = try #require(answer.labelProbabilities?[label])
            #expect(abs(ours - Foundation.exp(score) / sum) < 1e-6)
        }
    }

    /// The same bits alone and together, after other prompts, and on any number of threads.
    @Test(arguments: [false, true]) func aLabelDependsOnItsRecordAlone(isChat: Bool) throws {
        let world = try LocalWorld(isChat: isChat)
        let records = records(40)
        let together = try teacher(world.model()).label(records)
        let model = try world.model(threads: 2)
        let other = try teacher(model)
        let alone = try records.reversed().flatMap { try other.label([$0]) }
        #expect(alone.reversed().elementsEqual(together))
        #expect(Set(together.compactMap(\.labelProbabilities)).count > 5)
    }

    @Test func aTextThatIsTooLongIsCut() throws {
        let model = try LocalWorld(maximumLength: 160).model()
        let long = Record(
            id: "long", text: String(repeating: "the cat ", count: 200),
            source: Place(file: "f", line: 1))
        let answer = try teacher(model).label([long])[0]
        #expect(answer.labelProbabilities != nil)
        let error = #expect(throws: TeacherError.self) {
            try teacher(model) { options in
                options.prompts = [.init(system: String(repeating: "x ", count: 200))]
            }.label([long])
        }
        #expect(error?.message.contains("shorten the templates") == true)
    }

    @Test func answersInWordsAreDrawnByRecord() throws {
        let world = try LocalWorld()
        let records = records(20)
        let draw: (inout LabelTaskOptions) -> Void = {
            $0.answer = .text
            $0.maximumTokens = 8
            $0.temperature = 1
            $0.seed = 5
        }
        let together = try teacher(world.model(), draw).label(records)
        let other = try teacher(world.model(), draw)
        let alone = try records.flatMap { try other.label([$0]) }
        #expect(alone == together)
        #expect(Set(together.compactMap(\.text)).count > 10)
        #expect(together.allSatisfy { $0.usage?.completionTokens ?? 0 <= 8 })
    }

    /// A random model names no label: what it says is kept with the reason, and nothing is made up.
    @Test func whatCantBeReadHasNoLabel() throws {
        let model = try LocalWorld(maximumLength: 1024).model()
        let answers = try teacher(model) {
            $0.answer = .json
            $0.confidence = .verbalized
            $0.maximumTokens = 8
        }.label(records(3))
        for answer in answers {
            #expect(answer.label == nil && answer.labelProbabilities == nil)
            #expect(answer.text?.isEmpty == false)
        }
        #expect(throws: TeacherError.self) { try teacher(model) { $0.answer = .json } }
    }

    @Test func theIdentityIsTheFilesNotTheirPlace() throws {
        let world = try LocalWorld()
        let copy = world.folder.file("copy")
        try FileManager.default.copyItem(atPath: world.folder.file("model"), toPath: copy)
        let compute = Compute(threads: 1)
        let first = try world.model().identity
        #expect(try LocalModel(folder: copy, compute: compute).identity == first)
        #expect(
            try LocalModel(folder: copy, chatTemplate: "chatml", compute: compute).identity
                != first)
        try TinyLlama(seed: 2).write(to: copy)
        #expect(try LocalModel(folder: copy, compute: compute).identity != first)
    }
}
