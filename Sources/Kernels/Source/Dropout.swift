// Dropout of one row with Philox4x32-10 (Salmon, Moraes, Dror, Shaw: Parallel random numbers, as easy
// as 1, 2, 3; 2011). Column c of the row belongs to word c % 4 of the block whose counter is
// (c / 4, position, site, sample): the mask is a function of the row's identity alone.
//
// A vector of 64-bit lanes carries one 32-bit word of as many blocks: the 32 x 32 bit products that
// Philox is made of are then single instructions, and no shuffle is needed until the end. The mask
// can be kept, a bit a column, so that the backward pass needn't draw again.

/// One word of several blocks, each in the low half of a 64-bit lane; the high halves hold rubbish.
@frozen
public struct PhiloxBlocks<V: FloatVector> {
    /// Half as many 64-bit words as lanes.
    public typealias Words = V.Words

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

    /// One of the ten rounds.
    @_alwaysEmitIntoClient @inline(__always)
    public mutating func round(_ key0: UInt32, _ key1: UInt32) {
        let shift = Words(repeating: 32)
        let first = V.multiplyLow(c0, Words(repeating: 0xD251_1F53))
        let second = V.multiplyLow(c2, Words(repeating: 0xCD9E_8D57))
        c0 = (second &>> shift) ^ c1 ^ Words(repeating: UInt64(truncatingIfNeeded: key0))
        c2 = (first &>> shift) ^ c3 ^ Words(repeating: UInt64(truncatingIfNeeded: key1))
        c1 = second
        c3 = first
    }

    /// Which of the columns that these blocks stand for have a word below the limit, a bit each.
    @_alwaysEmitIntoClient @inline(__always)
    public func columnsBelow(_ limit: V.Bits) -> UInt32 {
        let low = Words(repeating: 0xFFFF_FFFF)
        let shift = Words(repeating: 32)
        let (w0, w1, w2, w3) = (V.opaque(c0), V.opaque(c1), V.opaque(c2), V.opaque(c3))
        let random = V.interleave((w0 & low) | (w1 &<< shift), (w2 & low) | (w3 &<< shift))
        return V.bitsBelow(random.low, limit)
            | V.bitsBelow(random.high, limit) &<< UInt32(truncatingIfNeeded: V.lanes)
    }
}

/// y = x scale where the random word is below the threshold, else 0; keeps the mask if asked to.
@_alwaysEmitIntoClient @inline(__always)
public func dropoutRow<V: FloatVector>(
    _ vector: V.Type, _ x: UnsafePointer<Float>, _ y: UnsafeMutablePointer<Float>, _ n: Int,
    threshold: UInt32, scale: Float, key0: UInt32, key1: UInt32, position: UInt32, site: UInt32,
    sample: UInt32, mask: UnsafeMutablePointer<UInt8>?
) {
    typealias Words = V.Words
    let limit = V.Bits(repeating: threshold)
    let factor = V(scale)
    // Half as many blocks as lanes give two vectors of columns.
    let columns = 2 &* V.lanes
    let advance = Words(repeating: UInt64(truncatingIfNeeded: V.lanes / 2))
    var counter = V.wordIndices
    var i = 0
    while i < n {
        // Two sets of blocks at a time: a round is one chain of dependent instructions.
        var first = PhiloxBlocks<V>(counter, position, site, sample)
        var second = PhiloxBlocks<V>(counter &+ advance, position, site, sample)
        var (k0, k1) = (key0, key1)
        var round = 0
        while round < 10 {
            first.round(k0, k1)
            second.round(k0, k1)
            k0 = k0 &+ 0x9E37_79B9
            k1 = k1 &+ 0xBB67_AE85
            round &+= 1
        }
        keep(first.columnsBelow(limit), x, y, n, i, factor, mask)
        if i &+ columns < n {
            keep(second.columnsBelow(limit), x, y, n, i &+ columns, factor, mask)
        }
        counter = counter &+ advance &+ advance
        i &+= 2 &* columns
    }
}

/// y = x scale where a kept mask has its bit, else 0.
@_alwaysEmitIntoClient @inline(__always)
public func maskRow<V: FloatVector>(
    _ vector: V.Type, _ x: UnsafePointer<Float>, _ y: UnsafeMutablePointer<Float>, _ n: Int,
    scale: Float, mask: UnsafePointer<UInt8>
) {
    let factor = V(scale)
    var i = 0
    while i < n {
        var word: UInt32 = 0
        var byte = 0
        while byte < V.lanes / 4 {
            word |=
                UInt32(truncatingIfNeeded: mask[i / 8 &+ byte])
                &<< UInt32(truncatingIfNeeded: 8 &* byte)
            byte &+= 1
        }
        keep(word, x, y, n, i, factor, nil)
        i &+= 2 &* V.lanes
    }
}

/// Two vectors of columns by their bits.
@_alwaysEmitIntoClient @inline(__always)
func keep<V: FloatVector>(
    _ word: UInt32, _ x: UnsafePointer<Float>, _ y: UnsafeMutablePointer<Float>, _ n: Int, _ i: Int,
    _ factor: V, _ mask: UnsafeMutablePointer<UInt8>?
) {
    if let mask {
        var byte = 0
        while byte < V.lanes / 4 {
            mask[i / 8 &+ byte] = UInt8(
                truncatingIfNeeded: word &>> UInt32(truncatingIfNeeded: 8 &* byte))
            byte &+= 1
        }
    }
    let high = word &>> UInt32(truncatingIfNeeded: V.lanes)
    keepVector(word, x, y, n, i, factor)
    keepVector(high, x, y, n, i &+ V.lanes, factor)
}

@_alwaysEmitIntoClient @inline(__always)
func keepVector<V: FloatVector>(
    _ word: UInt32, _ x: UnsafePointer<Float>, _ y: UnsafeMutablePointer<Float>, _ n: Int, _ i: Int,
    _ factor: V
) {
    let rest = n &- i
    if rest >= V.lanes {
        y.store((x.load(i, as: V.self) * factor).kept(word), i)
    } else if rest > 0 {
        (V(partial: x.moved(i), count: rest, fill: 0) * factor).kept(word)
            .storePartial(y.moved(i), count: rest)
    }
}
