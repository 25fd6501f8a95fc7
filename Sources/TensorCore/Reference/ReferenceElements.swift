// The reference of operations on single elements. The functions are the C library's.

#if canImport(Glibc)
    internal import Glibc
#elseif canImport(Darwin)
    internal import Darwin
#endif

extension ReferenceOperations {
    /// Phi(x), the standard normal distribution function; accurate in both tails.
    public static func normalDistribution(_ x: Double) -> Double {
        0.5 * erfc(-x / 2.0.squareRoot())
    }

    /// x Phi(x).
    public static func gelu(_ x: Double) -> Double { x * normalDistribution(x) }

    /// The derivative of `gelu`.
    public static func geluDerivative(_ x: Double) -> Double {
        normalDistribution(x) + x * exp(-x * x / 2) / (2 * Double.pi).squareRoot()
    }

    /// The hyperbolic tangent.
    public static func tanh(_ x: Double) -> Double { libraryTangent(x) }

    /// The derivative of `tanh` from its value y.
    public static func tanhDerivative(output y: Double) -> Double { 1 - y * y }

    /// The larger of x and 0; NaN stays.
    public static func relu(_ x: Double) -> Double { x < 0 ? 0 : x }

    /// The derivative of `relu`, 0 at 0; from its input or its output.
    public static func reluDerivative(_ x: Double) -> Double { x > 0 ? 1 : 0 }

    /// e^x.
    public static func exponential(_ x: Double) -> Double { exp(x) }

    /// log x; minus infinity at 0, NaN below.
    public static func logarithm(_ x: Double) -> Double { log(x) }

    /// y + alpha x.
    public static func axpy(
        _ alpha: Double, _ x: ReferenceMatrix, onto y: ReferenceMatrix
    ) -> ReferenceMatrix {
        x.combined(y) { alpha * $0 + $1 }
    }

    /// x plus a vector in every row.
    public static func addRow(_ x: ReferenceMatrix, _ bias: [Double]) -> ReferenceMatrix {
        var result = x
        for row in 0..<x.rows {
            for column in 0..<x.columns { result[row, column] += bias[column] }
        }
        return result
    }

    /// x / (1 - probability) where the stream keeps the element, else 0.
    public static func dropout(
        _ x: ReferenceMatrix, probability: Float, stream: DropoutStream
    ) -> ReferenceMatrix {
        var result = x
        for row in 0..<x.rows {
            for column in 0..<x.columns {
                let kept =
                    probability == 0
                    || stream.keeps(row: row, column: column, probability: probability)
                result[row, column] = kept ? x[row, column] / (1 - Double(probability)) : 0
            }
        }
        return result
    }
}

/// Inside `ReferenceOperations` the name `tanh` means that enum's own.
private func libraryTangent(_ x: Double) -> Double { tanh(x) }
