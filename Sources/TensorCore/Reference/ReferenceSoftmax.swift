// The reference of softmax, entropy and cross entropy.

#if canImport(Glibc)
    internal import Glibc
#elseif canImport(Darwin)
    internal import Darwin
#endif

extension ReferenceOperations {
    /// Softmax of each row's first `validCount[row]` columns, 0 in the others.
    ///
    /// A row of minus infinities alone becomes zeros.
    public static func softmaxRows(
        _ x: ReferenceMatrix, validCount: [Int32]? = nil
    ) -> ReferenceMatrix {
        var result = ReferenceMatrix(rows: x.rows, columns: x.columns)
        for row in 0..<x.rows {
            let valid = validCount.map { Int($0[row]) } ?? x.columns
            let values = x.row(row).prefix(valid)
            guard let largest = values.max(), largest > -.infinity else { continue }
            let sum = values.reduce(0) { $0 + exp($1 - largest) }
            for (column, value) in values.enumerated() {
                result[row, column] = exp(value - largest) / sum
            }
        }
        return result
    }

    /// The gradient of softmax from its value y.
    public static func softmaxBackward(
        _ y: ReferenceMatrix, _ dy: ReferenceMatrix
    ) -> ReferenceMatrix {
        var result = y
        for row in 0..<y.rows {
            var inner = 0.0
            for column in 0..<y.columns { inner += y[row, column] * dy[row, column] }
            for column in 0..<y.columns {
                result[row, column] = y[row, column] * (dy[row, column] - inner)
            }
        }
        return result
    }

    /// x - log(sum(e^x)) in each row.
    public static func logSoftmaxRows(_ x: ReferenceMatrix) -> ReferenceMatrix {
        var result = x
        for row in 0..<x.rows {
            let values = x.row(row)
            let largest = values.max() ?? 0
            let logSum = log(values.reduce(0) { $0 + exp($1 - largest) })
            for column in 0..<x.columns { result[row, column] = values[column] - largest - logSum }
        }
        return result
    }

    /// Entropy of each row of probabilities over log(columns); 0 log 0 is 0.
    public static func rowEntropy(probabilities: ReferenceMatrix) -> [Double] {
        (0..<probabilities.rows).map { row in
            let entropy = probabilities.row(row).reduce(0) { $0 - ($1 > 0 ? $1 * log($1) : 0) }
            return probabilities.columns > 1 ? entropy / log(Double(probabilities.columns)) : 0
        }
    }

    /// Entropy of softmax(row) over log(columns).
    public static func rowEntropy(logits: ReferenceMatrix) -> [Double] {
        rowEntropy(probabilities: softmaxRows(logits))
    }

    /// Losses of rows, and the gradient of the logits.
    public struct Losses: Sendable {
        /// The loss of each row, times its weight.
        public var losses: [Double]
        /// The gradient of the sum of losses, times the given scale.
        public var gradient: ReferenceMatrix
    }

    /// Cross entropy of softmax(logits) with a distribution in each row.
    ///
    /// A target of 0 takes nothing from its logit.
    public static func crossEntropy(
        _ logits: ReferenceMatrix, softTargets: ReferenceMatrix, rowWeights: [Double]? = nil,
        gradientScale: Double = 1
    ) -> Losses {
        let logProbabilities = logSoftmaxRows(logits)
        var result = Losses(losses: [], gradient: softmaxRows(logits))
        for row in 0..<logits.rows {
            let weight = rowWeights?[row] ?? 1
            let targets = softTargets.row(row)
            let mass = targets.reduce(0, +)
            var loss = 0.0
            for column in 0..<logits.columns {
                let target = targets[column]
                if target != 0 { loss -= target * logProbabilities[row, column] }
                result.gradient[row, column] =
                    gradientScale * weight * (result.gradient[row, column] * mass - target)
            }
            result.losses.append(weight == 0 ? 0 : weight * loss)
        }
        return result
    }

    /// Cross entropy with one class a row; rows of `Compute.ignoredTarget` count for nothing.
    public static func crossEntropy(
        _ logits: ReferenceMatrix, targets: [Int32], rowWeights: [Double]? = nil,
        gradientScale: Double = 1
    ) -> Losses {
        var soft = ReferenceMatrix(rows: logits.rows, columns: logits.columns)
        var weights = rowWeights ?? Array(repeating: 1, count: logits.rows)
        for (row, target) in targets.enumerated() {
            if target == Compute.ignoredTarget {
                weights[row] = 0
            } else {
                soft[row, Int(target)] = 1
            }
        }
        return crossEntropy(
            logits, softTargets: soft, rowWeights: weights, gradientScale: gradientScale)
    }
}
