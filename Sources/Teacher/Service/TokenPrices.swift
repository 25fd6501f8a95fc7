// Money in whole numbers: millionths of a currency unit (micro). A price per million tokens in micro is
// then a price per token in millionths of a micro, and sums of a million answers are exact.

public import Corpus

/// What tokens cost.
public struct TokenPrices: Sendable, Hashable {
    /// Micro for a million tokens that are sent.
    public let inputMicroPerMillion: Int64
    /// Micro for a million tokens that come back.
    public let outputMicroPerMillion: Int64

    /// Prices in micro for a million tokens; not negative.
    public init(inputMicroPerMillion: Int64, outputMicroPerMillion: Int64) {
        precondition(
            inputMicroPerMillion >= 0 && outputMicroPerMillion >= 0,
            "prices \(inputMicroPerMillion), \(outputMicroPerMillion)")
        self.inputMicroPerMillion = inputMicroPerMillion
        self.outputMicroPerMillion = outputMicroPerMillion
    }

    /// Prices in currency units for a million tokens, as price lists have them (0.15 and 0.60).
    ///
    /// Throws `.configuration` if one is negative, not a number, or beyond a million.
    public init(inputPerMillion: Double, outputPerMillion: Double) throws(TeacherError) {
        self.init(
            inputMicroPerMillion: try Self.micro(inputPerMillion, "price.input_per_million"),
            outputMicroPerMillion: try Self.micro(outputPerMillion, "price.output_per_million"))
    }

    /// A sum of money in micro, to the nearest one; `name` is the recipe's key, for the error.
    public static func micro(_ amount: Double, _ name: String) throws(TeacherError) -> Int64 {
        guard amount >= 0, amount <= 1e9 else {
            throw TeacherError(
                .configuration, "\(name) is \(amount): give a sum of money from 0 to 1e9")
        }
        return Int64((amount * 1e6).rounded())
    }

    /// What an answer costs, in micro; rounded up, once.
    ///
    /// Counts that can't be (negative ones) cost nothing here: see `Attempt.charge`.
    public func price(of usage: LabelRecord.Usage) -> Int64 {
        price(promptTokens: usage.promptTokens, completionTokens: usage.completionTokens)
    }

    /// The most that a request can cost, in micro.
    public func worstCase(_ request: TeacherRequest) -> Int64 {
        price(
            promptTokens: request.promptTokenBound,
            completionTokens: request.completionTokenBound)
    }

    private func price(promptTokens: Int, completionTokens: Int) -> Int64 {
        let input = UInt64(max(promptTokens, 0)).multipliedFullWidth(
            by: UInt64(inputMicroPerMillion))
        let output = UInt64(max(completionTokens, 0)).multipliedFullWidth(
            by: UInt64(outputMicroPerMillion))
        let (low, carry) = input.low.addingReportingOverflow(output.low)
        let (rounded, second) = low.addingReportingOverflow(999_999)
        let high = input.high &+ output.high &+ (carry ? 1 : 0) &+ (second ? 1 : 0)
        guard high < 1_000_000 else { return .max }
        let micro = UInt64(1_000_000).dividingFullWidth((high, rounded)).quotient
        return Int64(clamping: micro)
    }
}

/// What an attempt is charged to the budget.
public struct Charge: Sendable, Hashable {
    /// Tokens, both ways.
    public let tokens: Int64
    /// Millionths of the currency.
    public let micro: Int64
}

extension Attempt {
    /// What an answer is charged: by its usage, and never more than was reserved.
    ///
    /// Whatever the server says. Where it says nothing, or what can't be (a negative count), the reservation is charged.
    public func charge(for usage: LabelRecord.Usage?, prices: TokenPrices?) -> Charge {
        guard let usage, usage.promptTokens >= 0, usage.completionTokens >= 0 else {
            return Charge(tokens: reservedTokens, micro: reservedMicro)
        }
        let (sum, overflow) = usage.promptTokens.addingReportingOverflow(usage.completionTokens)
        return Charge(
            tokens: overflow ? reservedTokens : min(Int64(sum), reservedTokens),
            micro: min(prices?.price(of: usage) ?? 0, reservedMicro))
    }
}
