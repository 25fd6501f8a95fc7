// A decoder's weights in float32 in one flat buffer: what training changes and what is exported.
// Not here: computing with them (Decoder.swift for inference).

public import Autograd
import Foundation
import Safetensors
import TensorCore

/// The weights of a decoder.
public final class DecoderModel: @unchecked Sendable {
    /// What the folder's `config.json` says.
    public let configuration: DecoderConfiguration
    /// All weights, by their names in the folder.
    public let parameters: ParameterSet
    /// The folder that the weights came from.
    public let folder: DecoderFolder

    /// Reads all weights of a folder.
    ///
    /// - Throws: `ModelError` where a tensor can't be read.
    public init(_ folder: DecoderFolder) throws(ModelError) {
        self.folder = folder
        configuration = folder.configuration
        parameters = ParameterSet(
            DecoderLayout.weights(configuration), joined: DecoderLayout.joined(configuration))
        for (index, parameter) in parameters.parameters.enumerated() {
            let entry = try folder.weights.entry(parameter.name, shape: parameter.shape)
            let values = parameters.value(index)
            try entry.copyRows(0..<values.rows, into: values)
        }
        folder.weights.releasePages()
        parameters.noteChange()
    }

    /// The count of weights.
    public var weightCount: Int { parameters.weightCount }

    /// Writes a folder that `transformers` loads with `from_pretrained`, in float32.
    ///
    /// The folder appears whole or not at all; one that is there already is replaced.
    ///
    /// - Throws: `ModelError` where the system refuses to write.
    public func export(to target: String) throws(ModelError) {
        try FolderExport.write(
            parameters, from: folder.path, companions: DecoderFolder.companions, to: target
        ) {
            try folder.exportedConfiguration(.float32)
        }
    }
}

extension DecoderModel: DecoderWeightSource {
    func copy(
        _ names: [String], shapes: [[Int]], rows: Range<Int>, into target: Matrix
    ) throws(ModelError) {
        guard let first = names.first.flatMap(parameters.index) else { return }
        // Neighbours in the flat buffer: see `DecoderLayout.joined`.
        let whole = parameters.view(first..<first + names.count, of: parameters.values)
        target.copy(from: whole.rows == 1 ? whole : whole.rows(rows))
    }

    func isBFloat16(_ names: [String], shapes: [[Int]]) throws(ModelError) -> Bool { false }

    func finish() {}

    var revision: Int { parameters.revision }
}
