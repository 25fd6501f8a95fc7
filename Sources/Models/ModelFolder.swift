// A Hugging Face model folder: `config.json`, `model.safetensors` and the tokenizer's files.
//
// Reading compares the file's tensors with what the model expects and names every missing, unknown
// or misshapen one. Writing makes a folder that `from_pretrained` loads as it is.

import Autograd
import Foundation
import Safetensors
import TensorCore

/// An opened model folder.
public struct ModelFolder: Sendable {
    /// Where it lies.
    public let path: String
    /// What its `config.json` says.
    public let configuration: EncoderConfiguration
    /// How a sentence encoder in this folder pools (`1_Pooling/config.json`), if it is one.
    public let sentencePooling: SentencePooling?
    /// The last name of `architectures`, say `BertForSequenceClassification`, if there is one.
    public let architecture: String?
    private let weights: SafetensorsFile

    /// Files that belong to the tokenizer and go with an export.
    private static let tokenizerFiles = [
        "tokenizer.json", "tokenizer_config.json", "special_tokens_map.json", "vocab.txt",
        "vocab.json", "merges.txt", "spm.model", "added_tokens.json",
    ]
    /// Tensors that files carry and that hold no weights: index buffers.
    private static let ignoredSuffixes = ["embeddings.position_ids"]

    /// Opens a folder: reads its configuration, maps its weights.
    public init(path: String) throws(ModelError) {
        var isDirectory: ObjCBool = false
        guard unsafe FileManager.default.fileExists(atPath: path, isDirectory: &isDirectory) else {
            throw ModelError(.missing, "\(path): no such model folder")
        }
        guard isDirectory.boolValue else {
            throw ModelError(.missing, "\(path): not a folder; give the model's folder")
        }
        self.path = path
        let json = try JSONFields(path: "\(path)/config.json")
        configuration = try EncoderConfiguration(json)
        architecture = try json.texts("architectures")?.last
        sentencePooling = try SentencePooling(folder: path)
        do {
            weights = try SafetensorsFile(path: "\(path)/model.safetensors")
        } catch {
            throw ModelError(error.code == .malformed ? .malformed : .missing, error.message)
        }
    }

    /// Fills the parameter set from the folder's weights.
    ///
    /// - Parameters:
    ///   - parameters: The weights that the model wants, by their full names.
    ///   - bare: A prefix of wanted names that a bare encoder's file leaves out.
    ///   - optional: Name stems that are drawn anew when the file lacks them.
    ///   - fresh: Name stems that are drawn anew even when the file has them.
    ///   - initializer: How they are drawn; nil when nothing is optional.
    func load(
        _ parameters: ParameterSet, bare: String, optional: [String] = [], fresh: [String] = [],
        initializer: FreshWeights? = nil
    ) throws(ModelError) {
        let isBare = !weights.names.contains { $0.hasPrefix(bare) }
        var wanted: Set<String> = []
        for (index, parameter) in parameters.parameters.enumerated() {
            let stored =
                isBare && parameter.name.hasPrefix(bare)
                ? String(parameter.name.dropFirst(bare.count)) : parameter.name
            wanted.insert(stored)
            let values = parameters.value(index)
            let isFresh = fresh.contains { parameter.name.hasPrefix($0) }
            if !isFresh, weights.contains(stored) {
                try copy(stored, parameter, into: values)
            } else if let initializer,
                isFresh || optional.contains(where: { parameter.name.hasPrefix($0) })
            {
                initializer.initialize(parameter, values)
            } else {
                throw ModelError(
                    .malformed, "\(weights.path): tensor '\(stored)' \(parameter.shape) is missing")
            }
        }
        weights.releasePages()
        parameters.noteChange()
        // Of a head that is drawn anew the file may have another form; RoBERTa's classifier has no pooler.
        var others = configuration.family.pretrainingHeads + fresh.map { "\($0)." }
        // DeBERTa's published files hold a table of positions that its configuration doesn't use.
        if configuration.positionCount == 0 {
            others += ["", bare].map { "\($0)embeddings.position_embeddings." }
        }
        let ignoresPooler = initializer == nil || configuration.family == .roberta
        let unknown = weights.names.filter { name in
            !wanted.contains(name)
                && !Self.ignoredSuffixes.contains { name.hasSuffix($0) }
                && !others.contains { name.hasPrefix($0) }
                && !(ignoresPooler && name.contains("pooler."))
        }
        if let first = unknown.first {
            let others = unknown.count > 1 ? " and \(unknown.count - 1) more" : ""
            throw ModelError(
                .malformed,
                "\(weights.path): tensor '\(first)'\(others) has no place in this model; "
                    + "does config.json belong to it?")
        }
    }

    private func copy(
        _ stored: String, _ parameter: Parameter, into values: Matrix
    ) throws(ModelError) {
        do {
            let entry = try weights.entry(stored)
            guard entry.shape == parameter.shape else {
                let hint = stored.hasPrefix("classifier") ? " (or set student.new_head: true)" : ""
                throw ModelError(
                    .malformed,
                    "\(weights.path): tensor '\(stored)' is \(entry.shape), the model wants "
                        + "\(parameter.shape)\(hint)")
            }
            try values.assign(entry.floats())
        } catch let error as SafetensorsError {
            throw ModelError(.malformed, error.message)
        } catch let error as ModelError {
            throw error
        } catch {
            throw ModelError(.malformed, "\(weights.path): \(error)")
        }
    }

    /// The first weight of a task's head that the folder lacks; nil when it has all of them.
    public func missingWeight(of task: EncoderTask) -> String? {
        let form = EncoderHead.form(configuration, task)
        return EncoderHead.layout(form, width: configuration.hiddenSize).map(\.name).first {
            !weights.contains($0)
        }
    }

    /// Writes weights, configuration and tokenizer as a new folder.
    func export(
        _ parameters: ParameterSet, task: EncoderTask, labels: [String], to target: String
    ) throws(ModelError) {
        try FolderExport.write(
            parameters, from: path, companions: Self.tokenizerFiles, to: target
        ) {
            try exportedConfiguration(task, labels)
        }
    }

    private func exportedConfiguration(
        _ task: EncoderTask, _ labels: [String]
    ) throws(ModelError) -> Data {
        var json = try JSONFields(path: "\(path)/config.json")
        json.set("architectures", [configuration.family.architecture + task.architecture])
        switch task {
        case .classification:
            let numbered = labels.enumerated()
            json.set(
                "id2label",
                Dictionary(uniqueKeysWithValues: numbered.map { (String($0.offset), $0.element) }))
            json.set(
                "label2id",
                Dictionary(uniqueKeysWithValues: numbered.map { ($0.element, $0.offset) }))
            json.set("problem_type", "single_label_classification")
        case .multipleChoice:
            for key in ["id2label", "label2id", "num_labels", "problem_type"] { json.remove(key) }
        }
        json.set("dtype", "float32")
        json.remove("torch_dtype")
        json.remove("_name_or_path")
        return try json.serialized()
    }
}
