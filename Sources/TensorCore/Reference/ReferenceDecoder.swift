// The references of what decoders are made of: plain loops in double precision.

#if canImport(Glibc)
    internal import Glibc
#elseif canImport(Darwin)
    internal import Darwin
#endif

extension ReferenceOperations {
    /// x / sqrt(mean(x^2) + epsilon) * gamma, row by row.
    public static func rootMeanSquareNorm(
        _ x: ReferenceMatrix, gamma: [Double], epsilon: Double
    ) -> ReferenceMatrix {
        var result = x
        for row in 0..<x.rows {
            let mean = x.row(row).reduce(0) { $0 + $1 * $1 } / Double(x.columns)
            let factor = 1 / (mean + epsilon).squareRoot()
            for column in 0..<x.columns {
                result[row, column] = x[row, column] * factor * gamma[column]
            }
        }
        return result
    }

    /// The gradients of `rootMeanSquareNorm` by x and gamma.
    public static func rootMeanSquareNormBackward(
        _ x: ReferenceMatrix, gamma: [Double], epsilon: Double, _ dy: ReferenceMatrix
    ) -> (x: ReferenceMatrix, gamma: [Double]) {
        var (gradient, gammaGradient) = (x, [Double](repeating: 0, count: x.columns))
        for row in 0..<x.rows {
            let mean = x.row(row).reduce(0) { $0 + $1 * $1 } / Double(x.columns)
            let factor = 1 / (mean + epsilon).squareRoot()
            var correlation = 0.0
            for column in 0..<x.columns {
                let normalised = x[row, column] * factor
                correlation +=
                    dy[row, column] * gamma[column] * normalised / Double(x.columns)
                gammaGradient[column] += dy[row, column] * normalised
            }
            for column in 0..<x.columns {
                gradient[row, column] =
                    factor
                    * (dy[row, column] * gamma[column] - x[row, column] * factor * correlation)
            }
        }
        return (gradient, gammaGradient)
    }

    /// silu(gate) up.
    public static func gatedUnit(gate: Double, up: Double) -> Double {
        gate / (1 + exp(-gate)) * up
    }

    /// The gradients of `gatedUnit` by gate and up.
    public static func gatedUnitBackward(
        gate: Double, up: Double, _ dy: Double
    ) -> (gate: Double, up: Double) {
        let sigmoid = 1 / (1 + exp(-gate))
        return (dy * up * sigmoid * (1 + gate * (1 - sigmoid)), dy * gate * sigmoid)
    }

    /// One head turned by the angles of a position: pairs are an element of the first half and the one
    /// half a head further.
    public static func rotate(_ head: [Double], angles: [Double]) -> [Double] {
        let half = head.count / 2
        return head.indices.map { index in
            let pair = index % half
            let (cosine, sine) = (cos(angles[pair]), sin(angles[pair]))
            return index < half
                ? head[index] * cosine - head[index + half] * sine
                : head[index] * cosine + head[index - half] * sine
        }
    }

    /// Attention of one query to the visible ones of some keys and values (one head).
    public static func attention(
        query: [Double], keys: ReferenceMatrix, values: ReferenceMatrix, visible: Range<Int>,
        scale: Double
    ) -> [Double] {
        let scores = visible.map { token in
            scale * zip(query, keys.row(token)).reduce(0) { $0 + $1.0 * $1.1 }
        }
        let largest = scores.max() ?? 0
        let weights = scores.map { exp($0 - largest) }
        let sum = weights.reduce(0, +)
        return (0..<values.columns).map { column in
            zip(visible, weights).reduce(0) { $0 + $1.1 / sum * values[$1.0, column] }
        }
    }
}
