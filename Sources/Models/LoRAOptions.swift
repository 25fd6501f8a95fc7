// What adapters are made of: rank, scale, dropout, and which linear layers have one (Hu et al. 2021, arXiv
// 2106.09685; Kalajdzievski 2023, arXiv 2312.03732, for the other scale).
//
// Targets mean what they mean to peft. Not here: its files (LoRAFolder.swift).

/// Which linear layers have adapters.
public enum LoRATargets: Sendable, Equatable {
    /// All of them but the output layer.
    case allLinear
    /// Those with these names, or names that end with a dot and one of these: `q_proj`.
    case names([String])
    /// Those whose whole name a regular expression matches.
    case pattern(String)

    /// Targets from a list of names; `all-linear` alone means all.
    public init(_ names: [String]) {
        self = names.map { $0.lowercased() } == ["all-linear"] ? .allLinear : .names(names)
    }
}

/// How adapters are made.
public struct LoRAOptions: Sendable, Equatable {
    /// r, the rank.
    public var rank: Int
    /// The update is scaled by alpha over the rank.
    public var alpha: Double
    /// Dropout on an adapter's input.
    public var dropout: Float
    /// Which linear layers have adapters.
    public var targets: LoRATargets
    /// Whether the scale is alpha over the rank's square root instead (peft's `use_rslora`).
    public var usesRootScale: Bool

    /// Options; `check()` says whether they make sense.
    public init(
        rank: Int = 8, alpha: Double = 16, dropout: Float = 0, targets: LoRATargets = .allLinear,
        usesRootScale: Bool = false
    ) {
        self.rank = rank
        self.alpha = alpha
        self.dropout = dropout
        self.targets = targets
        self.usesRootScale = usesRootScale
    }

    /// The factor on an adapter's output.
    public var scale: Float {
        Float(alpha / (usesRootScale ? Double(rank).squareRoot() : Double(rank)))
    }

    /// Refuses options without sense.
    ///
    /// - Throws: `ModelError.invalidInput` with the option and its value.
    public func check() throws(ModelError) {
        func refuse(_ problem: String) -> ModelError {
            ModelError(.invalidInput, "LoRA: \(problem)")
        }
        guard (1...65_536).contains(rank) else {
            throw refuse("rank \(rank) is not a whole number from 1")
        }
        guard alpha.isFinite, alpha > 0 else { throw refuse("alpha \(alpha) is not above 0") }
        guard dropout >= 0, dropout < 1 else { throw refuse("dropout \(dropout) is not in 0..<1") }
        if case .names(let names) = targets, names.isEmpty {
            throw refuse("no targets; name layers as q_proj, or 'all-linear'")
        }
    }

    /// The linear layers of a decoder that have adapters, in the order of the layers.
    ///
    /// - Throws: `ModelError.invalidInput` where a target stands for no layer, naming those that there
    ///   are; `.unsupported` for the output layer.
    func modules(_ configuration: DecoderConfiguration) throws(ModelError) -> [String] {
        let all = (0..<configuration.layerCount).flatMap { index in
            DecoderLinear.allCases.flatMap { DecoderLayerNames(index).modules($0) }
        }
        let known = "q_proj, k_proj, v_proj, o_proj, gate_proj, up_proj, down_proj"
        switch targets {
        case .allLinear: return all
        case .names(let names):
            for name in names where !all.contains(where: { Self.matches($0, name) }) {
                if ["lm_head", "embed_tokens"].contains(name) {
                    throw ModelError(
                        .unsupported,
                        "LoRA: target '\(name)' is not supported; use layers of \(known)")
                }
                throw ModelError(
                    .invalidInput,
                    "LoRA: target '\(name)' is no linear layer of this model; it has \(known)")
            }
            return all.filter { module in names.contains { Self.matches(module, $0) } }
        case .pattern(let pattern):
            guard let expression = try? Regex(pattern) else {
                throw ModelError(
                    .invalidInput, "LoRA: targets '\(pattern)' are not a regular expression")
            }
            let found = all.filter { (try? expression.wholeMatch(in: $0)) != nil }
            guard !found.isEmpty else {
                throw ModelError(
                    .invalidInput,
                    "LoRA: targets '\(pattern)' match no linear layer, as \(all[0]); "
                        + "the whole name has to match")
            }
            if ["lm_head"].contains(where: { (try? expression.wholeMatch(in: $0)) != nil }) {
                throw ModelError(
                    .unsupported,
                    "LoRA: targets '\(pattern)' match lm_head too, which is not supported")
            }
            return found
        }
    }

    private static func matches(_ module: String, _ target: String) -> Bool {
        module == target || module.hasSuffix(".\(target)")
    }
}
