// What an encoder costs: weights, arithmetic and memory, from its configuration.

import Autograd
public import TensorCore

extension EncoderConfiguration {
    /// Weights of the encoder with its pooler.
    public var weightCount: Int {
        Encoder.layout(self, prefix: "").reduce(hiddenSize * (hiddenSize + 1)) {
            $0 + $1.shape.reduce(1, *)
        }
    }

    /// Floating-point operations of the encoder's products, forward, for sequences of these lengths.
    public func forwardOperations(lengths: [Int]) -> Double {
        let (width, inner) = (Double(hiddenSize), Double(intermediateSize))
        let perToken = 2 * (4 * width * width + 2 * width * inner)
        return lengths.reduce(0) { sum, length in
            let tokens = Double(length)
            // Each token's query and key meet those of all buckets, too.
            let buckets = Double(relative?.buckets.rows(length: length).count ?? 0)
            return sum
                + Double(layerCount) * tokens * (perToken + 4 * (tokens + buckets) * width)
        }
    }

    /// Bytes that a training pass holds for each token, about: what every layer keeps for the backward
    /// pass, and the values and gradients at hand, of which the widest count.
    public func activationBytesPerToken(_ precision: Precision) -> Int {
        let kept = layerCount * (8 * hiddenSize + intermediateSize)
        return kept * (precision == .bfloat16 ? 2 : 4) + 4 * 4 * intermediateSize
    }

    /// The weights of linear layers, which are held packed as well.
    public var packedWeightCount: Int {
        layerCount * hiddenSize * (4 * hiddenSize + 2 * intermediateSize)
    }
}
