// The vector register of this instruction set: 16 floats. Compiled for x86-64-v4.

import CKernels
import KernelSource

/// 16 floats in one register.
struct Vector: FloatVector {
    typealias Bits = SIMD16<UInt32>
    typealias Wide = SIMD8<Double>
    typealias Words = SIMD8<UInt64>

    var value: SIMD16<Float>

    @inline(__always) init(value: SIMD16<Float>) { self.value = value }
    @inline(__always) init() { value = .zero }
    @inline(__always) init(_ scalar: Float) { value = SIMD16(repeating: scalar) }
    @inline(__always) init(bits: Bits) { value = unsafeBitCast(bits, to: SIMD16<Float>.self) }
    @inline(__always) var bits: Bits { unsafeBitCast(value, to: Bits.self) }
    @inline(__always) static var lanes: Int { 16 }

    @inline(__always)
    init(partial source: UnsafePointer<Float>, count: Int, fill: Float) {
        value = SIMD16(repeating: fill)
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
        Self(value: c.value.addingProduct(a.value, b.value))
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
        Self(value: SIMD16<Float>.zero.replacing(with: x.value, where: a .< b))
    }

    @inline(__always) func squareRoot() -> Self { Self(value: retort_square_root16(value)) }

    @inline(__always) var first: Float { value[0] }

    @inline(__always)
    func sum() -> Float {
        let eight = value.lowHalf + value.highHalf
        let four = eight.lowHalf + eight.highHalf
        let two = four.lowHalf + four.highHalf
        return two[0] + two[1]
    }

    @inline(__always)
    func largest() -> Float {
        let a = value.lowHalf
        let eight = a.replacing(with: value.highHalf, where: a .< value.highHalf)
        let b = eight.lowHalf
        let four = b.replacing(with: eight.highHalf, where: b .< eight.highHalf)
        let c = four.lowHalf
        let two = c.replacing(with: four.highHalf, where: c .< four.highHalf)
        return two[0] < two[1] ? two[1] : two[0]
    }

    // Lane by lane: the converting initialiser is emitted on its own, under one name for all sets.
    @inline(__always)
    var lowWide: Wide {
        Wide(
            Double(value[0]), Double(value[1]), Double(value[2]), Double(value[3]),
            Double(value[4]), Double(value[5]), Double(value[6]), Double(value[7]))
    }

    @inline(__always)
    var highWide: Wide {
        Wide(
            Double(value[8]), Double(value[9]), Double(value[10]), Double(value[11]),
            Double(value[12]), Double(value[13]), Double(value[14]), Double(value[15]))
    }

    @inline(__always)
    static func multiplyAdd(_ a: Wide, _ b: Wide, _ c: Wide) -> Wide {
        c.addingProduct(a, b)
    }

    @inline(__always)
    static func sum(_ a: Wide) -> Double {
        let four = a.lowHalf + a.highHalf
        let two = four.lowHalf + four.highHalf
        return two[0] + two[1]
    }

    @inline(__always)
    static func interleave(_ a: Words, _ b: Words) -> (low: Bits, high: Bits) {
        var pairs = SIMD16<UInt64>()
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
    static var wordIndices: Words { Words(0, 1, 2, 3, 4, 5, 6, 7) }
}
