// The kernels of relative attention in this instruction set; what may stand here is said in
// Exports.swift. The names and the documentation are those of the C header.
// swift-format-ignore-file: AlwaysUseLowerCamelCase, AllPublicDeclarationsHaveDocumentation

import CKernels
import KernelSource

@c @implementation
public func retort_avx512_relative_scores(
    _ scores: UnsafeMutablePointer<Float>, _ n: Int, _ queryTerms: UnsafePointer<Float>,
    _ keyTerms: UnsafePointer<Float>, _ stride: Int, _ places: UnsafePointer<Int32>
) {
    relativeScores(
        scores, n, queryTerms: queryTerms, keyTerms: keyTerms, stride: stride, places: places)
}

@c @implementation
public func retort_avx512_relative_scores_backward(
    _ gradient: UnsafePointer<Float>, _ n: Int, _ queryTerms: UnsafeMutablePointer<Float>,
    _ keyTerms: UnsafeMutablePointer<Float>, _ stride: Int, _ columns: Int,
    _ places: UnsafePointer<Int32>
) {
    relativeScoresBackward(
        gradient, n, queryTerms: queryTerms, keyTerms: keyTerms, stride: stride,
        columns: columns, places: places)
}
