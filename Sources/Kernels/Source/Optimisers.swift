// Optimiser updates: every buffer is read and written once. The order of operations is PyTorch's
// (weight decay first, then moments, then the bias-corrected step).

/// One AdamW step; see `retort_adamw`.
@_alwaysEmitIntoClient @inline(__always)
public func adamWStep<V: FloatVector>(
    _ vector: V.Type, parameters: UnsafeMutablePointer<Float>, gradients: UnsafePointer<Float>,
    m: UnsafeMutablePointer<Float>, v: UnsafeMutablePointer<Float>, _ n: Int, decay: Float,
    keep: (Float, Float), take: (Float, Float), stepSize: Float, deviationScale: Float,
    epsilon: Float, gradientScale: Float
) {
    let (keep1, keep2) = (V(keep.0), V(keep.1))
    let (take1, take2) = (V(take.0), V(take.1))
    var i = 0
    while i < n {
        let rest = n &- i
        let full = rest >= V.lanes
        let offset = i
        let g =
            (full
                ? gradients.load(offset, as: V.self)
                : V(partial: gradients.moved(offset), count: rest, fill: 0)) * V(gradientScale)
        let p =
            full
            ? parameters.load(offset, as: V.self)
            : V(partial: parameters.moved(offset), count: rest, fill: 0)
        let oldM =
            full ? m.load(offset, as: V.self) : V(partial: m.moved(offset), count: rest, fill: 0)
        let oldV =
            full ? v.load(offset, as: V.self) : V(partial: v.moved(offset), count: rest, fill: 0)
        let newM = V.multiplyAdd(keep1, oldM, take1 * g)
        let newV = V.multiplyAdd(keep2, oldV, take2 * g * g)
        let denominator = V.multiplyAdd(newV.squareRoot(), V(deviationScale), V(epsilon))
        let newP = p * V(decay) - V(stepSize) * (newM / denominator)
        if full {
            parameters.store(newP, offset)
            m.store(newM, offset)
            v.store(newV, offset)
        } else {
            newP.storePartial(parameters.moved(offset), count: rest)
            newM.storePartial(m.moved(offset), count: rest)
            newV.storePartial(v.moved(offset), count: rest)
        }
        i &+= V.lanes
    }
}

/// One SGD step; see `retort_sgd`.
@_alwaysEmitIntoClient @inline(__always)
public func sgdStep<V: FloatVector>(
    _ vector: V.Type, parameters: UnsafeMutablePointer<Float>, gradients: UnsafePointer<Float>,
    momentum buffer: UnsafeMutablePointer<Float>, _ n: Int, learningRate: Float, momentum: Float,
    take: Float, weightDecay: Float, gradientScale: Float, first: Bool, nesterov: Bool
) {
    var i = 0
    while i < n {
        let rest = n &- i
        let full = rest >= V.lanes
        let p =
            full
            ? parameters.load(i, as: V.self)
            : V(partial: parameters.moved(i), count: rest, fill: 0)
        var g =
            (full
                ? gradients.load(i, as: V.self)
                : V(partial: gradients.moved(i), count: rest, fill: 0)) * V(gradientScale)
        g = .multiplyAdd(V(weightDecay), p, g)
        var update = g
        if momentum != 0 {
            // A first step must not read what the buffer holds: it may be uninitialised.
            let old =
                first
                ? V()
                : full
                    ? buffer.load(i, as: V.self)
                    : V(partial: buffer.moved(i), count: rest, fill: 0)
            let new = V.multiplyAdd(V(momentum), old, V(take) * g)
            update = nesterov ? V.multiplyAdd(V(momentum), new, g) : new
            if full {
                buffer.store(new, i)
            } else {
                new.storePartial(buffer.moved(i), count: rest)
            }
        }
        let newP = p - V(learningRate) * update
        if full {
            parameters.store(newP, i)
        } else {
            newP.storePartial(parameters.moved(i), count: rest)
        }
        i &+= V.lanes
    }
}
