// The kernels of decoders in this instruction set; what may stand here is said in Exports.swift.
// The names and the documentation are those of the C header.
// swift-format-ignore-file: AlwaysUseLowerCamelCase, AllPublicDeclarationsHaveDocumentation

import CKernels
import KernelSource

@c @implementation
public func retort_baseline_rms_norm(
    _ x: UnsafePointer<Float>, _ gamma: UnsafePointer<Float>, _ y: UnsafeMutablePointer<Float>,
    _ n: Int, _ epsilon: Float, _ reciprocal: UnsafeMutablePointer<Float>
) {
    rootMeanSquareRow(V.self, x, gamma: gamma, y, n, epsilon: epsilon, reciprocal: reciprocal)
}

@c @implementation
public func retort_baseline_rms_norm_backward(
    _ x: UnsafePointer<Float>, _ gamma: UnsafePointer<Float>, _ dy: UnsafePointer<Float>,
    _ dx: UnsafeMutablePointer<Float>, _ n: Int, _ reciprocal: Float, _ accumulate: Int32,
    _ gradientGamma: UnsafeMutablePointer<Float>
) {
    rootMeanSquareRowBackward(
        V.self, x, gamma: gamma, dy, dx, n, reciprocal: reciprocal, accumulate: accumulate != 0,
        gradientGamma: gradientGamma)
}

@c @implementation
public func retort_baseline_gated_unit(
    _ gate: UnsafePointer<Float>, _ up: UnsafePointer<Float>, _ y: UnsafeMutablePointer<Float>,
    _ n: Int
) {
    map(GatedUnit<V>(), gate, up, y, n)
}

@c @implementation
public func retort_baseline_gated_unit_backward(
    _ gate: UnsafePointer<Float>, _ up: UnsafePointer<Float>, _ dy: UnsafePointer<Float>,
    _ gradientGate: UnsafeMutablePointer<Float>, _ gradientUp: UnsafeMutablePointer<Float>,
    _ n: Int
) {
    gatedUnitBackward(
        V.self, gate: gate, up: up, dy, gradientGate: gradientGate, gradientUp: gradientUp, n)
}

@c @implementation
public func retort_baseline_rotary(
    _ x: UnsafeMutablePointer<Float>, _ heads: Int, _ half: Int, _ cosine: UnsafePointer<Float>,
    _ sine: UnsafePointer<Float>, _ direction: Float
) {
    rotaryRow(
        V.self, x, heads: heads, half: half, cosine: cosine, sine: sine, direction: direction)
}
