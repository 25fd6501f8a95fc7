// Elementwise sums of float buffers. One addition an element: the result doesn't depend on how the
// work is cut, nor on the vector width of the machine.

/// Writes `left[i] + right[i]` to `sum[i]`; `sum` may be either operand.
func addElements(
    _ left: UnsafePointer<Float>, _ right: UnsafePointer<Float>,
    into sum: UnsafeMutablePointer<Float>, count: Int
) {
    typealias Lanes = SIMD16<Float>
    let width = Lanes.scalarCount
    let vectors = count / width
    let leftBytes = UnsafeRawPointer(left)
    let rightBytes = UnsafeRawPointer(right)
    let sumBytes = UnsafeMutableRawPointer(sum)
    var offset = 0
    for _ in 0..<vectors {
        let lanes =
            leftBytes.loadUnaligned(fromByteOffset: offset, as: Lanes.self)
            + rightBytes.loadUnaligned(fromByteOffset: offset, as: Lanes.self)
        sumBytes.storeBytes(of: lanes, toByteOffset: offset, as: Lanes.self)
        offset += MemoryLayout<Lanes>.size
    }
    for index in vectors * width..<count {
        sum[index] = left[index] + right[index]
    }
}
