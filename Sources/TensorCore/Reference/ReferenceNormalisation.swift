// The reference of layer normalisation.

extension ReferenceOperations {
    /// A normalised matrix with what its backward pass needs.
    public struct Normalised: Sendable {
        /// (x - mean) / deviation * gamma + beta.
        public var values: ReferenceMatrix
        /// The mean of each row.
        public var mean: [Double]
        /// 1 / sqrt(variance + epsilon) of each row.
        public var reciprocalDeviation: [Double]
    }

    /// Layer normalisation of each row, with the variance over n (not n - 1).
    public static func layerNorm(
        _ x: ReferenceMatrix, gamma: [Double], beta: [Double], epsilon: Double
    ) -> Normalised {
        var result = Normalised(values: x, mean: [], reciprocalDeviation: [])
        for row in 0..<x.rows {
            let values = x.row(row)
            let mean = values.reduce(0, +) / Double(x.columns)
            let variance =
                values.reduce(0) { $0 + ($1 - mean) * ($1 - mean) } / Double(x.columns)
            let factor = 1 / (variance + epsilon).squareRoot()
            for column in 0..<x.columns {
                result.values[row, column] =
                    (values[column] - mean) * factor * gamma[column] + beta[column]
            }
            result.mean.append(mean)
            result.reciprocalDeviation.append(factor)
        }
        return result
    }

    /// The gradients of layer normalisation.
    public struct NormalisationGradients: Sendable {
        /// Of the input.
        public var x: ReferenceMatrix
        /// Of gamma.
        public var gamma: [Double]
        /// Of beta.
        public var beta: [Double]
    }

    /// The gradients of `layerNorm` at x.
    public static func layerNormBackward(
        _ x: ReferenceMatrix, gamma: [Double], epsilon: Double, _ dy: ReferenceMatrix
    ) -> NormalisationGradients {
        let n = x.columns
        let plain = layerNorm(
            x, gamma: Array(repeating: 1, count: n), beta: Array(repeating: 0, count: n),
            epsilon: epsilon)
        var result = NormalisationGradients(
            x: x, gamma: Array(repeating: 0, count: n), beta: Array(repeating: 0, count: n))
        for row in 0..<x.rows {
            var (average, correlation) = (0.0, 0.0)
            for column in 0..<n {
                let normalised = plain.values[row, column]
                let gradient = dy[row, column] * gamma[column]
                average += gradient / Double(n)
                correlation += gradient * normalised / Double(n)
                result.gamma[column] += dy[row, column] * normalised
                result.beta[column] += dy[row, column]
            }
            for column in 0..<n {
                result.x[row, column] =
                    plain.reciprocalDeviation[row]
                    * (dy[row, column] * gamma[column] - average
                        - plain.values[row, column] * correlation)
            }
        }
        return result
    }
}
