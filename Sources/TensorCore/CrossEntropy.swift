// Cross entropy of softmax(logits) with soft or hard targets, and its gradient. Losses are in double
// precision; a mean over the batch is the caller's business, because only it knows the global count.

internal import Kernels

#if canImport(Glibc)
    internal import Glibc
#elseif canImport(Darwin)
    internal import Darwin
#endif

extension Compute {
    /// The target of a row that counts for nothing.
    public static let ignoredTarget: Int32 = -100

    /// Loss of each row, weight * sum(t (log sum e^x - x)), and into `gradient` (which may be the
    /// logits) scale * weight * (softmax(x) sum(t) - t).
    ///
    /// A target of 0 takes nothing from its logit, even where that is minus infinity.
    public func crossEntropy(
        _ logits: Matrix, softTargets: Matrix, rowWeights: Matrix? = nil, gradientScale: Float = 1,
        into gradient: Matrix?, losses: inout [Double]
    ) {
        logits.checkShape(softTargets, "crossEntropy")
        prepare(logits, rowWeights, gradient, losses.count)
        losses.withUnsafeMutableBufferPointer { losses in
            let losses = Losses(base: losses.baseAddress)
            forRows(logits.rows, of: logits.columns) { range in
                for row in range {
                    let weight = rowWeights?.base[row] ?? 1
                    losses.base?[row] = softRow(
                        logits.row(row), softTargets.row(row), weight, gradientScale,
                        gradient?.row(row))
                }
            }
        }
    }

    /// The same with one class index a row; rows of `ignoredTarget` have loss 0 and gradient 0.
    public func crossEntropy(
        _ logits: Matrix, targets: [Int32], rowWeights: Matrix? = nil, gradientScale: Float = 1,
        into gradient: Matrix?, losses: inout [Double]
    ) {
        precondition(
            targets.count == logits.rows,
            "crossEntropy: \(targets.count) targets for \(logits.rows) rows")
        prepare(logits, rowWeights, gradient, losses.count)
        losses.withUnsafeMutableBufferPointer { losses in
            let losses = Losses(base: losses.baseAddress)
            forRows(logits.rows, of: logits.columns) { range in
                for row in range {
                    let weight = rowWeights?.base[row] ?? 1
                    losses.base?[row] = hardRow(
                        logits.row(row), targets[row], weight, gradientScale, gradient?.row(row))
                }
            }
        }
    }

    private struct Losses: @unchecked Sendable { let base: UnsafeMutablePointer<Double>? }

    private func prepare(
        _ logits: Matrix, _ rowWeights: Matrix?, _ gradient: Matrix?, _ lossCount: Int
    ) {
        precondition(
            lossCount == logits.rows, "crossEntropy: \(lossCount) losses for \(logits.rows) rows")
        precondition(
            logits.columns > 0 || logits.rows == 0, "crossEntropy: logits without classes")
        rowWeights?.checkVector(logits.rows, "crossEntropy weights")
        gradient?.checkShape(logits, "crossEntropy gradient")
    }

    private func softRow(
        _ logits: Matrix, _ targets: Matrix, _ weight: Float, _ scale: Float, _ gradient: Matrix?
    ) -> Double {
        let n = logits.columns
        var (maximum, sum, weighted): (Float, Double, Double) = (0, 0, 0)
        kernels.pointee.entropy_terms(logits.base, n, &maximum, &sum, &weighted)
        var (mass, inner): (Double, Double) = (0, 0)
        kernels.pointee.target_terms(targets.base, logits.base, n, maximum, &mass, &inner)
        if let gradient {
            var rowSum: Float = 0
            kernels.pointee.softmax(logits.base, gradient.base, n, &maximum, &rowSum)
            kernels.pointee.cross_entropy_gradient(
                gradient.base, targets.base, gradient.base, n, Float(mass), scale * weight)
        }
        return weight == 0 ? 0 : Double(weight) * (mass * naturalLogarithm(sum) - inner)
    }

    func hardRow(
        _ logits: Matrix, _ target: Int32, _ weight: Float, _ scale: Float, _ gradient: Matrix?
    ) -> Double {
        let n = logits.columns
        guard target != Self.ignoredTarget else {
            gradient?.fill(0)
            return 0
        }
        precondition(target >= 0 && Int(target) < n, "target \(target) of \(n) classes")
        var (maximum, sum, weighted): (Float, Double, Double) = (0, 0, 0)
        kernels.pointee.entropy_terms(logits.base, n, &maximum, &sum, &weighted)
        let logit = Double(logits.base[Int(target)])
        if let gradient {
            var rowSum: Float = 0
            kernels.pointee.softmax(logits.base, gradient.base, n, &maximum, &rowSum)
            gradient.base[Int(target)] -= 1
            kernels.pointee.scale(scale * weight, gradient.base, gradient.base, n)
        }
        return weight == 0
            ? 0 : Double(weight) * (naturalLogarithm(sum) - (logit - Double(maximum)))
    }
}

/// The C library's logarithm: inside `Compute` the name means the operation on matrices.
func naturalLogarithm(_ x: Double) -> Double { log(x) }
