// exp, log, tanh and the normal distribution function on vectors of floats. The coefficients were
// fitted for these kernels (weighted minimax by Lawson's iteration in 40 digits); the errors named
// here were measured against 40-digit values and are asserted in the tests.

/// e^x.
///
/// Relative error below 1e-7; gradual underflow; infinity above 88.73; NaN stays NaN.
@_alwaysEmitIntoClient @_transparent
public func exponential<V: FloatVector>(_ x: V) -> V {
    // Bounds that keep n in [-151, 129], so that both halves of 2^n are normal numbers. NaN passes
    // `minimum` and `maximum` as the first operand.
    let clipped = V.maximum(V.minimum(x, V(89.5)), V(-104.5))
    // Adding 1.5 * 2^23 rounds to an integer n, which then is the low bits of the sum.
    let magic = V(12_582_912)
    let shifted = V.multiplyAdd(clipped, V(1.442_695_04), magic)
    let n = shifted - magic
    // ln 2 in two parts: the first has few enough bits that n times it is exact.
    var r = V.multiplyAdd(n, V(-0.693_359_375), clipped)
    r = V.multiplyAdd(n, V(2.121_944_400_5e-4), r)
    var p = V(0.001_395_044_615_492_224_7)
    p = V.multiplyAdd(p, r, V(0.008_368_886_075_913_906))
    p = V.multiplyAdd(p, r, V(0.041_666_205_972_433_09))
    p = V.multiplyAdd(p, r, V(0.166_665_196_418_762_2))
    p = V.multiplyAdd(p, r, V(0.5))
    p = V.multiplyAdd(p, r * r, r) + V(1)
    // 2^n as 2^(n/2) * 2^(n - n/2).
    let biased = shifted.bits &- V.Bits(repeating: 0x4B40_0000 &- 512)
    let low = biased &>> V.Bits(repeating: 1)
    let high = biased &- low
    let bias = V.Bits(repeating: 256 &- 127)
    let first = V(bits: (low &- bias) &<< V.Bits(repeating: 23))
    let second = V(bits: (high &- bias) &<< V.Bits(repeating: 23))
    return p * first * second
}

/// Natural logarithm of a positive normal number; error below 1e-7 of max(1, |log x|).
///
/// What other arguments give is not defined: callers select them away.
@_alwaysEmitIntoClient @_transparent
public func logarithm<V: FloatVector>(_ x: V) -> V {
    // x = 2^e * (1 + m) with 1 + m between sqrt(1/2) and sqrt(2).
    let offset = V.Bits(repeating: 0x3F35_04F3)
    let moved = x.bits &- offset
    let exponentBits = moved & V.Bits(repeating: 0xFF80_0000)
    let m = V(bits: x.bits &- exponentBits) - V(1)
    // The exponent as a float: 2^23 + 1024 + e sits in the low bits of a number around 2^23.
    let e =
        V(
            bits: ((exponentBits &+ V.Bits(repeating: 0x4000_0000)) &>> V.Bits(repeating: 23))
                | V.Bits(repeating: 0x4B00_0000)) - V(8_388_736)
    var p = V(0.069_179_840_385_913_85)
    p = V.multiplyAdd(p, m, V(-0.117_796_666_920_185_09))
    p = V.multiplyAdd(p, m, V(0.118_660_353_124_141_7))
    p = V.multiplyAdd(p, m, V(-0.123_857_982_456_684_11))
    p = V.multiplyAdd(p, m, V(0.142_199_188_470_840_45))
    p = V.multiplyAdd(p, m, V(-0.166_691_974_0))
    p = V.multiplyAdd(p, m, V(0.200_021_520_256_996_15))
    p = V.multiplyAdd(p, m, V(-0.249_999_865_889_549_26))
    p = V.multiplyAdd(p, m, V(0.333_333_104_848_861_7))
    let square = m * m
    var y = p * (square * m)
    y = V.multiplyAdd(e, V(-2.121_944_400_5e-4), y)
    y = V.multiplyAdd(square, V(-0.5), y)
    return V.multiplyAdd(e, V(0.693_359_375), m + y)
}

/// Hyperbolic tangent; relative error below 2e-7.
@_alwaysEmitIntoClient @_transparent
public func hyperbolicTangent<V: FloatVector>(_ x: V) -> V {
    let magnitude = x.magnitude()
    // 1 - 2 / (e^2|x| + 1) cancels near zero, where a polynomial takes over.
    let far = V(1) - V(2) / (exponential(magnitude + magnitude) + V(1))
    let square = x * x
    var p = V(-0.005_721_630_062_907_934)
    p = V.multiplyAdd(p, square, V(0.020_655_218_511_819_84))
    p = V.multiplyAdd(p, square, V(-0.053_745_143_115_520_48))
    p = V.multiplyAdd(p, square, V(0.133_315_145_969_390_87))
    p = V.multiplyAdd(p, square, V(-0.333_332_836_627_960_2))
    let near = V.multiplyAdd(p, square * x, x)
    return V.whereLess(magnitude, V(0.625), near, far.withSign(of: x))
}

/// The standard normal distribution function at x, and e^(-x^2/2).
///
/// Phi(-u) = e^(-u^2/2) h(u) with h a polynomial (half the scaled complementary error function), so
/// that value and derivative of GELU share one exponential. Absolute error of Phi below 1e-7
/// (that of erf: below 2e-7 everywhere, 1e-7 away from where rounding of 1 dominates).
@_alwaysEmitIntoClient @_transparent
public func normalDistribution<V: FloatVector>(_ x: V) -> (below: V, bell: V) {
    let bell = exponential(x * x * V(-0.5))
    let u = V.minimum(x.magnitude(), V(5))
    var p = V(5.407_441_961e-8)
    p = V.multiplyAdd(p, u, V(-1.501_645_670e-6))
    p = V.multiplyAdd(p, u, V(1.889_438_681e-5))
    p = V.multiplyAdd(p, u, V(-1.442_993_089e-4))
    p = V.multiplyAdd(p, u, V(7.609_447_930e-4))
    p = V.multiplyAdd(p, u, V(-3.014_098_387e-3))
    p = V.multiplyAdd(p, u, V(9.600_543_417e-3))
    p = V.multiplyAdd(p, u, V(-2.601_440_251e-2))
    p = V.multiplyAdd(p, u, V(6.223_101_541e-2))
    p = V.multiplyAdd(p, u, V(-1.329_065_263e-1))
    p = V.multiplyAdd(p, u, V(2.499_893_755e-1))
    p = V.multiplyAdd(p, u, V(-3.989_416_957e-1))
    p = V.multiplyAdd(p, u, V(0.5))
    let tail = p * bell
    return (V.whereLess(x, V(), tail, V(1) - tail), bell)
}
