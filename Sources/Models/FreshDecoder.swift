// A decoder that has learnt nothing: a folder of random weights for a configuration, to be trained from
// scratch. As transformers initialises: matrices normal, norms 1, biases 0.
// Reference: transformers, `PreTrainedModel._init_weights`.

import Autograd
import Foundation
import TensorCore

/// Makes folders of decoders with random weights.
public enum FreshDecoder {
    /// Writes a model folder that training and `transformers` load.
    ///
    /// The folder appears whole or not at all; one that is there already is replaced.
    ///
    /// - Parameters:
    ///   - configuration: A `config.json` of a family that we run; its `initializer_range` is the
    ///     standard deviation.
    ///   - tokenizer: A folder whose tokenizer, and what belongs to it, goes along.
    ///   - seed: Where the weights start.
    ///   - target: The folder to write.
    /// - Returns: The count of weights.
    /// - Throws: `ModelError` with what is wrong with the configuration, or where writing fails.
    public static func write(
        configuration path: String, tokenizer: String, seed: UInt64, to target: String
    ) throws(ModelError) -> Int {
        let json = try JSONFields(path: path)
        let configuration = try DecoderConfiguration(json)
        guard FileManager.default.fileExists(atPath: "\(tokenizer)/tokenizer.json") else {
            throw ModelError(.missing, "\(tokenizer)/tokenizer.json: no such file")
        }
        let parameters = ParameterSet(
            DecoderLayout.weights(configuration), joined: DecoderLayout.joined(configuration))
        let fresh = FreshWeights(seed: seed, deviation: configuration.initializerRange)
        for (index, parameter) in parameters.parameters.enumerated() {
            let values = parameters.value(index)
            if parameter.name.hasSuffix("norm.weight") {
                values.fill(1)
            } else {
                fresh.initialize(parameter, values)
            }
        }
        try FolderExport.write(
            parameters, from: tokenizer, companions: DecoderFolder.companions, to: target
        ) {
            var json = json
            json.set("dtype", "float32")
            json.remove("torch_dtype")
            return try json.serialized()
        }
        return parameters.weightCount
    }
}
