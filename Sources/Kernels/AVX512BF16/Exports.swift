// What AVX512-BF16 adds to AVX-512: products of bfloat16 by the instruction that multiplies pairs. All
// other kernels of this set are those of KernelsAVX512. The rules of its Exports.swift hold here.
//
// The names and the documentation are those of the C header.
// swift-format-ignore-file: AlwaysUseLowerCamelCase, AllPublicDeclarationsHaveDocumentation

import CKernels
import KernelSource

typealias V = Vector16
typealias Tiles = Tiles12<PairStep>

@c @implementation
public func retort_avx512bf16_pack_a_narrowed(
    _ source: UnsafePointer<Float>, _ stride: Int, _ rows: Int, _ depth: Int,
    _ panels: UnsafeMutablePointer<Float>
) {
    packRowsAlong(
        V.self, NarrowedPairElement.self, source, stride: stride, rows: rows, limit: Tiles.rowLimit,
        depth: depth, panels: panels)
}

@c @implementation
public func retort_avx512bf16_pack_a_transposed_narrowed(
    _ source: UnsafePointer<Float>, _ stride: Int, _ rows: Int, _ depth: Int,
    _ panels: UnsafeMutablePointer<Float>
) {
    packRowsAcross(
        V.self, NarrowedPairElement.self, source, stride: stride, rows: rows, limit: Tiles.rowLimit,
        depth: depth, panels: panels)
}

@c @implementation
public func retort_avx512bf16_pack_b_narrowed(
    _ source: UnsafePointer<Float>, _ stride: Int, _ columns: Int, _ depth: Int,
    _ panel: UnsafeMutablePointer<Float>
) {
    packColumns(
        V.self, NarrowedPairElement.self, source, stride: stride, lines: columns, depth: depth,
        panel: panel)
}

@c @implementation
public func retort_avx512bf16_pack_b_transposed_narrowed(
    _ source: UnsafePointer<Float>, _ stride: Int, _ columns: Int, _ depth: Int,
    _ panel: UnsafeMutablePointer<Float>
) {
    packAlong(
        V.self, NarrowedPairElement.self, source, stride: stride, lines: columns, depth: depth,
        width: 2 * V.lanes, panel: panel)
}

@c @implementation
public func retort_avx512bf16_pack_a_bfloat16(
    _ source: UnsafePointer<UInt16>, _ stride: Int, _ rows: Int, _ depth: Int,
    _ panels: UnsafeMutablePointer<Float>
) {
    packRowsAlong(
        V.self, StoredPairElement.self, source, stride: stride, rows: rows, limit: Tiles.rowLimit,
        depth: depth, panels: panels)
}

@c @implementation
public func retort_avx512bf16_pack_a_transposed_bfloat16(
    _ source: UnsafePointer<UInt16>, _ stride: Int, _ rows: Int, _ depth: Int,
    _ panels: UnsafeMutablePointer<Float>
) {
    packRowsAcross(
        V.self, StoredPairElement.self, source, stride: stride, rows: rows, limit: Tiles.rowLimit,
        depth: depth, panels: panels)
}

@c @implementation
public func retort_avx512bf16_pack_b_bfloat16(
    _ source: UnsafePointer<UInt16>, _ stride: Int, _ columns: Int, _ depth: Int,
    _ panel: UnsafeMutablePointer<Float>
) {
    packColumns(
        V.self, StoredPairElement.self, source, stride: stride, lines: columns, depth: depth,
        panel: panel)
}

@c @implementation
public func retort_avx512bf16_pack_b_transposed_bfloat16(
    _ source: UnsafePointer<UInt16>, _ stride: Int, _ columns: Int, _ depth: Int,
    _ panel: UnsafeMutablePointer<Float>
) {
    packAlong(
        V.self, StoredPairElement.self, source, stride: stride, lines: columns, depth: depth,
        width: 2 * V.lanes, panel: panel)
}

@c @implementation
public func retort_avx512bf16_gemm_block_bfloat16(
    _ a: UnsafePointer<Float>, _ b: UnsafePointer<Float>, _ rows: Int, _ columns: Int,
    _ depth: Int, _ c: UnsafeMutablePointer<Float>, _ stride: Int, _ accumulate: Int32,
    _ bias: UnsafePointer<Float>?, _ scale: Float, _ scratch: UnsafeMutablePointer<Float>
) {
    gemmBlock(
        Tiles.self, a: a, b: b, rows: rows, columns: columns, depth: depth, c: c, stride: stride,
        accumulate: accumulate != 0, bias: bias, scale: scale, scratch: scratch)
}
