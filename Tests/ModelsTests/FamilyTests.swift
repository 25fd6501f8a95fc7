// Folders of the families: heads under each one's names, exports that say what they are, and what of
// DeBERTa's configuration is refused.

import Autograd
import Foundation
import Models
import TensorCore
import TestSupport
import Testing

@Suite struct FamilyTests {
    private let folder: TemporaryFolder

    init() throws {
        folder = try TemporaryFolder()
    }

    private static func model(_ family: String, _ base: TinyBert) -> TinyBert {
        switch family {
        case "roberta": base.roberta()
        case "deberta-v2": base.deberta()
        default: base
        }
    }

    private func configuration(_ name: String) throws -> [String: Any] {
        let data = try Data(contentsOf: URL(fileURLWithPath: folder.file("\(name)/config.json")))
        return try #require(try JSONSerialization.jsonObject(with: data) as? [String: Any])
    }

    private func scores(_ student: any EncoderStudent) -> [UInt32] {
        let batch = TokenBatch([TokenSequence(ids: [2, 5, 9, 3]), TokenSequence(ids: [7, 1])])
        let tape = Tape(
            compute: Compute(threads: 1), memory: TapeMemory(), parameters: student.parameters,
            layout: batch.layout)
        return student.logits(tape, batch, dropout: nil).value.toArray().map(\.bitPattern)
    }

    @Test(arguments: [("bert", "Bert"), ("roberta", "Roberta"), ("deberta-v2", "DebertaV2")])
    func classifier(family: String, name: String) throws {
        try Self.model(family, TinyBert(seed: 4)).write(to: folder.file("in"))
        for file in ["vocab.json", "merges.txt", "spm.model"] {
            try folder.write("in/\(file)", file)
        }
        let student = try EncoderClassifier(ModelFolder(path: folder.file("in")))
        try student.export(to: folder.file("out"))
        let json = try configuration("out")
        #expect(json["architectures"] as? [String] == ["\(name)ForSequenceClassification"])
        #expect((json["id2label"] as? [String: String])?.count == 3)
        #expect(json["model_type"] as? String == family)
        for file in ["vocab.json", "merges.txt", "spm.model", "tokenizer.json"] {
            #expect(FileManager.default.fileExists(atPath: folder.file("out/\(file)")))
        }
        let exported = try ModelFolder(path: folder.file("out"))
        #expect(exported.missingWeight(of: .classification(classes: 3)) == nil)
        let again = try EncoderClassifier(exported)
        #expect(scores(again) == scores(student))
        #expect(again.labels == student.labels)
    }

    @Test(arguments: [("bert", "Bert"), ("roberta", "Roberta"), ("deberta-v2", "DebertaV2")])
    func multipleChoice(family: String, name: String) throws {
        // From a folder with a classifier, which the new head replaces; RoBERTa's has another form.
        try Self.model(family, TinyBert(seed: 4)).write(to: folder.file("in"))
        let start = try ModelFolder(path: folder.file("in"))
        let student = try MultipleChoiceModel(start, seed: 7, newHead: true)
        #expect(scores(student).count == 2)
        try student.export(to: folder.file("out"))
        let json = try configuration("out")
        #expect(json["architectures"] as? [String] == ["\(name)ForMultipleChoice"])
        #expect(json["id2label"] == nil && json["problem_type"] == nil)
        let exported = try ModelFolder(path: folder.file("out"))
        #expect(exported.architecture == "\(name)ForMultipleChoice")
        #expect(exported.missingWeight(of: .multipleChoice) == nil)
        #expect(scores(try MultipleChoiceModel(exported)) == scores(student))
        #expect(
            scores(try MultipleChoiceModel(start, seed: 8, newHead: true)) != scores(student))
    }

    /// An encoder's file without names before its own gets a head; those of pre-training are left.
    @Test(arguments: ["bert", "roberta", "deberta-v2"])
    func bareEncoder(family: String) throws {
        var model = Self.model(family, TinyBert(seed: 4, labels: []))
        let prefix =
            ["bert": "bert.", "roberta": "roberta.", "deberta-v2": "deberta."][family] ?? ""
        for index in model.tensors.indices {
            model.tensors[index].name = model.tensors[index].name.replacing(prefix, with: "")
        }
        let extras = ["bert": "cls.x", "roberta": "lm_head.bias", "deberta-v2": "lm_predictions.x"]
        model.tensors.append((extras[family] ?? "", [1], [0]))
        try model.write(to: folder.file("in"))
        let start = try ModelFolder(path: folder.file("in"))
        #expect(start.missingWeight(of: .multipleChoice) != nil)
        #expect(scores(try MultipleChoiceModel(start)).count == 2)
        #expect(scores(try EncoderClassifier(start, labels: ["a", "b"])).count == 4)
    }

    /// RoBERTa counts positions from the number after that of padding, which stands by itself.
    @Test func positionsOfRoberta() throws {
        try TinyBert(seed: 4, maximumLength: 24).roberta(padding: 3).write(to: folder.file("in"))
        let student = try EncoderClassifier(ModelFolder(path: folder.file("in")))
        #expect(student.configuration.maximumLength == 20)
        #expect(throws: ModelError.self) {
            try student.configuration.check([TokenSequence(ids: Array(repeating: 5, count: 21))])
        }
        try student.configuration.check([TokenSequence(ids: Array(repeating: 5, count: 20))])
    }

    @Test(
        arguments: [
            ("relative_attention", false), ("share_att_key", false), ("pos_att_type", "c2p"),
            ("pos_att_type", ["p2c"]), ("conv_kernel_size", 3), ("embedding_size", 8),
            ("pooler_hidden_act", "swish"),
        ] as [(String, any Sendable)])
    func refusedOfDeberta(key: String, value: any Sendable) throws {
        var model = TinyBert().deberta()
        model.configuration[key] = value
        try model.write(to: folder.path)
        let error = #expect(throws: ModelError.self) { try ModelFolder(path: folder.path) }
        #expect(error?.code == .unsupported && error?.message.contains(key) == true)
    }

    /// Absolute positions, types, and no norm of the embeddings, as DeBERTa v2 may have them.
    @Test func otherDeberta() throws {
        var model = TinyBert(seed: 4)
        let tables = model.tensors.filter {
            $0.name.contains("position_emb") || $0.name.contains("token_type_emb")
        }
        model = model.deberta()
        for table in tables {
            model.tensors.append(
                (table.name.replacing("bert.", with: "deberta."), table.shape, table.values))
        }
        model.tensors.removeAll { $0.name.contains("encoder.LayerNorm") }
        model.configuration["position_biased_input"] = true
        model.configuration["type_vocab_size"] = 2
        model.configuration["norm_rel_ebd"] = "none"
        model.configuration["pos_att_type"] = ["c2p", "p2c"]
        model.configuration["position_buckets"] = -1
        // Without buckets the table has a row for each distance.
        model.configuration["max_relative_positions"] = 4
        try model.write(to: folder.path)
        let student = try EncoderClassifier(ModelFolder(path: folder.path))
        #expect(student.rowTables.count == 3)
        #expect(scores(student).count == 6)
    }
}
