// Softmax and what is built on it, one row at a time: exponentials, normaliser, entropy, and the
// terms of the cross entropy. What must be exact to the last digits (logarithms of sums) is left to
// the caller, in double precision.

/// y = e^(x - shift); returns the sum of y.
@_alwaysEmitIntoClient @inline(__always)
public func exponentialShifted<V: FloatVector>(
    _ vector: V.Type, _ x: UnsafePointer<Float>, _ y: UnsafeMutablePointer<Float>, _ n: Int,
    shift: Float
) -> Float {
    let offset = V(shift)
    var (a, b) = (V(), V())
    var i = 0
    while i &+ 2 &* V.lanes <= n {
        let first = exponential(x.load(i, as: V.self) - offset)
        let second = exponential(x.load(i &+ V.lanes, as: V.self) - offset)
        y.store(first, i)
        y.store(second, i &+ V.lanes)
        a = a + first
        b = b + second
        i &+= 2 &* V.lanes
    }
    while i &+ V.lanes <= n {
        let value = exponential(x.load(i, as: V.self) - offset)
        y.store(value, i)
        a = a + value
        i &+= V.lanes
    }
    if i < n {
        let rest = n &- i
        let value = exponential(V(partial: x.moved(i), count: rest, fill: -.infinity) - offset)
        value.storePartial(y.moved(i), count: rest)
        b = b + value
    }
    return (a + b).sum()
}

/// y = softmax(x).
///
/// A row of minus infinities alone becomes zeros, not NaN: nothing to attend to.
@_alwaysEmitIntoClient @inline(__always)
public func softmaxRow<V: FloatVector>(
    _ vector: V.Type, _ x: UnsafePointer<Float>, _ y: UnsafeMutablePointer<Float>, _ n: Int,
    maximum: UnsafeMutablePointer<Float>, sum: UnsafeMutablePointer<Float>
) {
    let largest = reduce(MaximumReduction<V>.self, x, n).largest.largest()
    let shift = largest == -.infinity ? 0 : largest
    let total = exponentialShifted(V.self, x, y, n, shift: shift)
    let factor = total == 0 ? 0 : 1 / total
    map(Multiple<V>(factor), y, y, n)
    maximum.pointee = largest
    sum.pointee = total
}

/// y = x - log(sum(e^x)).
@_alwaysEmitIntoClient @inline(__always)
public func logSoftmaxRow<V: FloatVector>(
    _ vector: V.Type, _ x: UnsafePointer<Float>, _ y: UnsafeMutablePointer<Float>, _ n: Int
) {
    let largest = reduce(MaximumReduction<V>.self, x, n).largest.largest()
    let offset = V(largest)
    var total = V()
    var i = 0
    while i &+ V.lanes <= n {
        total = total + exponential(x.load(i, as: V.self) - offset)
        i &+= V.lanes
    }
    if i < n {
        total =
            total
            + exponential(V(partial: x.moved(i), count: n &- i, fill: -.infinity) - offset)
    }
    // The sum lies between 1 and n: always in the logarithm's domain. Two subtractions, because
    // largest + log(sum) would round away the digits of a small sum.
    // A broken row must not come out as numbers: `logarithm` doesn't know NaN, the difference does.
    let sum = V(total.sum())
    let logSum = logarithm(sum) + (sum - sum)
    i = 0
    while i &+ V.lanes <= n {
        y.store((x.load(i, as: V.self) - offset) - logSum, i)
        i &+= V.lanes
    }
    if i < n {
        let rest = n &- i
        ((V(partial: x.moved(i), count: rest, fill: 0) - offset) - logSum)
            .storePartial(y.moved(i), count: rest)
    }
}

/// dx = y (dy - sum(y dy)), from the softmax y.
@_alwaysEmitIntoClient @inline(__always)
public func softmaxRowBackward<V: FloatVector>(
    _ vector: V.Type, _ y: UnsafePointer<Float>, _ dy: UnsafePointer<Float>,
    _ dx: UnsafeMutablePointer<Float>, _ n: Int
) {
    map(SoftmaxGradient<V>(inner: dotProduct(V.self, y, dy, n)), y, dy, dx, n)
}

/// y (dy - inner).
@frozen
public struct SoftmaxGradient<V: FloatVector>: BinaryOperation {
    @usableFromInline let inner: V

    /// The operation.
    @_alwaysEmitIntoClient @inline(__always)
    public init(inner: Float) { self.inner = V(inner) }

    /// f of every pair of lanes.
    @_alwaysEmitIntoClient @inline(__always)
    public func apply(_ x: V, _ y: V) -> V { x * (y - inner) }
}

/// (p mass - t) factor.
@frozen
public struct CrossEntropyGradient<V: FloatVector>: BinaryOperation {
    @usableFromInline let mass: V
    @usableFromInline let factor: V

    /// The operation.
    @_alwaysEmitIntoClient @inline(__always)
    public init(mass: Float, factor: Float) {
        self.mass = V(mass)
        self.factor = V(factor)
    }

    /// f of every pair of lanes.
    @_alwaysEmitIntoClient @inline(__always)
    public func apply(_ x: V, _ y: V) -> V { (x * mass - y) * factor }
}

/// Sum of targets, and sum of target * (logit - maximum), in double precision.
@_alwaysEmitIntoClient @inline(__always)
public func targetTerms<V: FloatVector>(
    _ vector: V.Type, _ targets: UnsafePointer<Float>, _ logits: UnsafePointer<Float>, _ n: Int,
    maximum: Float, mass: UnsafeMutablePointer<Double>, weighted: UnsafeMutablePointer<Double>
) {
    let offset = V(maximum)
    var (massLow, massHigh) = (V.Wide(), V.Wide())
    var (low, high) = (V.Wide(), V.Wide())
    var i = 0
    while i < n {
        let full = i &+ V.lanes <= n
        let rest = n &- i
        let t =
            full
            ? targets.load(i, as: V.self) : V(partial: targets.moved(i), count: rest, fill: 0)
        let x =
            (full
                ? logits.load(i, as: V.self)
                : V(partial: logits.moved(i), count: rest, fill: maximum)) - offset
        massLow = massLow + t.lowWide
        massHigh = massHigh + t.highWide
        // 0 * -infinity (a class that is masked out and has no target) counts as 0.
        let counted = V.whereLess(V(), t.magnitude(), x, V())
        low = V.multiplyAdd(t.lowWide, counted.lowWide, low)
        high = V.multiplyAdd(t.highWide, counted.highWide, high)
        i &+= V.lanes
    }
    mass.pointee = V.sum(massLow + massHigh)
    weighted.pointee = V.sum(low + high)
}

/// -sum(p log p), with 0 log 0 = 0.
@_alwaysEmitIntoClient @inline(__always)
public func entropyOfProbabilities<V: FloatVector>(
    _ vector: V.Type, _ p: UnsafePointer<Float>, _ n: Int
) -> Float {
    var (low, high) = (V.Wide(), V.Wide())
    let least = V(.leastNormalMagnitude)
    var i = 0
    while i < n {
        let x =
            i &+ V.lanes <= n
            ? p.load(i, as: V.self) : V(partial: p.moved(i), count: n &- i, fill: 0)
        let term = V.whereLess(x, least, V(), x * logarithm(V.maximum(x, least)))
        low = low + term.lowWide
        high = high + term.highWide
        i &+= V.lanes
    }
    return -Float(V.sum(low + high))
}

/// What the entropy of softmax(x) is made of: the maximum m, s = sum(e^(x-m)) and
/// w = sum(e^(x-m) (x-m)); the entropy is log s - w / s.
@_alwaysEmitIntoClient @inline(__always)
public func entropyTerms<V: FloatVector>(
    _ vector: V.Type, _ x: UnsafePointer<Float>, _ n: Int, maximum: UnsafeMutablePointer<Float>,
    sum: UnsafeMutablePointer<Double>, weighted: UnsafeMutablePointer<Double>
) {
    let largest = reduce(MaximumReduction<V>.self, x, n).largest.largest()
    let offset = V(largest)
    // Below this the exponential is 0, and 0 * -infinity must not become NaN.
    let floor = V(-200)
    var (sumLow, sumHigh) = (V.Wide(), V.Wide())
    var (low, high) = (V.Wide(), V.Wide())
    var i = 0
    while i < n {
        let moved =
            (i &+ V.lanes <= n
                ? x.load(i, as: V.self)
                : V(partial: x.moved(i), count: n &- i, fill: -.infinity)) - offset
        let d = V.maximum(moved, floor)
        let e = exponential(d)
        sumLow = sumLow + e.lowWide
        sumHigh = sumHigh + e.highWide
        low = V.multiplyAdd(e.lowWide, d.lowWide, low)
        high = V.multiplyAdd(e.highWide, d.highWide, high)
        i &+= V.lanes
    }
    maximum.pointee = largest
    sum.pointee = V.sum(sumLow + sumHigh)
    weighted.pointee = V.sum(low + high)
}
