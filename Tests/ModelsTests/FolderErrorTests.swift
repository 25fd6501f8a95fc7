// Broken model folders: every error is one line that names the file and what is wrong in it.

import Foundation
import Models
import TestSupport
import Testing

@Suite struct FolderErrorTests {
    private let folder: TemporaryFolder

    init() throws {
        folder = try TemporaryFolder()
    }

    /// The error of loading a folder that a test has written.
    private func loadingError(labels: [String]? = nil) -> ModelError? {
        let error = #expect(throws: ModelError.self) {
            try EncoderClassifier(ModelFolder(path: folder.path), labels: labels)
        }
        #expect(error?.message.contains("\n") == false)
        return error
    }

    private func expect(
        _ code: ModelError.Code, _ parts: String..., from error: ModelError?,
        _ place: SourceLocation = #_sourceLocation
    ) {
        #expect(error?.code == code, "\(error?.message ?? "none")", sourceLocation: place)
        for part in parts {
            #expect(
                error?.message.contains(part) == true, "'\(part)' in: \(error?.message ?? "none")",
                sourceLocation: place)
        }
    }

    @Test func missingTensor() throws {
        var model = TinyBert()
        model.tensors.removeAll { $0.name == "bert.encoder.layer.1.output.dense.bias" }
        try model.write(to: folder.path)
        expect(
            .malformed, "model.safetensors", "bert.encoder.layer.1.output.dense.bias", "missing",
            from: loadingError())
    }

    /// Of a bare encoder's file the name is the file's own.
    @Test func missingTensorOfABareEncoder() throws {
        var model = TinyBert(labels: [], isBare: true)
        model.tensors.removeAll { $0.name == "embeddings.LayerNorm.weight" }
        try model.write(to: folder.path)
        expect(
            .malformed, "'embeddings.LayerNorm.weight'", from: loadingError(labels: ["a", "b"]))
    }

    @Test func extraTensor() throws {
        var model = TinyBert()
        model.tensors.append(("bert.encoder.layer.2.output.dense.bias", [16], .zeros(16)))
        try model.write(to: folder.path)
        expect(.malformed, "bert.encoder.layer.2.output.dense.bias", from: loadingError())
        model.tensors.append(("adapter", [1], .zeros(1)))
        try model.write(to: folder.path)
        expect(.malformed, "and 1 more", from: loadingError())
    }

    /// Index buffers and the heads of pre-training are no weights of this model.
    @Test func knownExtras() throws {
        var model = TinyBert()
        model.tensors.append(("bert.embeddings.position_ids", [1, 24], .zeros(24)))
        model.tensors.append(("cls.predictions.bias", [28], .zeros(28)))
        try model.write(to: folder.path)
        _ = try EncoderClassifier(ModelFolder(path: folder.path))
    }

    @Test func misshapenTensor() throws {
        var model = TinyBert()
        let index = try #require(
            model.tensors.firstIndex { $0.name == "bert.encoder.layer.0.intermediate.dense.weight" }
        )
        model.tensors[index].shape = [16, 24]
        try model.write(to: folder.path)
        expect(
            .malformed, "bert.encoder.layer.0.intermediate.dense.weight", "[16, 24]", "[24, 16]",
            from: loadingError())
    }

    /// A classifier of another count of classes says what to set.
    @Test func misshapenClassifier() throws {
        try TinyBert().write(to: folder.path)
        expect(
            .malformed, "classifier.weight", "[3, 16]", "[2, 16]", "new_head",
            from: loadingError(labels: ["a", "b"]))
    }

    @Test(arguments: [
        ("model_type", "electra"), ("hidden_act", "swish"),
        ("position_embedding_type", "relative_key"), ("classifier_pooling", "max"),
    ])
    func unsupportedChoice(key: String, value: String) throws {
        var model = TinyBert()
        model.configuration[key] = value
        try model.write(to: folder.path)
        expect(.unsupported, "config.json", key, value, from: loadingError())
    }

    @Test(arguments: ["is_decoder", "add_cross_attention"])
    func unsupportedFlag(key: String) throws {
        var model = TinyBert()
        model.configuration[key] = true
        try model.write(to: folder.path)
        expect(.unsupported, "config.json", key, from: loadingError())
        model.configuration[key] = false
        try model.write(to: folder.path)
        _ = try EncoderClassifier(ModelFolder(path: folder.path))
    }

    @Test(
        arguments: [
            ("hidden_size", 0), ("hidden_size", 2.5), ("vocab_size", "many"),
            ("num_attention_heads", -1), ("hidden_dropout_prob", 1.0), ("layer_norm_eps", "small"),
            ("hidden_act", 3), ("id2label", ["0": 1]), ("id2label", ["1": "a", "2": "b"]),
        ] as [(String, any Sendable)])
    func wrongType(key: String, value: any Sendable) throws {
        var model = TinyBert()
        model.configuration[key] = value
        try model.write(to: folder.path)
        expect(.malformed, "config.json", "'\(key)'", from: loadingError())
    }

    @Test func missingFields() throws {
        for key in ["vocab_size", "hidden_size", "num_hidden_layers", "intermediate_size"] {
            var model = TinyBert()
            model.configuration[key] = nil
            try model.write(to: folder.path)
            expect(.malformed, "'\(key)' is missing", from: loadingError())
        }
        var model = TinyBert()
        model.configuration["model_type"] = nil
        try model.write(to: folder.path)
        expect(.unsupported, "model_type", from: loadingError())
    }

    @Test func headsDontDivideWidth() throws {
        try TinyBert(width: 16, heads: 3).write(to: folder.path)
        expect(.malformed, "hidden_size 16", "num_attention_heads 3", from: loadingError())
    }

    @Test func noLabels() throws {
        try TinyBert(labels: []).write(to: folder.path)
        expect(.missing, "id2label", from: loadingError())
    }

    @Test(arguments: ["", "{", "[]", "{\"model_type\": \"bert\",}"])
    func brokenJSON(text: String) throws {
        try TinyBert().write(to: folder.path)
        try folder.write("config.json", text)
        expect(.malformed, "config.json", from: loadingError())
    }

    @Test func absentFiles() throws {
        expect(.missing, "config.json", from: loadingError())
        try TinyBert().write(to: folder.path)
        try FileManager.default.removeItem(atPath: folder.file("model.safetensors"))
        expect(.missing, "model.safetensors", from: loadingError())
        let absent = #expect(throws: ModelError.self) {
            try ModelFolder(path: folder.file("nowhere"))
        }
        expect(.missing, "nowhere", from: absent)
        let notAFolder = #expect(throws: ModelError.self) {
            try ModelFolder(path: folder.file("config.json"))
        }
        expect(.missing, "config.json", "not a folder", from: notAFolder)
    }

    @Test func brokenWeights() throws {
        try TinyBert().write(to: folder.path)
        try folder.write("model.safetensors", "not a safetensors file")
        expect(.malformed, "model.safetensors", from: loadingError())
    }
}

extension [Float] {
    fileprivate static func zeros(_ count: Int) -> [Float] { Array(repeating: 0, count: count) }
}
