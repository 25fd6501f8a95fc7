// The kernels of this instruction set: each C function of CKernels.h, made of the generic source and
// the vector of this width. The compiler checks every signature against the header. Nothing but
// pointers, integers, floats and vectors may occur here: anything generic that is emitted on its own
// would be a weak symbol, of which the linker keeps one copy for the whole program.
//
// The names and the documentation are those of the C header.
// swift-format-ignore-file: AlwaysUseLowerCamelCase, AllPublicDeclarationsHaveDocumentation

public import CKernels
import KernelSource

typealias V = Vector16
typealias Tiles = Tiles12<SingleStep<V>>

@c @implementation
public func retort_avx512_pack_a(
    _ source: UnsafePointer<Float>, _ stride: Int, _ rows: Int, _ depth: Int,
    _ panels: UnsafeMutablePointer<Float>
) {
    packRowsAlong(
        V.self, PlainElement.self, source, stride: stride, rows: rows, limit: Tiles.rowLimit,
        depth: depth,
        panels: panels)
}

@c @implementation
public func retort_avx512_pack_a_transposed(
    _ source: UnsafePointer<Float>, _ stride: Int, _ rows: Int, _ depth: Int,
    _ panels: UnsafeMutablePointer<Float>
) {
    packRowsAcross(
        V.self, PlainElement.self, source, stride: stride, rows: rows, limit: Tiles.rowLimit,
        depth: depth,
        panels: panels)
}

@c @implementation
public func retort_avx512_pack_b(
    _ source: UnsafePointer<Float>, _ stride: Int, _ columns: Int, _ depth: Int,
    _ panel: UnsafeMutablePointer<Float>
) {
    packColumns(
        V.self, PlainElement.self, source, stride: stride, lines: columns, depth: depth,
        panel: panel)
}

@c @implementation
public func retort_avx512_pack_b_transposed(
    _ source: UnsafePointer<Float>, _ stride: Int, _ columns: Int, _ depth: Int,
    _ panel: UnsafeMutablePointer<Float>
) {
    packAlong(
        V.self, PlainElement.self, source, stride: stride, lines: columns, depth: depth,
        width: 2 * V.lanes,
        panel: panel)
}

@c @implementation @inline(never)
public func retort_avx512_gemm_block(
    _ a: UnsafePointer<Float>, _ b: UnsafePointer<Float>, _ rows: Int, _ columns: Int,
    _ depth: Int, _ c: UnsafeMutablePointer<Float>, _ stride: Int, _ accumulate: Int32,
    _ bias: UnsafePointer<Float>?, _ scale: Float, _ scratch: UnsafeMutablePointer<Float>
) {
    gemmBlock(
        Tiles.self, a: a, b: b, rows: rows, columns: columns, depth: depth, c: c, stride: stride,
        accumulate: accumulate != 0, bias: bias, scale: scale, scratch: scratch)
}

@c @implementation
public func retort_avx512_narrow_bfloat16(
    _ x: UnsafePointer<Float>, _ y: UnsafeMutablePointer<UInt16>, _ n: Int
) {
    narrowRow(V.self, x, y, n)
}

@c @implementation
public func retort_avx512_widen_bfloat16(
    _ x: UnsafePointer<UInt16>, _ y: UnsafeMutablePointer<Float>, _ n: Int
) {
    widenRow(V.self, x, y, n)
}

@c @implementation
public func retort_avx512_exp(
    _ x: UnsafePointer<Float>, _ y: UnsafeMutablePointer<Float>, _ n: Int
) {
    map(Exponential<V>(), x, y, n)
}

@c @implementation
public func retort_avx512_log(
    _ x: UnsafePointer<Float>, _ y: UnsafeMutablePointer<Float>, _ n: Int
) {
    map(Logarithm<V>(), x, y, n)
}

@c @implementation
public func retort_avx512_tanh(
    _ x: UnsafePointer<Float>, _ y: UnsafeMutablePointer<Float>, _ n: Int
) {
    map(HyperbolicTangent<V>(), x, y, n)
}

@c @implementation
public func retort_avx512_gelu(
    _ x: UnsafePointer<Float>, _ y: UnsafeMutablePointer<Float>, _ n: Int
) {
    map(Gelu<V>(), x, y, n)
}

@c @implementation
public func retort_avx512_relu(
    _ x: UnsafePointer<Float>, _ y: UnsafeMutablePointer<Float>, _ n: Int
) {
    map(Relu<V>(), x, y, n)
}

@c @implementation
public func retort_avx512_tanh_backward(
    _ y: UnsafePointer<Float>, _ dy: UnsafePointer<Float>, _ dx: UnsafeMutablePointer<Float>,
    _ n: Int
) {
    map(HyperbolicTangentGradient<V>(), y, dy, dx, n)
}

@c @implementation
public func retort_avx512_gelu_backward(
    _ x: UnsafePointer<Float>, _ dy: UnsafePointer<Float>, _ dx: UnsafeMutablePointer<Float>,
    _ n: Int
) {
    map(GeluGradient<V>(), x, dy, dx, n)
}

@c @implementation
public func retort_avx512_relu_backward(
    _ y: UnsafePointer<Float>, _ dy: UnsafePointer<Float>, _ dx: UnsafeMutablePointer<Float>,
    _ n: Int
) {
    map(ReluGradient<V>(), y, dy, dx, n)
}

@c @implementation
public func retort_avx512_add(
    _ x: UnsafePointer<Float>, _ y: UnsafePointer<Float>, _ z: UnsafeMutablePointer<Float>, _ n: Int
) {
    map(Sum<V>(), x, y, z, n)
}

@c @implementation
public func retort_avx512_multiply(
    _ x: UnsafePointer<Float>, _ y: UnsafePointer<Float>, _ z: UnsafeMutablePointer<Float>, _ n: Int
) {
    map(Product<V>(), x, y, z, n)
}

@c @implementation
public func retort_avx512_axpy(
    _ alpha: Float, _ x: UnsafePointer<Float>, _ y: UnsafeMutablePointer<Float>, _ n: Int
) {
    map(MultipleSum<V>(alpha), x, y, y, n)
}

@c @implementation
public func retort_avx512_scale(
    _ alpha: Float, _ x: UnsafePointer<Float>, _ y: UnsafeMutablePointer<Float>, _ n: Int
) {
    map(Multiple<V>(alpha), x, y, n)
}

@c @implementation
public func retort_avx512_dropout(
    _ x: UnsafePointer<Float>, _ y: UnsafeMutablePointer<Float>, _ n: Int, _ threshold: UInt32,
    _ scale: Float, _ row: UnsafePointer<retort_random_row>, _ mask: UnsafeMutablePointer<UInt8>?
) {
    let row = row.pointee
    dropoutRow(
        V.self, x, y, n, threshold: threshold, scale: scale, key0: row.key0, key1: row.key1,
        position: row.position, site: row.site, sample: row.sample, mask: mask)
}

@c @implementation
public func retort_avx512_dropout_masked(
    _ x: UnsafePointer<Float>, _ y: UnsafeMutablePointer<Float>, _ n: Int, _ scale: Float,
    _ mask: UnsafePointer<UInt8>
) {
    maskRow(V.self, x, y, n, scale: scale, mask: mask)
}

@c @implementation
public func retort_avx512_row_sum(_ x: UnsafePointer<Float>, _ n: Int) -> Float {
    reduce(SumReduction<V>.self, x, n).total.sum()
}

@c @implementation
public func retort_avx512_row_maximum(_ x: UnsafePointer<Float>, _ n: Int) -> Float {
    reduce(MaximumReduction<V>.self, x, n).largest.largest()
}

@c @implementation
public func retort_avx512_dot(
    _ x: UnsafePointer<Float>, _ y: UnsafePointer<Float>, _ n: Int
) -> Float {
    dotProduct(V.self, x, y, n)
}

@c @implementation
public func retort_avx512_exp_shifted(
    _ x: UnsafePointer<Float>, _ y: UnsafeMutablePointer<Float>, _ n: Int, _ shift: Float
) -> Float {
    exponentialShifted(V.self, x, y, n, shift: shift)
}

@c @implementation
public func retort_avx512_softmax(
    _ x: UnsafePointer<Float>, _ y: UnsafeMutablePointer<Float>, _ n: Int,
    _ maximum: UnsafeMutablePointer<Float>, _ sum: UnsafeMutablePointer<Float>
) {
    softmaxRow(V.self, x, y, n, maximum: maximum, sum: sum)
}

@c @implementation
public func retort_avx512_log_softmax(
    _ x: UnsafePointer<Float>, _ y: UnsafeMutablePointer<Float>, _ n: Int
) {
    logSoftmaxRow(V.self, x, y, n)
}

@c @implementation
public func retort_avx512_softmax_backward(
    _ y: UnsafePointer<Float>, _ dy: UnsafePointer<Float>, _ dx: UnsafeMutablePointer<Float>,
    _ n: Int
) {
    softmaxRowBackward(V.self, y, dy, dx, n)
}

@c @implementation
public func retort_avx512_entropy(_ probabilities: UnsafePointer<Float>, _ n: Int) -> Float {
    entropyOfProbabilities(V.self, probabilities, n)
}

@c @implementation
public func retort_avx512_attention_rows(
    _ scores: UnsafeMutablePointer<Float>, _ rows: Int, _ n: Int,
    _ maximum: UnsafeMutablePointer<Float>, _ sum: UnsafeMutablePointer<Float>, _ stride: Int,
    _ dropout: UnsafePointer<retort_rows_dropout>?
) {
    attentionRows(
        V.self, scores, rows: rows, n: n, maximum: maximum, sum: sum, statisticStride: stride,
        dropout: rowsDropout(dropout))
}

@c @implementation
public func retort_avx512_attention_rows_again(
    _ scores: UnsafeMutablePointer<Float>, _ dropped: UnsafeMutablePointer<Float>, _ rows: Int,
    _ n: Int, _ maximum: UnsafePointer<Float>, _ sum: UnsafePointer<Float>, _ stride: Int,
    _ dropout: UnsafePointer<retort_rows_dropout>?
) {
    attentionRowsAgain(
        V.self, scores, dropped, rows: rows, n: n, maximum: maximum, sum: sum,
        statisticStride: stride, dropout: rowsDropout(dropout))
}

@c @implementation
public func retort_avx512_attention_rows_backward(
    _ probabilities: UnsafePointer<Float>, _ gradient: UnsafeMutablePointer<Float>, _ rows: Int,
    _ n: Int, _ dropout: UnsafePointer<retort_rows_dropout>?
) {
    attentionRowsBackward(
        V.self, probabilities, gradient, rows: rows, n: n, dropout: rowsDropout(dropout))
}

@c @implementation
public func retort_avx512_entropy_terms(
    _ logits: UnsafePointer<Float>, _ n: Int, _ maximum: UnsafeMutablePointer<Float>,
    _ sum: UnsafeMutablePointer<Double>, _ weighted: UnsafeMutablePointer<Double>
) {
    entropyTerms(V.self, logits, n, maximum: maximum, sum: sum, weighted: weighted)
}

@c @implementation
public func retort_avx512_target_terms(
    _ targets: UnsafePointer<Float>, _ logits: UnsafePointer<Float>, _ n: Int, _ maximum: Float,
    _ mass: UnsafeMutablePointer<Double>, _ weighted: UnsafeMutablePointer<Double>
) {
    targetTerms(V.self, targets, logits, n, maximum: maximum, mass: mass, weighted: weighted)
}

@c @implementation
public func retort_avx512_cross_entropy_gradient(
    _ probabilities: UnsafePointer<Float>, _ targets: UnsafePointer<Float>,
    _ gradient: UnsafeMutablePointer<Float>, _ n: Int, _ mass: Float, _ factor: Float
) {
    map(
        CrossEntropyGradient<V>(mass: mass, factor: factor), probabilities, targets, gradient, n)
}

@c @implementation
public func retort_avx512_layer_norm(
    _ x: UnsafePointer<Float>, _ gamma: UnsafePointer<Float>, _ beta: UnsafePointer<Float>,
    _ y: UnsafeMutablePointer<Float>, _ n: Int, _ epsilon: Float,
    _ mean: UnsafeMutablePointer<Float>, _ reciprocalDeviation: UnsafeMutablePointer<Float>
) {
    layerNormRow(
        V.self, x, gamma: gamma, beta: beta, y, n, epsilon: epsilon, mean: mean,
        reciprocalDeviation: reciprocalDeviation)
}

@c @implementation
public func retort_avx512_layer_norm_backward(
    _ x: UnsafePointer<Float>, _ gamma: UnsafePointer<Float>, _ dy: UnsafePointer<Float>,
    _ dx: UnsafeMutablePointer<Float>, _ n: Int, _ mean: Float, _ reciprocalDeviation: Float,
    _ accumulate: Int32, _ gradientGamma: UnsafeMutablePointer<Float>,
    _ gradientBeta: UnsafeMutablePointer<Float>
) {
    layerNormRowBackward(
        V.self, x, gamma: gamma, dy, dx, n, mean: mean, reciprocalDeviation: reciprocalDeviation,
        accumulate: accumulate != 0, gradientGamma: gradientGamma, gradientBeta: gradientBeta)
}

@c @implementation
public func retort_avx512_column_sum(
    _ x: UnsafePointer<Float>, _ stride: Int, _ rows: Int, _ columns: Int,
    _ sums: UnsafeMutablePointer<Float>, _ accumulate: Int32
) {
    columnSums(
        V.self, x, stride: stride, rows: rows, columns: columns, sums: sums,
        accumulate: accumulate != 0)
}

@c @implementation
public func retort_avx512_sum(_ x: UnsafePointer<Float>, _ n: Int) -> Double {
    reduce(WideSumReduction<V>.self, x, n).total
}

@c @implementation
public func retort_avx512_sum_of_squares(_ x: UnsafePointer<Float>, _ n: Int) -> Double {
    reduce(WideSquareReduction<V>.self, x, n).total
}

@c @implementation
public func retort_avx512_maximum_magnitude(_ x: UnsafePointer<Float>, _ n: Int) -> Float {
    reduce(MagnitudeReduction<V>.self, x, n).largest.largest()
}

@c @implementation
public func retort_avx512_all_finite(_ x: UnsafePointer<Float>, _ n: Int) -> Int32 {
    reduce(FiniteReduction<V>.self, x, n).witness.sum() == 0 ? 1 : 0
}

@c @implementation
public func retort_avx512_adamw(
    _ parameters: UnsafeMutablePointer<Float>, _ gradients: UnsafePointer<Float>,
    _ m: UnsafeMutablePointer<Float>, _ v: UnsafeMutablePointer<Float>, _ n: Int,
    _ settings: UnsafePointer<retort_adamw>
) {
    let s = settings.pointee
    adamWStep(
        V.self, parameters: parameters, gradients: gradients, m: m, v: v, n, decay: s.decay,
        keep: (s.keep1, s.keep2), take: (s.take1, s.take2), stepSize: s.step_size,
        deviationScale: s.deviation_scale, epsilon: s.epsilon, gradientScale: s.gradient_scale)
}

@c @implementation
public func retort_avx512_sgd(
    _ parameters: UnsafeMutablePointer<Float>, _ gradients: UnsafePointer<Float>,
    _ momentum: UnsafeMutablePointer<Float>, _ n: Int, _ settings: UnsafePointer<retort_sgd>
) {
    let s = settings.pointee
    sgdStep(
        V.self, parameters: parameters, gradients: gradients, momentum: momentum, n,
        learningRate: s.learning_rate, momentum: s.momentum, take: s.take,
        weightDecay: s.weight_decay, gradientScale: s.gradient_scale, first: s.first != 0,
        nesterov: s.nesterov != 0)
}
