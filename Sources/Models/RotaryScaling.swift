// The angle a position of rotary embedding, plain and stretched for longer contexts.
// Reference: transformers, modeling_rope_utils.py.
//
// Shape legend: K head width.

import Foundation

/// How the angles of rotary position embedding follow from the position.
public enum RotaryScaling: Sendable, Equatable {
    /// As in the paper.
    case plain
    /// Every position divided by a factor.
    case linear(factor: Double)
    /// Llama 3: long waves divided by the factor, short ones left, a ramp in between.
    case llama3(
        factor: Double, lowFrequencyFactor: Double, highFrequencyFactor: Double,
        originalLength: Int)

    /// Reads `rope_type` and its numbers out of `rope_parameters` or `rope_scaling`.
    init(_ json: JSONFields) throws(ModelError) {
        // Older folders say `type`.
        let older = try json.string("type")
        let type = try json.string("rope_type") ?? older ?? "default"
        func number(_ key: String) throws(ModelError) -> Double {
            guard let value = try json.number(key), value > 0 else {
                throw ModelError(
                    .malformed, "\(json.path): '\(key)' is missing or not a positive number")
            }
            return value
        }
        switch type {
        case "default": self = .plain
        case "linear": self = .linear(factor: try number("factor"))
        case "llama3":
            self = .llama3(
                factor: try number("factor"),
                lowFrequencyFactor: try number("low_freq_factor"),
                highFrequencyFactor: try number("high_freq_factor"),
                originalLength: try json.positive("original_max_position_embeddings"))
        default:
            throw ModelError(
                .unsupported,
                "\(json.path): rope_type '\(type)' is not supported; use default, linear or llama3")
        }
        if let part = try json.number("partial_rotary_factor"), part != 1 {
            throw ModelError(
                .unsupported, "\(json.path): partial_rotary_factor \(part) is not supported; use 1")
        }
    }

    /// The angle a position of each pair of elements, in radians: K / 2 of them.
    ///
    /// In single precision, as transformers computes them: the model was trained with those.
    func frequencies(headWidth: Int, base: Double) -> [Float] {
        stride(from: 0, to: headWidth, by: 2).map { index in
            let exponent = Float(index) / Float(headWidth)
            return scaled(1 / Float(pow(base, Double(exponent))))
        }
    }

    private func scaled(_ frequency: Float) -> Float {
        switch self {
        case .plain: return frequency
        case .linear(let factor): return frequency / Float(factor)
        case .llama3(let factor, let low, let high, let originalLength):
            let wavelength = 2 * Float.pi / frequency
            let length = Float(originalLength)
            if wavelength > length / Float(low) { return frequency / Float(factor) }
            if wavelength < length / Float(high) { return frequency }
            let ramp = (length / wavelength - Float(low)) / (Float(high) - Float(low))
            return (1 - ramp) * (frequency / Float(factor)) + ramp * frequency
        }
    }
}
