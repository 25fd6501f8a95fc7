// What a decoder takes in memory and arithmetic, from its sizes alone.
//
// Shape legend: D width, F inner width.

public import TensorCore

extension DecoderConfiguration {
    /// The weights of linear layers, which are held packed as well; the output layer is one of them.
    public var packedWeightCount: Int {
        let layer =
            hiddenSize * (2 * queryWidth + 2 * keyWidth) + 3 * hiddenSize * intermediateSize
        return layerCount * layer + vocabularySize * hiddenSize
    }

    /// Multiplications and additions of the forward pass over texts, with scores for every token but the
    /// last of each; attention to the tokens before, windows not regarded.
    public func forwardOperations(lengths: [Int]) -> Double {
        let (width, inner) = (Double(hiddenSize), Double(intermediateSize))
        let (queries, keys) = (Double(queryWidth), Double(keyWidth))
        let perToken = 2 * width * (2 * queries + 2 * keys + 3 * inner)
        return lengths.reduce(0) { sum, length in
            let tokens = Double(length)
            let attention = 2 * queries * (tokens + 1)
            let head = 2 * width * Double(vocabularySize) * (tokens - 1)
            return sum + Double(layerCount) * tokens * (perToken + attention) + head
        }
    }

    /// Bytes that a token keeps for the backward pass, and what one layer's passes need besides.
    ///
    /// - Parameters:
    ///   - precision: In what precision products take their operands.
    ///   - recomputesLayers: Whether one state a layer is kept, and the rest made again.
    public func activationBytesPerToken(
        _ precision: Precision, recomputesLayers: Bool
    ) -> Int {
        let element = precision == .bfloat16 ? 2 : 4
        // Two residual states; queries, keys and values; the context; gate and up.
        let layer = 2 * hiddenSize + 2 * queryWidth + 2 * keyWidth + 2 * intermediateSize
        let kept =
            recomputesLayers ? layerCount * hiddenSize + layer : layerCount * layer
        return kept * element + 4 * (4 * intermediateSize + 4 * hiddenSize)
    }
}

extension LoRAOptions {
    /// The count of weights that adapters of a model have.
    ///
    /// - Throws: `ModelError` for targets that the model doesn't have.
    public func weightCount(of configuration: DecoderConfiguration) throws(ModelError) -> Int {
        let layout = LoRALayout(
            configuration, modules: try modules(configuration), rank: rank)
        return layout.weights.reduce(0) { $0 + $1.shape.reduce(1, *) }
    }
}
