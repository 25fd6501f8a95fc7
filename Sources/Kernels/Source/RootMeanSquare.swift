// Root-mean-square normalisation of one row (Zhang and Sennrich 2019, arXiv 1910.07467): as layer
// normalisation, but nothing is subtracted and there is no shift.

/// y = x / sqrt(mean(x^2) + epsilon) * gamma.
@_alwaysEmitIntoClient @inline(__always)
public func rootMeanSquareRow<V: FloatVector>(
    _ vector: V.Type, _ x: UnsafePointer<Float>, gamma: UnsafePointer<Float>,
    _ y: UnsafeMutablePointer<Float>, _ n: Int, epsilon: Float,
    reciprocal: UnsafeMutablePointer<Float>
) {
    let mean = dotProduct(V.self, x, x, n) / Float(n)
    let scale = V(1) / V(mean + epsilon).squareRoot()
    reciprocal.pointee = scale.first
    var i = 0
    while i &+ V.lanes <= n {
        y.store((x.load(i, as: V.self) * scale) * gamma.load(i, as: V.self), i)
        i &+= V.lanes
    }
    if i < n {
        let rest = n &- i
        ((V(partial: x.moved(i), count: rest, fill: 0) * scale)
            * V(partial: gamma.moved(i), count: rest, fill: 0))
            .storePartial(y.moved(i), count: rest)
    }
}

/// dx (+)= r (g - xhat mean(g xhat)) with g = dy gamma and xhat = r x; adds dy xhat to gamma's gradient.
@_alwaysEmitIntoClient @inline(__always)
public func rootMeanSquareRowBackward<V: FloatVector>(
    _ vector: V.Type, _ x: UnsafePointer<Float>, gamma: UnsafePointer<Float>,
    _ dy: UnsafePointer<Float>, _ dx: UnsafeMutablePointer<Float>, _ n: Int, reciprocal: Float,
    accumulate: Bool, gradientGamma: UnsafeMutablePointer<Float>
) {
    let scale = V(reciprocal)
    var product = V()
    var i = 0
    while i &+ V.lanes <= n {
        let d = dy.load(i, as: V.self)
        let normalised = x.load(i, as: V.self) * scale
        product = .multiplyAdd(d * gamma.load(i, as: V.self), normalised, product)
        gradientGamma.store(V.multiplyAdd(d, normalised, gradientGamma.load(i, as: V.self)), i)
        i &+= V.lanes
    }
    let rest = n &- i
    let tail = i
    var (tailGradient, tailNormalised) = (V(), V())
    if rest > 0 {
        let d = V(partial: dy.moved(i), count: rest, fill: 0)
        tailNormalised = V(partial: x.moved(i), count: rest, fill: 0) * scale
        tailGradient = d * V(partial: gamma.moved(i), count: rest, fill: 0)
        product = .multiplyAdd(tailGradient, tailNormalised, product)
        V.multiplyAdd(
            d, tailNormalised, V(partial: gradientGamma.moved(i), count: rest, fill: 0)
        ).storePartial(gradientGamma.moved(i), count: rest)
    }
    let correlation = V(product.sum() / Float(n))
    i = 0
    while i &+ V.lanes <= n {
        let normalised = x.load(i, as: V.self) * scale
        let g = dy.load(i, as: V.self) * gamma.load(i, as: V.self)
        let value = scale * (g - normalised * correlation)
        dx.store(accumulate ? dx.load(i, as: V.self) + value : value, i)
        i &+= V.lanes
    }
    if rest > 0 {
        var value = scale * (tailGradient - tailNormalised * correlation)
        if accumulate { value = value + V(partial: dx.moved(tail), count: rest, fill: 0) }
        value.storePartial(dx.moved(tail), count: rest)
    }
}
