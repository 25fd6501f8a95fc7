// Writing a model folder, of an encoder or a decoder: whole, or not at all.

import Autograd
import Foundation
import Safetensors
import TensorCore

enum FolderExport {
    /// Writes configuration, weights and what lies beside them in the folder that the model came from.
    ///
    /// A folder that is there already is replaced when the new one is complete.
    ///
    /// - Parameters:
    ///   - parameters: The weights, in float32.
    ///   - source: The folder that the model came from.
    ///   - companions: Names of files there that go along, where they exist.
    ///   - target: The folder to write.
    ///   - configuration: Makes the bytes of `config.json`.
    /// - Throws: `ModelError.unwritable`.
    static func write(
        _ parameters: ParameterSet, from source: String, companions: [String], to target: String,
        configuration: () throws -> Data
    ) throws(ModelError) {
        let staging = "\(target).tmp-\(ProcessInfo.processInfo.processIdentifier)"
        let files = FileManager.default
        do {
            try? files.removeItem(atPath: staging)
            try files.createDirectory(atPath: staging, withIntermediateDirectories: true)
            try configuration().write(to: URL(fileURLWithPath: "\(staging)/config.json"))
            for name in companions where files.fileExists(atPath: "\(source)/\(name)") {
                try files.copyItem(atPath: "\(source)/\(name)", toPath: "\(staging)/\(name)")
            }
            let sources = parameters.parameters.enumerated().map { index, parameter in
                TensorSource(
                    name: parameter.name, shape: parameter.shape,
                    floats: parameters.value(index).toArray())
            }
            try SafetensorsWriter.write(
                sources, metadata: ["format": "pt"], to: "\(staging)/model.safetensors")
            if files.fileExists(atPath: target) { try files.removeItem(atPath: target) }
            try files.moveItem(atPath: staging, toPath: target)
        } catch {
            try? files.removeItem(atPath: staging)
            throw ModelError(.unwritable, "\(target): can't be written: \(error)")
        }
    }
}
