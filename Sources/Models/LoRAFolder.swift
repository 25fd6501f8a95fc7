// Adapters as peft writes and reads them: `adapter_config.json` and `adapter_model.safetensors`.
//
// What the configuration asks for and we don't do is refused by its name: another kind of adapter, trained
// biases or whole layers, ranks or scales of their own for some layers. Members that only say how adapters
// came to be (their first numbers, versions, paths) are not read.
// Reference: peft, tuners/lora/config.py and utils/save_and_load.py.

import Autograd
import Foundation
import Safetensors
import TensorCore

extension LoRAOptions {
    /// Members that say nothing about what the adapters compute.
    private static let silent: Set<String> = [
        "auto_mapping", "base_model_name_or_path", "inference_mode", "megatron_core",
        "peft_version", "qalora_group_size", "revision", "task_type",
    ]
    private static let known: Set<String> = [
        "peft_type", "r", "lora_alpha", "lora_dropout", "target_modules", "use_rslora", "bias",
        "init_lora_weights",
    ]

    /// Reads `adapter_config.json`.
    init(_ json: JSONFields) throws(ModelError) {
        func unsupported(_ what: String) -> ModelError {
            ModelError(.unsupported, "\(json.path): \(what) is not supported")
        }
        guard try json.string("peft_type") == "LORA" else {
            throw unsupported("peft_type '\(try json.string("peft_type") ?? "(none)")'")
        }
        if let bias = try json.string("bias"), bias != "none" {
            throw unsupported("bias '\(bias)'")
        }
        if let start = json.members["init_lora_weights"] as? String, start != "gaussian" {
            // These change the base's weights, which are not those of its folder any more.
            throw unsupported("init_lora_weights '\(start)'")
        }
        for key in json.members.keys.sorted()
        where !Self.silent.contains(key) && !Self.known.contains(key) && json.isSet(key) {
            throw unsupported("'\(key)'")
        }
        self.init(
            rank: try json.positive("r"), alpha: try json.number("lora_alpha") ?? 8,
            dropout: try json.probability("lora_dropout") ?? 0, targets: try Self.targets(json),
            usesRootScale: try json.flag("use_rslora", default: false))
        try check()
    }

    private static func targets(_ json: JSONFields) throws(ModelError) -> LoRATargets {
        guard json.has("target_modules") else {
            throw ModelError(.malformed, "\(json.path): 'target_modules' is missing")
        }
        if let text = json.members["target_modules"] as? String {
            return text.lowercased() == "all-linear" ? .allLinear : .pattern(text)
        }
        return .names(try json.texts("target_modules") ?? [])
    }

    /// `adapter_config.json` for peft.
    fileprivate func json(base: String) throws(ModelError) -> Data {
        var targets: Any = "all-linear"
        switch self.targets {
        case .allLinear: break
        case .names(let names): targets = names
        case .pattern(let pattern): targets = pattern
        }
        var json = JSONFields(path: "adapter_config.json", members: [:])
        let members: [(String, Any)] = [
            ("peft_type", "LORA"), ("task_type", "CAUSAL_LM"), ("r", rank), ("lora_alpha", alpha),
            ("lora_dropout", Self.shortest(dropout)), ("target_modules", targets),
            ("use_rslora", usesRootScale), ("bias", "none"), ("inference_mode", true),
            ("fan_in_fan_out", false), ("init_lora_weights", true),
            ("base_model_name_or_path", base),
        ]
        for (key, value) in members { json.set(key, value) }
        return try json.serialized()
    }

    /// The decimal number that a `Float` was read from.
    private static func shortest(_ value: Float) -> Double { Double("\(value)") ?? Double(value) }
}

extension LoRAModel {
    static let configurationFile = "adapter_config.json"
    static let weightsFile = "adapter_model.safetensors"

    /// Adapters out of a folder that peft wrote, or `saveAdapter(to:)`.
    ///
    /// - Parameters:
    ///   - base: The folder of the frozen model.
    ///   - path: The adapters' folder.
    ///   - holdsHalves: Whether base weights that aren't bfloat16 are rounded to it.
    /// - Throws: `ModelError` with the file, and the key or tensor that is missing, wrong or not
    ///   supported.
    public convenience init(
        base: DecoderFolder, adapter path: String, holdsHalves: Bool = false
    ) throws(ModelError) {
        let options = try LoRAOptions(JSONFields(path: "\(path)/\(Self.configurationFile)"))
        try self.init(base: base, options: options, seed: 0, holdsHalves: holdsHalves)
        let file: SafetensorsFile
        do {
            file = try SafetensorsFile(path: "\(path)/\(Self.weightsFile)")
        } catch {
            throw ModelError(error.code == .malformed ? .malformed : .missing, error.message)
        }
        for (index, parameter) in parameters.parameters.enumerated() {
            try Self.copy(parameter, of: file, into: parameters.value(index))
        }
        if let unknown = file.names.first(where: { parameters.index(of: $0) == nil }) {
            throw ModelError(
                .malformed,
                "\(file.path): tensor '\(unknown)' has no place in these adapters; does "
                    + "\(Self.configurationFile) belong to it?")
        }
        file.releasePages()
        parameters.noteChange()
    }

    private static func copy(
        _ parameter: Parameter, of file: SafetensorsFile, into values: Matrix
    ) throws(ModelError) {
        guard file.contains(parameter.name) else {
            throw ModelError(
                .malformed,
                "\(file.path): tensor '\(parameter.name)' \(parameter.shape) is missing")
        }
        do {
            let entry = try file.entry(parameter.name)
            guard entry.shape == parameter.shape else {
                throw ModelError(
                    .malformed,
                    "\(file.path): tensor '\(parameter.name)' is \(entry.shape), not "
                        + "\(parameter.shape); do \(configurationFile) and the base belong to it?")
            }
            guard [.float32, .bfloat16, .float16].contains(entry.dataType) else {
                throw ModelError(
                    .unsupported,
                    "\(file.path): tensor '\(parameter.name)' holds \(entry.dataType.rawValue); "
                        + "weights must be F32, BF16 or F16")
            }
            try entry.copyRows(0..<values.rows, into: values)
        } catch let error as ModelError {
            throw error
        } catch {
            throw ModelError(.malformed, "\(error)")
        }
    }

    /// Writes the adapters alone, as a folder that `peft.PeftModel.from_pretrained` loads.
    ///
    /// The folder appears whole or not at all; one that is there already is replaced.
    ///
    /// - Throws: `ModelError.unwritable`.
    public func saveAdapter(to target: String) throws(ModelError) {
        let sources = parameters.parameters.enumerated().map { index, parameter in
            TensorSource(
                name: parameter.name, shape: parameter.shape,
                floats: parameters.value(index).toArray())
        }
        let configuration = try options.json(base: folder.path)
        try FolderExport.write(to: target) { staging in
            try configuration.write(
                to: URL(fileURLWithPath: "\(staging)/\(Self.configurationFile)"))
            try SafetensorsWriter.write(
                sources, metadata: ["format": "pt"], to: "\(staging)/\(Self.weightsFile)")
        }
    }
}

extension JSONFields {
    /// Whether a member is there and asks for something: not null, false, or empty.
    fileprivate func isSet(_ key: String) -> Bool {
        switch members[key] {
        case nil, is NSNull: false
        case let number as NSNumber: number != 0
        case let text as String: !text.isEmpty
        case let list as [Any]: !list.isEmpty
        case let map as [String: Any]: !map.isEmpty
        default: true
        }
    }
}
