// The losses of tokens and their sums. Numbers only: what they are made of is in DistillationLoss.swift.
//
// Shape legend: M tokens.

internal import TensorCore

/// One token's losses, each times the token's weight and divided by the global normaliser.
public struct TokenLosses: Sendable, Equatable {
    /// What is trained on: both parts times their shares.
    public var total: Double
    /// The cross-entropy of the text's token; 0 where it has no share.
    public var hard: Double
    /// The divergence from the teacher, without the square of the temperature; 0 where it has no share.
    public var soft: Double

    /// Losses that are divided already.
    public init(total: Double = 0, hard: Double = 0, soft: Double = 0) {
        self.total = total
        self.hard = hard
        self.soft = soft
    }

    init(_ losses: SoftTargetLosses, over normalizer: Double) {
        self.init(
            total: losses.total / normalizer, hard: losses.hard / normalizer,
            soft: losses.soft / normalizer)
    }

    /// Part by part.
    public static func + (a: Self, b: Self) -> Self {
        Self(total: a.total + b.total, hard: a.hard + b.hard, soft: a.soft + b.soft)
    }
}

/// The losses of M tokens, filled some tokens at a time, in any order and maybe more than once.
public final class TokenLossTable {
    /// Each token's losses.
    public private(set) var tokens: [TokenLosses]

    /// Of as many tokens, all 0.
    public init(count: Int) { tokens = [TokenLosses](repeating: TokenLosses(), count: count) }

    /// M.
    public var count: Int { tokens.count }

    /// Sets the losses of some tokens.
    public func set(_ losses: [TokenLosses], at range: Range<Int>) {
        precondition(losses.count == range.count, "\(losses.count) losses for tokens \(range)")
        tokens.replaceSubrange(range, with: losses)
    }

    /// The sum over some tokens, in their order: a leaf's, say.
    public func sum(of range: Range<Int>) -> TokenLosses {
        tokens[range].reduce(TokenLosses(), +)
    }

    /// The sum over all tokens, in their order.
    public var sum: TokenLosses { sum(of: 0..<count) }
}
