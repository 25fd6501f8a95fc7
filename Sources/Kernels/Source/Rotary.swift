// Rotary position embedding (Su et al. 2021, arXiv 2104.09864) in the layout of transformers: element i
// of the first half of a head turns with element i of the second half, by an angle of the position.

/// Turns the heads of one row in place: (a, b) becomes (a cos - b sin, b cos + a sin).
///
/// `direction` is 1, or -1 for the turn back, which is also the gradient.
@_alwaysEmitIntoClient @inline(__always)
public func rotaryRow<V: FloatVector>(
    _ vector: V.Type, _ x: UnsafeMutablePointer<Float>, heads: Int, half: Int,
    cosine: UnsafePointer<Float>, sine: UnsafePointer<Float>, direction: Float
) {
    let sign = V(direction)
    var first = x
    var head = 0
    while head < heads {
        let second = first.moved(half)
        var i = 0
        while i &+ V.lanes <= half {
            let (a, b) = (first.load(i, as: V.self), second.load(i, as: V.self))
            let (c, s) = (cosine.load(i, as: V.self), sine.load(i, as: V.self) * sign)
            first.store(V.multiplyAdd(a, c, V() - b * s), i)
            second.store(V.multiplyAdd(b, c, a * s), i)
            i &+= V.lanes
        }
        if i < half {
            let rest = half &- i
            let a = V(partial: first.moved(i), count: rest, fill: 0)
            let b = V(partial: second.moved(i), count: rest, fill: 0)
            let c = V(partial: cosine.moved(i), count: rest, fill: 0)
            let s = V(partial: sine.moved(i), count: rest, fill: 0) * sign
            V.multiplyAdd(a, c, V() - b * s).storePartial(first.moved(i), count: rest)
            V.multiplyAdd(b, c, a * s).storePartial(second.moved(i), count: rest)
        }
        first = first.moved(2 &* half)
        head &+= 1
    }
}
