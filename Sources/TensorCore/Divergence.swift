// What a student's scores lose against a teacher's distribution and a hard target, and the gradient by the
// scores: rows of scores in, gradients out, losses in double precision. A mean is the caller's business,
// because only it knows the global count.
//
//     loss = weight (hardShare H(target, softmax(s)) + softShare D(softmax(t / T), softmax(s / T)))
//
// Shape legend: V vocabulary; rows are tokens.
// Reference: Agarwal et al. 2024 (arXiv 2306.13649), with beta as in TRL's `generalized_jsd_loss`.

internal import Kernels

/// A measure of how far a student's distribution q is from a teacher's p.
public enum Divergence: Sendable, Equatable {
    /// KL(p || q): the student covers all that the teacher says.
    case forward
    /// KL(q || p): the student says nothing that the teacher wouldn't.
    case reverse
    /// beta KL(p || m) + (1 - beta) KL(q || m) with m = beta p + (1 - beta) q; 0 < beta < 1.
    case jensenShannon(beta: Double)
}

/// What is added up for a row, and with which factors.
public struct SoftTargetLoss: Sendable, Equatable {
    /// Which divergence.
    public var divergence: Divergence
    /// What both sides' scores are divided by within the divergence.
    public var temperature: Double
    /// Factor of the divergence.
    public var softShare: Double
    /// Factor of the cross-entropy of the hard target, at temperature 1.
    public var hardShare: Double

    /// The divergence alone unless told otherwise.
    public init(
        _ divergence: Divergence, temperature: Double = 1, softShare: Double = 1,
        hardShare: Double = 0
    ) {
        precondition(
            temperature > 0 && temperature.isFinite, "a divergence at temperature \(temperature)")
        if case .jensenShannon(let beta) = divergence {
            precondition(beta > 0 && beta < 1, "a Jensen-Shannon divergence of beta \(beta)")
        }
        self.divergence = divergence
        self.temperature = temperature
        self.softShare = softShare
        self.hardShare = hardShare
    }
}

/// A row's loss and what it is made of.
public struct SoftTargetLosses: Sendable, Equatable {
    /// The cross-entropy of the hard target in nats, times the row's weight; 0 where its share is 0.
    public var hard = 0.0
    /// The divergence in nats, times the row's weight; 0 where its share is 0.
    public var soft = 0.0
    /// Both, each times its share.
    public var total = 0.0

    /// No loss.
    public init() {}
}

extension Compute {
    /// Losses of rows against a teacher's scores, and into `gradient` (which may be the scores)
    /// `gradientScale` times their gradients.
    ///
    /// Tokens are ids, equal on both sides. Where one side has more columns (padding of its table), the
    /// divergence is that of the distributions over the common ones; the hard target's is over all. A
    /// teacher's score of minus infinity is a token that can't be; the reverse divergence, which would
    /// be infinite, leaves such tokens out on both sides.
    ///
    /// - Parameters:
    ///   - scores: The student's, `rows x V`.
    ///   - teacher: The teacher's, `rows x V'`.
    ///   - targets: One id a row; rows of `ignoredTarget` have loss 0 and gradient 0.
    ///   - loss: What is added up.
    ///   - weights: One for each row; nil for 1.
    public func softTargets(
        _ scores: Matrix, teacher: Matrix, targets: [Int32], _ loss: SoftTargetLoss,
        weights: [Float]? = nil, gradientScale: Float = 1, into gradient: Matrix?
    ) -> [SoftTargetLosses] {
        precondition(
            teacher.rows == scores.rows, "\(teacher.rows) teacher's rows for \(scores.rows)")
        let common = min(scores.columns, teacher.columns)
        precondition(common > 0 || scores.rows == 0, "scores without tokens")
        return softRows(scores, targets, loss, weights, gradientScale, gradient) {
            row, scratch, scale, gradient in
            let divergence = fullRow(
                scores.row(row).columns(0..<common), teacher.row(row).columns(0..<common), loss,
                scratch, scale, gradient?.columns(0..<common))
            gradient?.columns(common..<scores.columns).fill(0)
            return divergence
        }
    }

    /// A row's divergence; writes `scale` times its gradient by all scores to the matrix, if there is one.
    typealias SoftRow = (
        _ row: Int, _ scratch: GEMMScratch, _ scale: Float, _ gradient: Matrix?
    ) -> Double

    /// Runs a divergence over rows and adds the hard targets' part.
    func softRows(
        _ scores: Matrix, _ targets: [Int32], _ loss: SoftTargetLoss, _ weights: [Float]?,
        _ gradientScale: Float, _ gradient: Matrix?, _ soft: SoftRow
    ) -> [SoftTargetLosses] {
        let rows = scores.rows
        precondition(
            targets.count == rows && weights?.count ?? rows == rows,
            "\(targets.count) targets and \(weights?.count ?? rows) weights for \(rows) rows")
        gradient?.checkShape(scores, "softTargets gradient")
        var losses = [SoftTargetLosses](repeating: SoftTargetLosses(), count: rows)
        losses.withUnsafeMutableBufferPointer { losses in
            let losses = Places(base: losses.baseAddress)
            forRows(rows, of: scores.columns) { range in
                for row in range {
                    losses.base?[row] = softRow(
                        row, scores.row(row), targets[row], loss, weights?[row] ?? 1,
                        gradientScale, gradient?.row(row), soft)
                }
            }
        }
        return losses
    }

    private struct Places: @unchecked Sendable {
        let base: UnsafeMutablePointer<SoftTargetLosses>?
    }

    private func softRow(
        _ row: Int, _ scores: Matrix, _ target: Int32, _ loss: SoftTargetLoss, _ weight: Float,
        _ gradientScale: Float, _ gradient: Matrix?, _ soft: SoftRow
    ) -> SoftTargetLosses {
        var result = SoftTargetLosses()
        guard target != Self.ignoredTarget, weight != 0 else {
            gradient?.fill(0)
            return result
        }
        let scratch = scratchOfThread
        let isMixed = loss.hardShare != 0 && loss.softShare != 0
        // The hard target's part still wants the scores, which may lie where the gradient goes.
        let place =
            isMixed && gradient != nil
            ? Matrix(base: scratch.left.floats(scores.columns), rows: 1, columns: scores.columns)
            : gradient
        if loss.softShare != 0 {
            let scale = Double(gradientScale) * Double(weight) * loss.softShare
            result.soft = Double(weight) * soft(row, scratch, Float(scale), place)
        }
        if loss.hardShare != 0 {
            let scale = Float(Double(gradientScale) * loss.hardShare)
            result.hard = hardRow(scores, target, weight, scale, gradient)
            if isMixed, let place, let gradient {
                kernels.pointee.add(gradient.base, place.base, gradient.base, gradient.columns)
            }
        }
        result.total = loss.hardShare * result.hard + loss.softShare * result.soft
        return result
    }

    /// Scores of both sides in full, of as many columns.
    private func fullRow(
        _ scores: Matrix, _ teacher: Matrix, _ loss: SoftTargetLoss, _ scratch: GEMMScratch,
        _ scale: Float, _ gradient: Matrix?
    ) -> Double {
        let n = scores.columns
        let student = scratch.left.floats(n)
        let other = scratch.right.floats(n)
        let functions = kernels.pointee
        var pair = retort_row_pair()
        functions.divergence_inputs(
            scores.base, teacher.base, student, other, n, Float(1 / loss.temperature),
            loss.divergence == .reverse ? 1 : 0, &pair)
        var (terms, more) = ((0.0, 0.0, 0.0, 0.0), (0.0, 0.0))
        withUnsafeMutableBytes(of: &terms) {
            guard let start = $0.assumingMemoryBound(to: Double.self).baseAddress else { return }
            functions.divergence_terms(student, other, n, &pair, start)
        }
        let (sumS, sumT) = (terms.0, terms.1)
        let logRatio = naturalLogarithm(sumS) - naturalLogarithm(sumT)
        pair.student_factor = Float(1 / sumS)
        pair.teacher_factor = Float(1 / sumT)
        pair.log_ratio = Float(logRatio)
        let scale = Float(Double(scale) / loss.temperature)
        switch loss.divergence {
        case .forward:
            if let gradient {
                functions.forward_gradient(student, other, gradient.base, n, &pair, scale)
            }
            return terms.3 / sumT + logRatio
        case .reverse:
            let center = terms.2 / sumS
            if let gradient {
                functions.reverse_gradient(
                    student, other, gradient.base, n, &pair, Float(center), scale)
            }
            return -(center + logRatio)
        case .jensenShannon(let beta):
            withUnsafeMutableBytes(of: &more) {
                guard let start = $0.assumingMemoryBound(to: Double.self).baseAddress else {
                    return
                }
                functions.mixture_terms(student, other, n, &pair, Float(beta), start)
            }
            let (bySelf, byTeacher) = (more.0 / sumS, more.1 / sumT)
            if let gradient {
                functions.mixture_gradient(
                    student, other, gradient.base, n, &pair, Float(beta), Float(bySelf),
                    scale * Float(1 - beta))
            }
            return beta * byTeacher + (1 - beta) * bySelf
        }
    }
}
