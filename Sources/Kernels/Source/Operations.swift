// The operations that `map` runs.

/// e^x.
@frozen
public struct Exponential<V: FloatVector>: UnaryOperation {
    /// The operation.
    @_alwaysEmitIntoClient @inline(__always)
    public init() {}

    /// f of every lane.
    @_alwaysEmitIntoClient @inline(__always)
    public func apply(_ x: V) -> V { exponential(x) }
}

/// log x; minus infinity at 0, NaN below.
@frozen
public struct Logarithm<V: FloatVector>: UnaryOperation {
    /// The operation.
    @_alwaysEmitIntoClient @inline(__always)
    public init() {}

    /// f of every lane.
    @_alwaysEmitIntoClient @inline(__always)
    public func apply(_ x: V) -> V {
        let infinity = V(.infinity)
        let atZero = V() - infinity
        let regular = V.whereLess(x, infinity, logarithm(x), x)
        let positive = V.whereLess(V(), x, regular, x + V(.nan))
        return V.whereLess(x.magnitude(), V(.leastNormalMagnitude), atZero, positive)
    }
}

/// tanh x.
@frozen
public struct HyperbolicTangent<V: FloatVector>: UnaryOperation {
    /// The operation.
    @_alwaysEmitIntoClient @inline(__always)
    public init() {}

    /// f of every lane.
    @_alwaysEmitIntoClient @inline(__always)
    public func apply(_ x: V) -> V { hyperbolicTangent(x) }
}

/// x Phi(x), the exact GELU.
@frozen
public struct Gelu<V: FloatVector>: UnaryOperation {
    /// The operation.
    @_alwaysEmitIntoClient @inline(__always)
    public init() {}

    /// f of every lane.
    @_alwaysEmitIntoClient @inline(__always)
    public func apply(_ x: V) -> V { x * normalDistribution(x).below }
}

/// max(x, 0); NaN stays.
@frozen
public struct Relu<V: FloatVector>: UnaryOperation {
    /// The operation.
    @_alwaysEmitIntoClient @inline(__always)
    public init() {}

    /// f of every lane.
    @_alwaysEmitIntoClient @inline(__always)
    public func apply(_ x: V) -> V { V.whereLess(x, V(), V(), x) }
}

/// dy (1 - y^2), from the output y.
@frozen
public struct HyperbolicTangentGradient<V: FloatVector>: BinaryOperation {
    /// The operation.
    @_alwaysEmitIntoClient @inline(__always)
    public init() {}

    /// f of every pair of lanes.
    @_alwaysEmitIntoClient @inline(__always)
    public func apply(_ x: V, _ y: V) -> V { y * (V(1) - x * x) }
}

/// dy (Phi(x) + x phi(x)).
@frozen
public struct GeluGradient<V: FloatVector>: BinaryOperation {
    /// The operation.
    @_alwaysEmitIntoClient @inline(__always)
    public init() {}

    /// f of every pair of lanes.
    @_alwaysEmitIntoClient @inline(__always)
    public func apply(_ x: V, _ y: V) -> V {
        let (below, bell) = normalDistribution(x)
        // 1 / sqrt(2 pi)
        return y * V.multiplyAdd(x * bell, V(0.398_942_28), below)
    }
}

/// dy where the output y is positive.
@frozen
public struct ReluGradient<V: FloatVector>: BinaryOperation {
    /// The operation.
    @_alwaysEmitIntoClient @inline(__always)
    public init() {}

    /// f of every pair of lanes.
    @_alwaysEmitIntoClient @inline(__always)
    public func apply(_ x: V, _ y: V) -> V { V.whereLess(V(), x, y, V()) }
}

/// x + y.
@frozen
public struct Sum<V: FloatVector>: BinaryOperation {
    /// The operation.
    @_alwaysEmitIntoClient @inline(__always)
    public init() {}

    /// f of every pair of lanes.
    @_alwaysEmitIntoClient @inline(__always)
    public func apply(_ x: V, _ y: V) -> V { x + y }
}

/// x y.
@frozen
public struct Product<V: FloatVector>: BinaryOperation {
    /// The operation.
    @_alwaysEmitIntoClient @inline(__always)
    public init() {}

    /// f of every pair of lanes.
    @_alwaysEmitIntoClient @inline(__always)
    public func apply(_ x: V, _ y: V) -> V { x * y }
}

/// alpha x.
@frozen
public struct Multiple<V: FloatVector>: UnaryOperation {
    @usableFromInline let alpha: V

    /// The operation.
    @_alwaysEmitIntoClient @inline(__always)
    public init(_ alpha: Float) { self.alpha = V(alpha) }

    /// f of every lane.
    @_alwaysEmitIntoClient @inline(__always)
    public func apply(_ x: V) -> V { alpha * x }
}

/// alpha x + y.
@frozen
public struct MultipleSum<V: FloatVector>: BinaryOperation {
    @usableFromInline let alpha: V

    /// The operation.
    @_alwaysEmitIntoClient @inline(__always)
    public init(_ alpha: Float) { self.alpha = V(alpha) }

    /// f of every pair of lanes.
    @_alwaysEmitIntoClient @inline(__always)
    public func apply(_ x: V, _ y: V) -> V { V.multiplyAdd(alpha, x, y) }
}
