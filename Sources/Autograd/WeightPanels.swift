// Weights packed as right operands of products, from one pass to the next. A weight is packed again
// only when weights have changed: scoring a batch, training on it and every pass of a step share one
// packing. Not here: the gradient's products, which use a weight the other way round, once a pass.

import TensorCore

/// Packed panels of the weights of one parameter set.
final class WeightPanels {
    private struct Panels {
        let packed = PackedMatrix()
        var revision: Int
    }

    private var owner: ParameterSet?
    private var panels: [Range<Int>: Panels] = [:]

    /// The transposed weights `indices`, packed: `D x E` for weights of `E x D` in all.
    func transposed(
        _ indices: Range<Int>, of parameters: ParameterSet, _ compute: Compute,
        _ precision: Precision
    ) -> PackedMatrix {
        if owner !== parameters {
            owner = parameters
            panels.removeAll()
        }
        if let known = panels[indices], known.revision == parameters.revision,
            known.packed.instructionSet == compute.instructionSet,
            known.packed.precision == precision
        {
            return known.packed
        }
        var fresh = panels[indices] ?? Panels(revision: parameters.revision)
        fresh.revision = parameters.revision
        compute.measured("pack weights") {
            compute.pack(
                parameters.view(indices, of: parameters.values), transposed: true,
                into: fresh.packed, precision: precision)
        }
        panels[indices] = fresh
        return fresh.packed
    }
}
