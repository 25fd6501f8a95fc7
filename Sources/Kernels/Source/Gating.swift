// The gated unit of decoders' feed-forward layers (Shazeer 2020, arXiv 2002.05202): SwiGLU.

/// silu(gate) up, with silu(x) = x / (1 + e^-x).
@frozen
public struct GatedUnit<V: FloatVector>: BinaryOperation {
    /// The operation.
    @_alwaysEmitIntoClient @inline(__always)
    public init() {}

    /// f of every pair of lanes.
    @_alwaysEmitIntoClient @inline(__always)
    public func apply(_ gate: V, _ up: V) -> V {
        gate / (V(1) + exponential(V() - gate)) * up
    }
}

/// The gradients of gate and up: dy up s (1 + gate (1 - s)) and dy gate s, with s = 1 / (1 + e^-gate).
@_alwaysEmitIntoClient @inline(__always)
func gatedUnitGradients<V: FloatVector>(_ gate: V, _ up: V, _ dy: V) -> (gate: V, up: V) {
    let sigmoid = V(1) / (V(1) + exponential(V() - gate))
    let slope = sigmoid * V.multiplyAdd(gate, V(1) - sigmoid, V(1))
    return (dy * up * slope, dy * (gate * sigmoid))
}

/// The gradients of `n` gated units; the outputs may be the inputs.
@_alwaysEmitIntoClient @inline(__always)
public func gatedUnitBackward<V: FloatVector>(
    _ vector: V.Type, gate: UnsafePointer<Float>, up: UnsafePointer<Float>,
    _ dy: UnsafePointer<Float>, gradientGate: UnsafeMutablePointer<Float>,
    gradientUp: UnsafeMutablePointer<Float>, _ n: Int
) {
    var i = 0
    while i &+ V.lanes <= n {
        let both = gatedUnitGradients(
            gate.load(i, as: V.self), up.load(i, as: V.self), dy.load(i, as: V.self))
        gradientGate.store(both.gate, i)
        gradientUp.store(both.up, i)
        i &+= V.lanes
    }
    if i < n {
        let rest = n &- i
        let both = gatedUnitGradients(
            V(partial: gate.moved(i), count: rest, fill: 0),
            V(partial: up.moved(i), count: rest, fill: 0),
            V(partial: dy.moved(i), count: rest, fill: 0))
        both.gate.storePartial(gradientGate.moved(i), count: rest)
        both.up.storePartial(gradientUp.moved(i), count: rest)
    }
}
