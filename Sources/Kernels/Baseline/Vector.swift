// The vector register of this instruction set: 4 floats. Runs everywhere.

import CKernels
import KernelSource

/// 4 floats in one register.
struct Vector: FloatVector {
    typealias Bits = SIMD4<UInt32>
    typealias Wide = SIMD2<Double>
    typealias Words = SIMD2<UInt64>

    var value: SIMD4<Float>

    @inline(__always) init(value: SIMD4<Float>) { self.value = value }
    @inline(__always) init() { value = .zero }
    @inline(__always) init(_ scalar: Float) { value = SIMD4(repeating: scalar) }
    @inline(__always) init(bits: Bits) { value = unsafeBitCast(bits, to: SIMD4<Float>.self) }
    @inline(__always) var bits: Bits { unsafeBitCast(value, to: Bits.self) }
    @inline(__always) static var lanes: Int { 4 }

    @inline(__always)
    init(partial source: UnsafePointer<Float>, count: Int, fill: Float) {
        value = SIMD4(repeating: fill)
        var lane = 0
        while lane < count {
            value[lane] = source[lane]
            lane &+= 1
        }
    }

    @inline(__always)
    func storePartial(_ target: UnsafeMutablePointer<Float>, count: Int) {
        var lane = 0
        while lane < count {
            target[lane] = value[lane]
            lane &+= 1
        }
    }

    @inline(__always)
    static func + (a: Self, b: Self) -> Self { Self(value: a.value + b.value) }
    @inline(__always)
    static func - (a: Self, b: Self) -> Self { Self(value: a.value - b.value) }
    @inline(__always)
    static func * (a: Self, b: Self) -> Self { Self(value: a.value * b.value) }
    @inline(__always)
    static func / (a: Self, b: Self) -> Self { Self(value: a.value / b.value) }

    @inline(__always)
    static func multiplyAdd(_ a: Self, _ b: Self, _ c: Self) -> Self {
        // Without FMA hardware `addingProduct` is a call into the C library for each lane.
        #if arch(arm64)
            return Self(value: c.value.addingProduct(a.value, b.value))
        #else
            return Self(value: a.value * b.value + c.value)
        #endif
    }

    @inline(__always)
    static func maximum(_ a: Self, _ b: Self) -> Self {
        Self(value: a.value.replacing(with: b.value, where: a.value .< b.value))
    }

    @inline(__always)
    static func minimum(_ a: Self, _ b: Self) -> Self {
        Self(value: a.value.replacing(with: b.value, where: a.value .> b.value))
    }

    @inline(__always)
    static func whereLess(_ a: Self, _ b: Self, _ x: Self, _ y: Self) -> Self {
        Self(value: y.value.replacing(with: x.value, where: a.value .< b.value))
    }

    @inline(__always)
    static func whereLess(_ a: Bits, _ b: Bits, _ x: Self) -> Self {
        Self(value: SIMD4<Float>.zero.replacing(with: x.value, where: a .< b))
    }

    @inline(__always) func squareRoot() -> Self { Self(value: retort_square_root4(value)) }

    @inline(__always) var first: Float { value[0] }

    @inline(__always)
    func sum() -> Float {
        let two = value.lowHalf + value.highHalf
        return two[0] + two[1]
    }

    @inline(__always)
    func largest() -> Float {
        let c = value.lowHalf
        let two = c.replacing(with: value.highHalf, where: c .< value.highHalf)
        return two[0] < two[1] ? two[1] : two[0]
    }

    // Lane by lane: the converting initialiser is emitted on its own, under one name for all sets.
    @inline(__always)
    var lowWide: Wide {
        Wide(Double(value[0]), Double(value[1]))
    }

    @inline(__always)
    var highWide: Wide {
        Wide(Double(value[2]), Double(value[3]))
    }

    @inline(__always)
    static func multiplyAdd(_ a: Wide, _ b: Wide, _ c: Wide) -> Wide {
        #if arch(arm64)
            return c.addingProduct(a, b)
        #else
            return a * b + c
        #endif
    }

    @inline(__always)
    static func sum(_ a: Wide) -> Double {
        a[0] + a[1]
    }

    @inline(__always)
    static func interleave(_ a: Words, _ b: Words) -> (low: Bits, high: Bits) {
        var pairs = SIMD4<UInt64>()
        pairs.evenHalf = a
        pairs.oddHalf = b
        return (
            unsafeBitCast(pairs.lowHalf, to: Bits.self),
            unsafeBitCast(pairs.highHalf, to: Bits.self)
        )
    }

    @inline(__always)
    static func prefetch(_ address: UnsafePointer<Float>) { retort_prefetch(address) }

    @inline(__always)
    static var wordIndices: Words { Words(0, 1) }
}
