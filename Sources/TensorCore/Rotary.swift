// Rotary position embedding: the table of angles, and the turn of queries and keys by it.
//
// Shape legend: K head width, P positions.

internal import Kernels

#if canImport(Glibc)
    internal import Glibc
#elseif canImport(Darwin)
    internal import Darwin
#endif

/// Cosines and sines of position times frequency, for as many positions as were asked for.
///
/// It grows; no other thread may read it meanwhile.
public final class RotaryTable: @unchecked Sendable {
    /// The angle a position of each pair of elements, in radians; K / 2 of them.
    public let frequencies: [Float]
    private var arena = Arena()
    private(set) var cosine: Matrix
    private(set) var sine: Matrix

    /// A table with no positions yet.
    public init(frequencies: [Float]) {
        self.frequencies = frequencies
        cosine = arena.matrix(0, frequencies.count)
        sine = arena.matrix(0, frequencies.count)
    }

    /// Makes sure that positions below `count` are there.
    public func reserve(_ count: Int) {
        guard count > cosine.rows else { return }
        // By doubling: a sequence that grows by one token must not rebuild the table each time.
        let rows = max(count, 2 * cosine.rows, 64)
        let larger = Arena()
        let (newCosine, newSine) = (
            larger.matrix(rows, frequencies.count), larger.matrix(rows, frequencies.count)
        )
        for position in 0..<rows {
            for (index, frequency) in frequencies.enumerated() {
                // The angle is rounded to a float as in transformers: at position 10,000 its rounding is
                // larger than that of everything after it.
                let angle = Double(Float(position) * frequency)
                newCosine[position, index] = Float(cos(angle))
                newSine[position, index] = Float(sin(angle))
            }
        }
        (arena, cosine, sine) = (larger, newCosine, newSine)
    }
}

extension SerialKernels {
    /// Turns the heads of one row, which lie side by side, by the angles of a position, in place.
    ///
    /// `backward` turns them back, which is also the gradient.
    public func rotate(
        _ x: Matrix, position: Int, _ table: RotaryTable, backward: Bool = false
    ) {
        let half = table.frequencies.count
        precondition(
            x.rows == 1 && x.columns % (2 * half) == 0 && position < table.cosine.rows,
            "rotate: \(x.rows) x \(x.columns) for heads of \(2 * half), position \(position) of "
                + "\(table.cosine.rows)")
        kernels.pointee.rotary(
            x.base, x.columns / (2 * half), half, table.cosine.base + position * half,
            table.sine.base + position * half, backward ? -1 : 1)
    }
}
