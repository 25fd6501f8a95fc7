// The loss of a generative student against its teacher: a divergence of their distributions over the next
// token, mixed with the cross-entropy of the token that the text has. A description and what it makes of
// some rows of scores; the divergences themselves are TensorCore's (Divergence.swift, TopDivergence.swift).
//
//     loss = sum_i w_i (alpha H(y_i, softmax(s_i)) + (1 - alpha) [T^2] D(softmax(t_i / T), softmax(s_i / T)))
//            / n
//
// n is a global number, of all ranks and micro-batches (the count of trained tokens, or the sum of their
// weights): the caller gives it, and then the sums of the losses and gradients of all parts are those of
// the whole, however it was cut.
//
// Shape legend: M chosen tokens, V vocabulary.
// References: arXiv 2306.13649 (generalised JSD) and TRL's GKDTrainer for the meaning of beta; arXiv
// 2412.17846 for the mix.

public import Autograd
public import Models
public import TensorCore

/// What a teacher says at M places of the texts.
public enum TeacherScores: Sendable {
    /// Its scores in full, `M x V`.
    case full(Matrix)
    /// Its most likely tokens at each of M places.
    case top(TopScores)

    /// M.
    public var count: Int {
        switch self {
        case .full(let scores): scores.rows
        case .top(let scores): scores.count
        }
    }
}

/// A divergence from the teacher, mixed with the cross-entropy of the text's own tokens.
public struct DistillationLoss: Sendable, Equatable {
    /// A measure of how far the student's distribution is from the teacher's.
    public enum Kind: String, Sendable, CaseIterable {
        /// KL(teacher || student).
        case forwardKL = "forward_kl"
        /// KL(student || teacher).
        case reverseKL = "reverse_kl"
        /// beta KL(teacher || m) + (1 - beta) KL(student || m), m = beta teacher + (1 - beta) student.
        ///
        /// By TRL's convention beta 0 is KL(teacher || student) and beta 1 is KL(student || teacher):
        /// the limits of the formula over beta and over 1 - beta, not the formula, which is 0 there.
        case jensenShannon = "jsd"
    }

    /// Which divergence.
    public var kind: Kind
    /// The teacher's share in the mixture of `jensenShannon`; without meaning for the others.
    public var beta: Double
    /// What the scores of both sides are divided by within the divergence.
    public var temperature: Double
    /// The share of the cross-entropy, 0 to 1; the divergence has the rest.
    public var alpha: Double
    /// Whether the divergence is multiplied by the square of the temperature, which keeps its gradients
    /// about as large as at temperature 1.
    public var squaresTemperature: Bool

    /// KL(teacher || student) at temperature 1 unless told otherwise.
    public init(
        _ kind: Kind = .forwardKL, beta: Double = 0.5, temperature: Double = 1, alpha: Double = 0,
        squaresTemperature: Bool = true
    ) {
        self.kind = kind
        self.beta = beta
        self.temperature = temperature
        self.alpha = alpha
        self.squaresTemperature = squaresTemperature
    }

    /// Refuses what has no meaning.
    ///
    /// - Throws: `invalidOptions`, naming the option.
    public func check() throws(TrainingError) {
        guard beta >= 0, beta <= 1 else {
            throw TrainingError(.invalidOptions, "beta \(beta) of a divergence; give 0 to 1")
        }
        guard temperature > 0, temperature.isFinite else {
            throw TrainingError(
                .invalidOptions,
                "temperature \(temperature) of a divergence; give a positive number")
        }
        guard alpha >= 0, alpha <= 1 else {
            throw TrainingError(
                .invalidOptions, "alpha \(alpha), the share of the cross-entropy; give 0 to 1")
        }
    }

    /// Refuses a teacher whose kept tokens have no score of the student's.
    ///
    /// - Parameters:
    ///   - teacher: What it says.
    ///   - count: How many places the student is trained at: M.
    ///   - vocabulary: The student's V.
    /// - Throws: `invalidOptions`.
    public static func check(
        _ teacher: TeacherScores, count: Int, vocabulary: Int
    ) throws(TrainingError) {
        guard teacher.count == count else {
            throw TrainingError(
                .invalidOptions,
                "the teacher's scores are of \(teacher.count) tokens and the student's of \(count); "
                    + "record them again for these texts")
        }
        guard case .top(let scores) = teacher else { return }
        if let beyond = scores.ids.first(where: { Int($0) >= vocabulary }) {
            throw TrainingError(
                .invalidOptions,
                "the teacher's scores name token \(beyond), the student's vocabulary has \(vocabulary); "
                    + "record them again with a teacher of the same vocabulary")
        }
    }

    /// The losses of some of the M tokens, whose scores become the gradient.
    ///
    /// - Parameters:
    ///   - scores: The student's scores of these tokens.
    ///   - tokens: Which of the M tokens they are.
    ///   - targets: The text's token at each of the M places; `DecoderBatch.ignored` takes no part.
    ///   - teacher: What the teacher says at each of the M.
    ///   - weights: One for each of the M; nil for 1.
    ///   - normalizer: n, of all ranks and micro-batches.
    ///   - compute: Where it is computed.
    /// - Returns: Each token's losses, divided by `normalizer` already.
    public func apply(
        to scores: Matrix, tokens: Range<Int>, targets: [Int32], teacher: TeacherScores,
        weights: [Float]? = nil, normalizer: Double, compute: Compute
    ) -> [TokenLosses] {
        let loss = SoftTargetLoss(
            divergence, temperature: temperature, softShare: softShare, hardShare: alpha)
        let (targets, weights) = (Array(targets[tokens]), weights.map { Array($0[tokens]) })
        let scale = Float(1 / normalizer)
        let losses =
            switch teacher {
            case .full(let full):
                compute.softTargets(
                    scores, teacher: full.rows(tokens), targets: targets, loss, weights: weights,
                    gradientScale: scale, into: scores)
            case .top(let top):
                compute.softTargets(
                    scores, teacher: TopTargets(top), places: tokens, targets: targets, loss,
                    weights: weights, gradientScale: scale, into: scores)
            }
        return losses.map { TokenLosses($0, over: normalizer) }
    }

    /// The loss for `Tape.headLoss`, over M chosen tokens; parameters as of `apply`.
    ///
    /// - Parameter sums: Takes each token's losses; of M tokens.
    public func scoreLoss(
        targets: [Int32], teacher: TeacherScores, weights: [Float]? = nil, normalizer: Double,
        compute: Compute, into sums: TokenLossTable
    ) -> ScoreLoss {
        precondition(
            targets.count == teacher.count && targets.count == sums.count
                && weights?.count ?? targets.count == targets.count,
            "\(targets.count) targets, \(teacher.count) of the teacher's, \(sums.count) losses")
        return { tokens, scores in
            sums.set(
                apply(
                    to: scores, tokens: tokens, targets: targets, teacher: teacher,
                    weights: weights, normalizer: normalizer, compute: compute), at: tokens)
        }
    }

    /// The divergence with TRL's meaning of beta at both ends.
    var divergence: Divergence {
        switch kind {
        case .forwardKL: .forward
        case .reverseKL: .reverse
        case .jensenShannon:
            beta == 0 ? .forward : beta == 1 ? .reverse : .jensenShannon(beta: beta)
        }
    }

    /// Factor of the divergence.
    var softShare: Double {
        (1 - alpha) * (squaresTemperature ? temperature * temperature : 1)
    }
}

extension TopTargets {
    init(_ scores: TopScores) {
        self.init(
            ids: scores.ids, logProbabilities: scores.logProbabilities,
            restMasses: scores.restMasses, starts: scores.starts, temperature: scores.temperature)
    }
}
