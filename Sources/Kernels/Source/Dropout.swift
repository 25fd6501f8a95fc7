// Dropout of one row with Philox4x32-10 (Salmon, Moraes, Dror, Shaw: Parallel random numbers, as easy
// as 1, 2, 3; 2011). Column c of the row belongs to word c % 4 of the block whose counter is
// (c / 4, position, site, sample): the mask is a function of the row's identity alone.
//
// A vector of 64-bit lanes carries one 32-bit word of as many blocks: the 32 x 32 bit products that
// Philox is made of are then single instructions, and no shuffle is needed until the end.

/// One word of several blocks, each in the low half of a 64-bit lane.
@frozen
public struct PhiloxBlocks<Words: SIMD> where Words.Scalar == UInt64 {
    @usableFromInline var c0: Words
    @usableFromInline var c1: Words
    @usableFromInline var c2: Words
    @usableFromInline var c3: Words

    /// Blocks of the given counters.
    @_alwaysEmitIntoClient @inline(__always)
    public init(_ c0: Words, _ c1: UInt32, _ c2: UInt32, _ c3: UInt32) {
        self.c0 = c0
        self.c1 = Words(repeating: UInt64(truncatingIfNeeded: c1))
        self.c2 = Words(repeating: UInt64(truncatingIfNeeded: c2))
        self.c3 = Words(repeating: UInt64(truncatingIfNeeded: c3))
    }

    /// Ten rounds.
    @_alwaysEmitIntoClient @inline(__always)
    public mutating func encrypt(_ key0: UInt32, _ key1: UInt32) {
        let low = Words(repeating: 0xFFFF_FFFF)
        let shift = Words(repeating: 32)
        var (k0, k1) = (key0, key1)
        var round = 0
        while round < 10 {
            let first = c0 &* Words(repeating: 0xD251_1F53)
            let second = c2 &* Words(repeating: 0xCD9E_8D57)
            let x0 = (second &>> shift) ^ c1 ^ Words(repeating: UInt64(truncatingIfNeeded: k0))
            let x2 = (first &>> shift) ^ c3 ^ Words(repeating: UInt64(truncatingIfNeeded: k1))
            c1 = second & low
            c3 = first & low
            c0 = x0
            c2 = x2
            k0 = k0 &+ 0x9E37_79B9
            k1 = k1 &+ 0xBB67_AE85
            round &+= 1
        }
    }
}

/// y = x scale where the random word is below the threshold, else 0.
@_alwaysEmitIntoClient @inline(__always)
public func dropoutRow<V: FloatVector>(
    _ vector: V.Type, _ x: UnsafePointer<Float>, _ y: UnsafeMutablePointer<Float>, _ n: Int,
    threshold: UInt32, scale: Float, key0: UInt32, key1: UInt32, position: UInt32, site: UInt32,
    sample: UInt32
) {
    typealias Words = V.Words
    let limit = V.Bits(repeating: threshold)
    let factor = V(scale)
    let shift = Words(repeating: 32)
    // Half as many blocks as lanes give two vectors of columns.
    let advance = Words(repeating: UInt64(truncatingIfNeeded: V.lanes / 2))
    var counter = V.wordIndices
    var i = 0
    while i < n {
        var blocks = PhiloxBlocks<Words>(counter, position, site, sample)
        blocks.encrypt(key0, key1)
        let front = blocks.c0 | (blocks.c1 &<< shift)
        let back = blocks.c2 | (blocks.c3 &<< shift)
        let random = V.interleave(front, back)
        dropoutVector(x, y, n, i, limit, factor, random.low)
        dropoutVector(x, y, n, i &+ V.lanes, limit, factor, random.high)
        counter = counter &+ advance
        i &+= 2 &* V.lanes
    }
}

@_alwaysEmitIntoClient @inline(__always)
func dropoutVector<V: FloatVector>(
    _ x: UnsafePointer<Float>, _ y: UnsafeMutablePointer<Float>, _ n: Int, _ i: Int,
    _ limit: V.Bits, _ factor: V, _ random: V.Bits
) {
    let rest = n &- i
    if rest >= V.lanes {
        y.store(V.whereLess(random, limit, x.load(i, as: V.self) * factor), i)
    } else if rest > 0 {
        let value = V(partial: x.moved(i), count: rest, fill: 0) * factor
        V.whereLess(random, limit, value).storePartial(y.moved(i), count: rest)
    }
}
