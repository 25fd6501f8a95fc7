// Weights by name and by place: how a model finds its own in the parameter set and on the tape.

import Autograd

/// Looks weights up by name; a missing one is a slip in this module, for files are checked before.
struct NamedWeights {
    let parameters: ParameterSet
    let prefix: String

    func weight(_ name: String) -> Int {
        guard let index = parameters.index(of: prefix + name) else {
            preconditionFailure("no weight \(prefix)\(name) is laid out")
        }
        return index
    }

    func linear(_ name: String) -> Encoder.Linear {
        Encoder.Linear(weight: weight("\(name).weight"), bias: weight("\(name).bias"))
    }

    /// Layers whose weights, and whose biases, are neighbours in the parameter set.
    func linears(_ names: [String]) -> Encoder.JoinedLinear {
        let (weights, biases) = (
            names.map { weight("\($0).weight") }, names.map { weight("\($0).bias") }
        )
        return Encoder.JoinedLinear(
            weights: weights[0]..<weights[0] + names.count,
            biases: biases[0]..<biases[0] + names.count)
    }

    func norm(_ name: String) -> Encoder.Norm {
        Encoder.Norm(gamma: weight("\(name).weight"), beta: weight("\(name).bias"))
    }
}

extension Tape {
    func linear(_ x: Variable, _ layer: Encoder.Linear) -> Variable {
        linear(x, weight: parameter(layer.weight), bias: parameter(layer.bias))
    }

    func linearAddNorm(
        _ x: Variable, _ layer: Encoder.Linear, dropout: DropoutSite?, residual: Variable,
        norm: NormWeights
    ) -> Variable {
        linearAddNorm(
            x, weight: parameter(layer.weight), bias: parameter(layer.bias), dropout: dropout,
            residual: residual, norm: norm)
    }

    func norm(_ norm: Encoder.Norm, _ epsilon: Float) -> NormWeights {
        NormWeights(
            gamma: parameter(norm.gamma), beta: parameter(norm.beta), epsilon: epsilon)
    }
}
