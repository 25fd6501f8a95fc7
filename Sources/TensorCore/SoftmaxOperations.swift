// Softmax, log-softmax and entropy over the columns of each row.

internal import Kernels

#if canImport(Glibc)
    internal import Glibc
#elseif canImport(Darwin)
    internal import Darwin
#endif

extension Compute {
    /// y = softmax of each row.
    ///
    /// With `validCount`, row r uses its first `validCount[r]` columns and the others become 0. y
    /// may be x.
    public func softmaxRows(_ x: Matrix, into y: Matrix, validCount: [Int32]? = nil) {
        x.checkShape(y, "softmaxRows")
        precondition(
            validCount.map { $0.count == x.rows } ?? true,
            "softmaxRows: \(validCount?.count ?? 0) counts for \(x.rows) rows")
        forRows(x.rows, of: x.columns) { range in
            var (maximum, sum): (Float, Float) = (0, 0)
            for row in range {
                let valid = validCount.map { Int($0[row]) } ?? x.columns
                precondition(
                    valid >= 0 && valid <= x.columns, "\(valid) valid of \(x.columns) columns")
                let target = y.base + row * y.stride
                kernels.pointee.softmax(x.base + row * x.stride, target, valid, &maximum, &sum)
                (target + valid).update(repeating: 0, count: x.columns - valid)
            }
        }
    }

    /// dx = y (dy - sum(y dy)) in each row, from the softmax y.
    ///
    /// dx may be dy or y.
    public func softmaxBackward(_ y: Matrix, _ dy: Matrix, into dx: Matrix) {
        y.checkShape(dy, "softmaxBackward")
        y.checkShape(dx, "softmaxBackward")
        forRows(y.rows, of: y.columns) { range in
            for row in range {
                kernels.pointee.softmax_backward(
                    y.base + row * y.stride, dy.base + row * dy.stride, dx.base + row * dx.stride,
                    y.columns)
            }
        }
    }

    /// y = x - log(sum(e^x)) in each row.
    ///
    /// y may be x.
    public func logSoftmaxRows(_ x: Matrix, into y: Matrix) {
        x.checkShape(y, "logSoftmaxRows")
        forRows(x.rows, of: x.columns) { range in
            for row in range {
                kernels.pointee.log_softmax(
                    x.base + row * x.stride, y.base + row * y.stride, x.columns)
            }
        }
    }

    /// Entropy of softmax(row) over its largest value log(columns): 0 sure, 1 uniform.
    ///
    /// A row of one column has entropy 0.
    public func rowEntropy(logits: Matrix, into entropies: Matrix) {
        entropies.checkVector(logits.rows, "rowEntropy")
        let largest = naturalLogarithm(Double(max(logits.columns, 1)))
        forRows(logits.rows, of: logits.columns) { range in
            var (maximum, sum, weighted): (Float, Double, Double) = (0, 0, 0)
            for row in range {
                kernels.pointee.entropy_terms(
                    logits.base + row * logits.stride, logits.columns, &maximum, &sum, &weighted)
                let entropy = naturalLogarithm(sum) - weighted / sum
                entropies.base[row] = Self.normalised(entropy, largest)
            }
        }
    }

    /// Entropy of each row of probabilities over log(columns); 0 log 0 is 0.
    public func rowEntropy(probabilities: Matrix, into entropies: Matrix) {
        entropies.checkVector(probabilities.rows, "rowEntropy")
        let largest = naturalLogarithm(Double(max(probabilities.columns, 1)))
        forRows(probabilities.rows, of: probabilities.columns) { range in
            for row in range {
                let entropy = kernels.pointee.entropy(
                    probabilities.base + row * probabilities.stride, probabilities.columns)
                entropies.base[row] = Self.normalised(Double(entropy), largest)
            }
        }
    }

    /// NaN stays NaN: a broken row must not look sure.
    private static func normalised(_ entropy: Double, _ largest: Double) -> Float {
        guard largest > 0 else { return entropy.isNaN ? .nan : 0 }
        let ratio = entropy / largest
        return ratio.isNaN ? .nan : Float(min(max(ratio, 0), 1))
    }
}

extension SerialKernels {
    /// The largest element, and the natural logarithm of the sum of e^(x - largest), in double precision.
    ///
    /// The logarithm of a softmax is `(x - maximum) - logSum`.
    public func logSumExp(_ x: Matrix) -> (maximum: Double, logSum: Double) {
        checkRows(x, x, "logSumExp")
        var (maximum, sum, weighted): (Float, Double, Double) = (0, 0, 0)
        kernels.pointee.entropy_terms(x.base, x.columns, &maximum, &sum, &weighted)
        return (Double(maximum), naturalLogarithm(sum))
    }
}
