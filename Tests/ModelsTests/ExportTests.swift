// Exported folders: the same bits again, a configuration that says what the student is, the tokenizer's
// files, and all or nothing on disk.

import Autograd
import Foundation
import Models
import Safetensors
import TensorCore
import TestSupport
import Testing

@Suite struct ExportTests {
    private let folder: TemporaryFolder

    init() throws {
        folder = try TemporaryFolder()
    }

    private func exported(_ student: EncoderClassifier, _ name: String = "out") throws
        -> ModelFolder
    {
        try student.export(to: folder.file(name))
        return try ModelFolder(path: folder.file(name))
    }

    private func configuration(_ name: String) throws -> [String: Any] {
        let data = try Data(contentsOf: URL(fileURLWithPath: folder.file("\(name)/config.json")))
        return try #require(try JSONSerialization.jsonObject(with: data) as? [String: Any])
    }

    /// Load, export, load: the same weights, bit for bit, at twice the distance too.
    @Test(arguments: ["cls", "mean"])
    func roundTrip(pooling: String) throws {
        try TinyBert(seed: 4, pooling: pooling).write(to: folder.file("in"))
        let first = try EncoderClassifier(ModelFolder(path: folder.file("in")))
        let second = try EncoderClassifier(try exported(first, "out"))
        #expect(first.labels == second.labels)
        let bits = [first, second].map { $0.parameters.values.toArray().map(\.bitPattern) }
        #expect(bits[0] == bits[1])
        #expect(second.configuration.pooling == first.configuration.pooling)
        _ = try exported(second, "out2")
        for name in ["config.json", "model.safetensors", "tokenizer.json"] {
            let files = try ["out", "out2"].map {
                try Data(contentsOf: URL(fileURLWithPath: folder.file("\($0)/\(name)")))
            }
            #expect(files[0] == files[1], "\(name)")
        }
    }

    @Test func configurationFields() throws {
        var model = TinyBert(labels: [], isBare: true)
        model.configuration["architectures"] = ["BertModel"]
        model.configuration["torch_dtype"] = "float16"
        model.configuration["_name_or_path"] = "somewhere/else"
        model.configuration["a_field_of_the_future"] = [1, 2]
        try model.write(to: folder.file("in"))
        let student = try EncoderClassifier(
            ModelFolder(path: folder.file("in")), labels: ["b/1", "a", "ü"])
        _ = try exported(student)
        let json = try configuration("out")
        #expect(json["architectures"] as? [String] == ["BertForSequenceClassification"])
        #expect(json["id2label"] as? [String: String] == ["0": "b/1", "1": "a", "2": "ü"])
        #expect(json["label2id"] as? [String: Int] == ["b/1": 0, "a": 1, "ü": 2])
        #expect(json["dtype"] as? String == "float32")
        #expect(json["problem_type"] as? String == "single_label_classification")
        #expect(json["torch_dtype"] == nil && json["_name_or_path"] == nil)
        #expect(json["a_field_of_the_future"] as? [Int] == [1, 2])
        #expect(json["hidden_size"] as? Int == 16)
        let file = try SafetensorsFile(path: folder.file("out/model.safetensors"))
        #expect(file.metadata["format"] == "pt")
        #expect(file.names.contains("bert.pooler.dense.weight"))
        #expect(file.names.contains("classifier.bias"))
        #expect(file.names.allSatisfy { $0.hasPrefix("bert.") || $0.hasPrefix("classifier.") })
    }

    @Test func replacesWhatIsThereAndLeavesNothingBehind() throws {
        try TinyBert(seed: 1).write(to: folder.file("in"))
        try TinyBert(seed: 2).write(to: folder.file("out"))
        try folder.write("out/stray.txt", "from before")
        let student = try EncoderClassifier(ModelFolder(path: folder.file("in")))
        let again = try EncoderClassifier(try exported(student))
        #expect(student.parameters.values.toArray() == again.parameters.values.toArray())
        #expect(try folder.names() == ["in", "out"])
        #expect(
            try FileManager.default.contentsOfDirectory(atPath: folder.file("out")).sorted() == [
                "config.json", "model.safetensors", "tokenizer.json",
            ])
    }

    /// An export onto the folder that the student came from.
    @Test func ontoItsOwnFolder() throws {
        try TinyBert(seed: 1).write(to: folder.file("in"))
        let student = try EncoderClassifier(ModelFolder(path: folder.file("in")))
        let before = student.parameters.values.toArray()
        try student.export(to: folder.file("in"))
        let again = try EncoderClassifier(ModelFolder(path: folder.file("in")))
        #expect(again.parameters.values.toArray() == before)
    }

    @Test func unwritable() throws {
        try TinyBert().write(to: folder.file("in"))
        let student = try EncoderClassifier(ModelFolder(path: folder.file("in")))
        let error = #expect(throws: ModelError.self) {
            try student.export(to: folder.file("in/config.json/out"))
        }
        #expect(error?.code == .unwritable)
        #expect(error?.message.contains("in/config.json/out") == true)
    }
}
