// Layer normalisation of one row. The variance is that of the deviations (two passes over a row that
// is in the first-level cache): E[x^2] - E[x]^2 would cancel.

/// Sum of squared deviations from a mean.
@_alwaysEmitIntoClient @inline(__always)
func squaredDeviations<V: FloatVector>(
    _ vector: V.Type, _ x: UnsafePointer<Float>, _ n: Int, mean: Float
) -> Float {
    let center = V(mean)
    var (a, b) = (V(), V())
    var i = 0
    while i &+ 2 &* V.lanes <= n {
        let first = x.load(i, as: V.self) - center
        let second = x.load(i &+ V.lanes, as: V.self) - center
        a = .multiplyAdd(first, first, a)
        b = .multiplyAdd(second, second, b)
        i &+= 2 &* V.lanes
    }
    while i &+ V.lanes <= n {
        let value = x.load(i, as: V.self) - center
        a = .multiplyAdd(value, value, a)
        i &+= V.lanes
    }
    if i < n {
        let value = V(partial: x.moved(i), count: n &- i, fill: mean) - center
        b = .multiplyAdd(value, value, b)
    }
    return (a + b).sum()
}

/// y = (x - mean) rstd gamma + beta.
@_alwaysEmitIntoClient @inline(__always)
public func layerNormRow<V: FloatVector>(
    _ vector: V.Type, _ x: UnsafePointer<Float>, gamma: UnsafePointer<Float>,
    beta: UnsafePointer<Float>, _ y: UnsafeMutablePointer<Float>, _ n: Int, epsilon: Float,
    mean: UnsafeMutablePointer<Float>, reciprocalDeviation: UnsafeMutablePointer<Float>
) {
    let count = Float(n)
    let center = reduce(SumReduction<V>.self, x, n).total.sum() / count
    let variance = squaredDeviations(V.self, x, n, mean: center) / count
    let (offset, scale) = (V(center), V(1) / V(variance + epsilon).squareRoot())
    let factor = scale.first
    var i = 0
    while i &+ V.lanes <= n {
        let normalised = (x.load(i, as: V.self) - offset) * scale
        y.store(
            V.multiplyAdd(normalised, gamma.load(i, as: V.self), beta.load(i, as: V.self)), i)
        i &+= V.lanes
    }
    if i < n {
        let rest = n &- i
        let normalised = (V(partial: x.moved(i), count: rest, fill: 0) - offset) * scale
        V.multiplyAdd(
            normalised, V(partial: gamma.moved(i), count: rest, fill: 0),
            V(partial: beta.moved(i), count: rest, fill: 0)
        ).storePartial(y.moved(i), count: rest)
    }
    mean.pointee = center
    reciprocalDeviation.pointee = factor
}

/// dx (+)= rstd (g - mean(g) - xhat mean(g xhat)) with g = dy gamma; adds dy xhat and dy to the
/// gradients of gamma and beta.
@_alwaysEmitIntoClient @inline(__always)
public func layerNormRowBackward<V: FloatVector>(
    _ vector: V.Type, _ x: UnsafePointer<Float>, gamma: UnsafePointer<Float>,
    _ dy: UnsafePointer<Float>, _ dx: UnsafeMutablePointer<Float>, _ n: Int, mean: Float,
    reciprocalDeviation: Float, accumulate: Bool, gradientGamma: UnsafeMutablePointer<Float>,
    gradientBeta: UnsafeMutablePointer<Float>
) {
    let (offset, scale) = (V(mean), V(reciprocalDeviation))
    var (sum, product) = (V(), V())
    var i = 0
    while i &+ V.lanes <= n {
        let d = dy.load(i, as: V.self)
        let normalised = (x.load(i, as: V.self) - offset) * scale
        let g = d * gamma.load(i, as: V.self)
        sum = sum + g
        product = .multiplyAdd(g, normalised, product)
        gradientGamma.store(
            V.multiplyAdd(d, normalised, gradientGamma.load(i, as: V.self)), i)
        gradientBeta.store(gradientBeta.load(i, as: V.self) + d, i)
        i &+= V.lanes
    }
    let rest = n &- i
    let tail = i
    var (tailGradient, tailNormalised) = (V(), V())
    if rest > 0 {
        let d = V(partial: dy.moved(i), count: rest, fill: 0)
        tailNormalised = (V(partial: x.moved(i), count: rest, fill: mean) - offset) * scale
        tailGradient = d * V(partial: gamma.moved(i), count: rest, fill: 0)
        sum = sum + tailGradient
        product = .multiplyAdd(tailGradient, tailNormalised, product)
        let gammaSum = V(partial: gradientGamma.moved(i), count: rest, fill: 0)
        V.multiplyAdd(d, tailNormalised, gammaSum)
            .storePartial(gradientGamma.moved(i), count: rest)
        (V(partial: gradientBeta.moved(i), count: rest, fill: 0) + d)
            .storePartial(gradientBeta.moved(i), count: rest)
    }
    let count = Float(n)
    let (average, correlation) = (V(sum.sum() / count), V(product.sum() / count))
    i = 0
    while i &+ V.lanes <= n {
        let normalised = (x.load(i, as: V.self) - offset) * scale
        let g = dy.load(i, as: V.self) * gamma.load(i, as: V.self)
        let value = scale * ((g - average) - normalised * correlation)
        dx.store(accumulate ? dx.load(i, as: V.self) + value : value, i)
        i &+= V.lanes
    }
    if rest > 0 {
        var value = scale * ((tailGradient - average) - tailNormalised * correlation)
        if accumulate { value = value + V(partial: dx.moved(tail), count: rest, fill: 0) }
        value.storePartial(dx.moved(tail), count: rest)
    }
}
