// Rows of floats to rows of bfloat16 and back.

/// y = x rounded to bfloat16: to the nearest, ties to even; NaN is quiet.
@_alwaysEmitIntoClient @inline(__always)
public func narrowRow<V: FloatVector>(
    _ vector: V.Type, _ x: UnsafePointer<Float>, _ y: UnsafeMutablePointer<UInt16>, _ n: Int
) {
    var index = 0
    while index &+ V.lanes <= n {
        x.load(index, as: V.self).roundedToBFloat16().storeBFloat16(y.advanced(by: index))
        index &+= V.lanes
    }
    while index < n {
        let bits = Vector4(x[index]).roundedToBFloat16().first.bitPattern
        y[index] = UInt16(truncatingIfNeeded: bits &>> 16)
        index &+= 1
    }
}

/// y = x.
@_alwaysEmitIntoClient @inline(__always)
public func widenRow<V: FloatVector>(
    _ vector: V.Type, _ x: UnsafePointer<UInt16>, _ y: UnsafeMutablePointer<Float>, _ n: Int
) {
    var index = 0
    while index &+ V.lanes <= n {
        y.store(V(bfloat16: moved(x, index)), index)
        index &+= V.lanes
    }
    while index < n {
        y[index] = Float(bitPattern: UInt32(truncatingIfNeeded: x[index]) &<< 16)
        index &+= 1
    }
}
