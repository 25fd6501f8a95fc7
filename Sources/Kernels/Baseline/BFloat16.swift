// Products of bfloat16 without an instruction for them: panels of floats that are rounded, multiplied
// as any floats. The rules of Exports.swift hold.
// swift-format-ignore-file: AlwaysUseLowerCamelCase, AllPublicDeclarationsHaveDocumentation

import CKernels
import KernelSource

@c @implementation
public func retort_baseline_pack_a_narrowed(
    _ source: UnsafePointer<Float>, _ stride: Int, _ rows: Int, _ depth: Int,
    _ panels: UnsafeMutablePointer<Float>
) {
    packRowsAlong(
        V.self, RoundedElement.self, source, stride: stride, rows: rows, limit: Tiles.rowLimit,
        depth: depth, panels: panels)
}

@c @implementation
public func retort_baseline_pack_a_transposed_narrowed(
    _ source: UnsafePointer<Float>, _ stride: Int, _ rows: Int, _ depth: Int,
    _ panels: UnsafeMutablePointer<Float>
) {
    packRowsAcross(
        V.self, RoundedElement.self, source, stride: stride, rows: rows, limit: Tiles.rowLimit,
        depth: depth, panels: panels)
}

@c @implementation
public func retort_baseline_pack_b_narrowed(
    _ source: UnsafePointer<Float>, _ stride: Int, _ columns: Int, _ depth: Int,
    _ panel: UnsafeMutablePointer<Float>
) {
    packColumns(
        V.self, RoundedElement.self, source, stride: stride, lines: columns, depth: depth,
        panel: panel)
}

@c @implementation
public func retort_baseline_pack_b_transposed_narrowed(
    _ source: UnsafePointer<Float>, _ stride: Int, _ columns: Int, _ depth: Int,
    _ panel: UnsafeMutablePointer<Float>
) {
    packAlong(
        V.self, RoundedElement.self, source, stride: stride, lines: columns, depth: depth,
        width: 2 * V.lanes, panel: panel)
}

@c @implementation
public func retort_baseline_pack_a_bfloat16(
    _ source: UnsafePointer<UInt16>, _ stride: Int, _ rows: Int, _ depth: Int,
    _ panels: UnsafeMutablePointer<Float>
) {
    packRowsAlong(
        V.self, WidenedElement.self, source, stride: stride, rows: rows, limit: Tiles.rowLimit,
        depth: depth, panels: panels)
}

@c @implementation
public func retort_baseline_pack_a_transposed_bfloat16(
    _ source: UnsafePointer<UInt16>, _ stride: Int, _ rows: Int, _ depth: Int,
    _ panels: UnsafeMutablePointer<Float>
) {
    packRowsAcross(
        V.self, WidenedElement.self, source, stride: stride, rows: rows, limit: Tiles.rowLimit,
        depth: depth, panels: panels)
}

@c @implementation
public func retort_baseline_pack_b_bfloat16(
    _ source: UnsafePointer<UInt16>, _ stride: Int, _ columns: Int, _ depth: Int,
    _ panel: UnsafeMutablePointer<Float>
) {
    packColumns(
        V.self, WidenedElement.self, source, stride: stride, lines: columns, depth: depth,
        panel: panel)
}

@c @implementation
public func retort_baseline_pack_b_transposed_bfloat16(
    _ source: UnsafePointer<UInt16>, _ stride: Int, _ columns: Int, _ depth: Int,
    _ panel: UnsafeMutablePointer<Float>
) {
    packAlong(
        V.self, WidenedElement.self, source, stride: stride, lines: columns, depth: depth,
        width: 2 * V.lanes, panel: panel)
}

@c @implementation
public func retort_baseline_gemm_block_bfloat16(
    _ a: UnsafePointer<Float>, _ b: UnsafePointer<Float>, _ rows: Int, _ columns: Int,
    _ depth: Int, _ c: UnsafeMutablePointer<Float>, _ stride: Int, _ accumulate: Int32,
    _ bias: UnsafePointer<Float>?, _ scale: Float, _ scratch: UnsafeMutablePointer<Float>
) {
    retort_baseline_gemm_block(
        a, b, rows, columns, depth, c, stride, accumulate, bias, scale, scratch)
}
