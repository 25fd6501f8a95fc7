// Divergences between the softmaxes of two rows, a student's and a teacher's, and their gradients by the
// student's. Sums are in double precision and so are, in the caller, the logarithms of normalisers: with
// the unnormalised differences d = (t - max t) - (s - max s) a common error of the normalisers cancels,
// which a difference of rounded log-probabilities would keep where the rows are nearly equal.
//
//     p = softmax(t), q = softmax(s), Zt = sum(e^(t - max t)), Zs likewise, m = beta p + (1 - beta) q
//     KL(p || q) = sum(e^(t - max t) d) / Zt - log Zt + log Zs        KL(q || p): the same mirrored

/// Below this a scaled score means "can't be": far from every number that a model gives, and finite.
@_alwaysEmitIntoClient @inline(__always)
var maskedScore: Float { -1e30 }

/// One vector of both rows: from memory, absent lanes as `absent`.
@_alwaysEmitIntoClient @inline(__always)
func loadPair<V: FloatVector>(
    _ student: UnsafePointer<Float>, _ teacher: UnsafePointer<Float>, _ i: Int, _ n: Int,
    absent: Float
) -> (s: V, t: V) {
    if i &+ V.lanes <= n { return (student.load(i, as: V.self), teacher.load(i, as: V.self)) }
    return (
        V(partial: student.moved(i), count: n &- i, fill: absent),
        V(partial: teacher.moved(i), count: n &- i, fill: absent)
    )
}

/// Writes a vector at element i of n, or as much of it as there is room for.
@_alwaysEmitIntoClient @inline(__always)
func storeWithin<V: FloatVector>(
    _ value: V, _ target: UnsafeMutablePointer<Float>, _ i: Int, _ n: Int
) {
    if i &+ V.lanes <= n {
        target.store(value, i)
    } else {
        value.storePartial(target.moved(i), count: n &- i)
    }
}

/// Both rows times `scale`; where the teacher is minus infinity (or what stands for it, below
/// `maskedScore`), both are finite and far below: their difference there is no infinity.
///
/// The student's row is masked there if `masks`, else kept as far as it is a number. The teacher's
/// maximum is that of its unmasked scores: minus infinity if it has none, which spoils what follows.
@_alwaysEmitIntoClient @inline(__always)
public func divergenceInputs<V: FloatVector>(
    _ vector: V.Type, _ scores: UnsafePointer<Float>, _ teacher: UnsafePointer<Float>,
    _ student: UnsafeMutablePointer<Float>, _ other: UnsafeMutablePointer<Float>, _ n: Int,
    scale: Float, masks: Bool, studentMaximum: UnsafeMutablePointer<Float>,
    teacherMaximum: UnsafeMutablePointer<Float>
) {
    let (factor, floor, lowest) = (V(scale), V(maskedScore), V(-.infinity))
    var (largestS, largestT) = (lowest, lowest)
    var i = 0
    while i < n {
        // Absent lanes must not pass for the teacher's largest score.
        let pair: (s: V, t: V) = loadPair(scores, teacher, i, n, absent: -.infinity)
        let (s, t) = (pair.s * factor, pair.t * factor)
        let absent = masks ? floor : V.maximum(s, floor)
        let keptS = V.whereLess(t, floor, absent, s)
        largestS = V.maximum(largestS, keptS)
        largestT = V.maximum(largestT, V.whereLess(t, floor, lowest, t))
        storeWithin(keptS, student, i, n)
        storeWithin(V.whereLess(t, floor, floor, t), other, i, n)
        i &+= V.lanes
    }
    studentMaximum.pointee = largestS.largest()
    teacherMaximum.pointee = largestT.largest()
}

/// Zs, Zt, sum(e^(s - max s) d), sum(e^(t - max t) d).
///
/// A student's score of minus infinity takes nothing from the first sum with d.
@_alwaysEmitIntoClient @inline(__always)
public func divergenceTerms<V: FloatVector>(
    _ vector: V.Type, _ student: UnsafePointer<Float>, _ teacher: UnsafePointer<Float>, _ n: Int,
    studentMaximum: Float, teacherMaximum: Float, terms: UnsafeMutablePointer<Double>
) {
    let (offsetS, offsetT, ceiling) = (V(studentMaximum), V(teacherMaximum), V(-maskedScore))
    var (sumS0, sumS1, sumT0, sumT1) = (V.Wide(), V.Wide(), V.Wide(), V.Wide())
    var (byS0, byS1, byT0, byT1) = (V.Wide(), V.Wide(), V.Wide(), V.Wide())
    var i = 0
    while i < n {
        let pair: (s: V, t: V) = loadPair(
            student, teacher, i, n, absent: maskedScore)
        let (s, t) = (pair.s - offsetS, pair.t - offsetT)
        let (eS, eT, d) = (exponential(s), exponential(t), t - s)
        let finite = V.minimum(d, ceiling)
        sumS0 = sumS0 + eS.lowWide
        sumS1 = sumS1 + eS.highWide
        sumT0 = sumT0 + eT.lowWide
        sumT1 = sumT1 + eT.highWide
        byS0 = V.multiplyAdd(eS.lowWide, finite.lowWide, byS0)
        byS1 = V.multiplyAdd(eS.highWide, finite.highWide, byS1)
        byT0 = V.multiplyAdd(eT.lowWide, d.lowWide, byT0)
        byT1 = V.multiplyAdd(eT.highWide, d.highWide, byT1)
        i &+= V.lanes
    }
    terms[0] = V.sum(sumS0 + sumS1)
    terms[1] = V.sum(sumT0 + sumT1)
    terms[2] = V.sum(byS0 + byS1)
    terms[3] = V.sum(byT0 + byT1)
}

/// (q - p) scale: the gradient of KL(p || q).
@_alwaysEmitIntoClient @inline(__always)
public func forwardGradient<V: FloatVector>(
    _ vector: V.Type, _ student: UnsafePointer<Float>, _ teacher: UnsafePointer<Float>,
    _ gradient: UnsafeMutablePointer<Float>, _ n: Int, studentMaximum: Float,
    teacherMaximum: Float, studentFactor: Float, teacherFactor: Float, scale: Float
) {
    let (offsetS, offsetT) = (V(studentMaximum), V(teacherMaximum))
    let (factorS, factorT, factor) = (V(studentFactor), V(teacherFactor), V(scale))
    var i = 0
    while i < n {
        let pair: (s: V, t: V) = loadPair(
            student, teacher, i, n, absent: maskedScore)
        let q = exponential(pair.s - offsetS) * factorS
        let p = exponential(pair.t - offsetT) * factorT
        storeWithin((q - p) * factor, gradient, i, n)
        i &+= V.lanes
    }
}

/// q (center - d) scale: the gradient of KL(q || p) with center = sum(q d).
@_alwaysEmitIntoClient @inline(__always)
public func reverseGradient<V: FloatVector>(
    _ vector: V.Type, _ student: UnsafePointer<Float>, _ teacher: UnsafePointer<Float>,
    _ gradient: UnsafeMutablePointer<Float>, _ n: Int, studentMaximum: Float,
    teacherMaximum: Float, studentFactor: Float, center: Float, scale: Float
) {
    let (offsetS, offsetT, ceiling) = (V(studentMaximum), V(teacherMaximum), V(-maskedScore))
    let (factorS, middle, factor) = (V(studentFactor), V(center), V(scale))
    var i = 0
    while i < n {
        let pair: (s: V, t: V) = loadPair(
            student, teacher, i, n, absent: maskedScore)
        let (s, t) = (pair.s - offsetS, pair.t - offsetT)
        let q = exponential(s) * factorS
        storeWithin(q * (middle - V.minimum(t - s, ceiling)) * factor, gradient, i, n)
        i &+= V.lanes
    }
}

/// log p - log m and log q - log m, from u = log p - log q.
///
/// Of p and q the larger is divided out, so that the logarithm's argument lies between the smaller of
/// beta and 1 - beta, and 1.
@_alwaysEmitIntoClient @inline(__always)
func logarithmsOverMixture<V: FloatVector>(_ u: V, beta: V) -> (p: V, q: V) {
    let ratio = exponential(V() - u.magnitude())
    let (own, zero, one) = (V(1) - beta, V(), V(1))
    let share = V.whereLess(u, zero, own, beta)
    let larger = zero - logarithm(V.multiplyAdd(ratio, one - share, share))
    return (
        V.whereLess(u, zero, larger + u, larger), V.whereLess(u, zero, larger, larger - u)
    )
}

/// sum(q (log q - log m)) and sum(p (log p - log m)); `logRatio` is log Zs - log Zt.
@_alwaysEmitIntoClient @inline(__always)
public func mixtureTerms<V: FloatVector>(
    _ vector: V.Type, _ student: UnsafePointer<Float>, _ teacher: UnsafePointer<Float>, _ n: Int,
    studentMaximum: Float, teacherMaximum: Float, logRatio: Float, beta: Float,
    terms: UnsafeMutablePointer<Double>
) {
    let (offsetS, offsetT, ceiling) = (V(studentMaximum), V(teacherMaximum), V(-maskedScore))
    let (shift, share) = (V(logRatio), V(beta))
    var (byS0, byS1, byT0, byT1) = (V.Wide(), V.Wide(), V.Wide(), V.Wide())
    var i = 0
    while i < n {
        let pair: (s: V, t: V) = loadPair(
            student, teacher, i, n, absent: maskedScore)
        let (s, t) = (pair.s - offsetS, pair.t - offsetT)
        let (eS, eT) = (exponential(s), exponential(t))
        let over = logarithmsOverMixture(V.minimum((t - s) + shift, ceiling), beta: share)
        byS0 = V.multiplyAdd(eS.lowWide, over.q.lowWide, byS0)
        byS1 = V.multiplyAdd(eS.highWide, over.q.highWide, byS1)
        byT0 = V.multiplyAdd(eT.lowWide, over.p.lowWide, byT0)
        byT1 = V.multiplyAdd(eT.highWide, over.p.highWide, byT1)
        i &+= V.lanes
    }
    terms[0] = V.sum(byS0 + byS1)
    terms[1] = V.sum(byT0 + byT1)
}

/// q ((log q - log m) - center) scale, with center = sum(q (log q - log m)).
@_alwaysEmitIntoClient @inline(__always)
public func mixtureGradient<V: FloatVector>(
    _ vector: V.Type, _ student: UnsafePointer<Float>, _ teacher: UnsafePointer<Float>,
    _ gradient: UnsafeMutablePointer<Float>, _ n: Int, studentMaximum: Float,
    teacherMaximum: Float, studentFactor: Float, logRatio: Float, beta: Float, center: Float,
    scale: Float
) {
    let (offsetS, offsetT, ceiling) = (V(studentMaximum), V(teacherMaximum), V(-maskedScore))
    let (factorS, middle, factor) = (V(studentFactor), V(center), V(scale))
    let (shift, share) = (V(logRatio), V(beta))
    var i = 0
    while i < n {
        let pair: (s: V, t: V) = loadPair(
            student, teacher, i, n, absent: maskedScore)
        let (s, t) = (pair.s - offsetS, pair.t - offsetT)
        let q = exponential(s) * factorS
        let over = logarithmsOverMixture(V.minimum((t - s) + shift, ceiling), beta: share)
        storeWithin(q * (over.q - middle) * factor, gradient, i, n)
        i &+= V.lanes
    }
}
