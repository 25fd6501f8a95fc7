// What a panel holds and what it is made from: floats as they are, floats rounded to bfloat16, or
// bfloat16. A panel is made of slots of 32 bits: one value of k, or, where the hardware multiplies
// pairs, two of bfloat16 (the even k in the low half). The packers of GemmPacking are written once
// against this.

/// The way from a stored matrix to the slots of a panel.
public protocol PanelElement {
    /// What a matrix holds.
    associatedtype Stored: BitwiseCopyable
    /// Values of k in a slot.
    static var depth: Int { get }
    /// Values of k in a lane of a `quad`: as many as in a slot, or half as many.
    static var laneDepth: Int { get }
    /// Four neighbouring lanes along a line.
    static func quad(_ source: UnsafePointer<Stored>) -> SIMD4<Float>
    /// What becomes of a vector of lanes after the transposition, if lanes are slots.
    static func finish<V: FloatVector>(_ lanes: V) -> V
    /// The slots of neighbouring lines: `step` elements lie between the two values of a pair, of which
    /// the second may be missing.
    static func across<V: FloatVector>(
        _ vector: V.Type, _ source: UnsafePointer<Stored>, step: Int, both: Bool
    ) -> V
    /// One slot.
    static func slot(_ source: UnsafePointer<Stored>, step: Int, both: Bool) -> Float
}

// What most have in common: a slot is one value of k, and a lane becomes a slot as it is.
extension PanelElement {
    /// Values of k in a slot.
    @_alwaysEmitIntoClient @_transparent
    public static var depth: Int { 1 }
    /// Values of k in a lane.
    @_alwaysEmitIntoClient @_transparent
    public static var laneDepth: Int { 1 }

    /// Nothing.
    @_alwaysEmitIntoClient @_transparent
    public static func finish<V: FloatVector>(_ lanes: V) -> V { lanes }
}

extension PanelElement where Stored == Float {
    /// Four values, as they are.
    @_alwaysEmitIntoClient @_transparent
    public static func quad(_ source: UnsafePointer<Float>) -> SIMD4<Float> {
        quadOfFloats(source)
    }
}

/// Any address moved by a number of elements.
@_alwaysEmitIntoClient @_transparent
func moved<T: BitwiseCopyable>(_ source: UnsafePointer<T>, _ offset: Int) -> UnsafePointer<T> {
    UnsafeRawPointer(source).advanced(by: offset &* MemoryLayout<T>.size)
        .assumingMemoryBound(to: T.self)
}

/// Four floats in a row.
@_alwaysEmitIntoClient @_transparent
func quadOfFloats<T: BitwiseCopyable>(_ source: UnsafePointer<T>) -> SIMD4<Float> {
    Vector4(at: UnsafeRawPointer(source).assumingMemoryBound(to: Float.self)).value
}

/// Floats, as they are.
@frozen
public enum PlainElement: PanelElement {
    /// The values.
    @_alwaysEmitIntoClient @_transparent
    public static func across<V: FloatVector>(
        _ vector: V.Type, _ source: UnsafePointer<Float>, step: Int, both: Bool
    ) -> V { source.load(0, as: V.self) }

    /// The value.
    @_alwaysEmitIntoClient @_transparent
    public static func slot(_ source: UnsafePointer<Float>, step: Int, both: Bool) -> Float {
        source.pointee
    }
}

/// Floats that are rounded to bfloat16 and stay floats.
@frozen
public enum RoundedElement: PanelElement {
    /// Rounds.
    @_alwaysEmitIntoClient @_transparent
    public static func finish<V: FloatVector>(_ lanes: V) -> V { lanes.roundedToBFloat16() }

    /// The rounded values.
    @_alwaysEmitIntoClient @_transparent
    public static func across<V: FloatVector>(
        _ vector: V.Type, _ source: UnsafePointer<Float>, step: Int, both: Bool
    ) -> V { source.load(0, as: V.self).roundedToBFloat16() }

    /// The rounded value.
    @_alwaysEmitIntoClient @_transparent
    public static func slot(_ source: UnsafePointer<Float>, step: Int, both: Bool) -> Float {
        Vector4(source.pointee).roundedToBFloat16().first
    }
}

/// Bfloat16 that becomes floats.
@frozen
public enum WidenedElement: PanelElement {
    /// Four values.
    @_alwaysEmitIntoClient @_transparent
    public static func quad(_ source: UnsafePointer<UInt16>) -> SIMD4<Float> {
        Vector4(bfloat16: source).value
    }

    /// The values.
    @_alwaysEmitIntoClient @_transparent
    public static func across<V: FloatVector>(
        _ vector: V.Type, _ source: UnsafePointer<UInt16>, step: Int, both: Bool
    ) -> V { V(bfloat16: source) }

    /// The value.
    @_alwaysEmitIntoClient @_transparent
    public static func slot(_ source: UnsafePointer<UInt16>, step: Int, both: Bool) -> Float {
        Float(bitPattern: UInt32(truncatingIfNeeded: source.pointee) &<< 16)
    }
}

/// Floats that are rounded and become pairs.
@frozen
public enum NarrowedPairElement: PanelElement {
    /// Values of k in a slot.
    @_alwaysEmitIntoClient @_transparent
    public static var depth: Int { 2 }
    /// Values of k in a lane: two lanes make a slot.
    @_alwaysEmitIntoClient @_transparent
    public static var laneDepth: Int { 1 }

    /// Rounds.
    @_alwaysEmitIntoClient @_transparent
    public static func finish<V: FloatVector>(_ lanes: V) -> V { lanes.roundedToBFloat16() }

    /// The pairs of two rows.
    @_alwaysEmitIntoClient @_transparent
    public static func across<V: FloatVector>(
        _ vector: V.Type, _ source: UnsafePointer<Float>, step: Int, both: Bool
    ) -> V {
        let odd = both ? source.load(step, as: V.self) : V()
        return V.pair(source.load(0, as: V.self).roundedToBFloat16(), odd.roundedToBFloat16())
    }

    /// One pair.
    @_alwaysEmitIntoClient @_transparent
    public static func slot(_ source: UnsafePointer<Float>, step: Int, both: Bool) -> Float {
        let odd = Vector4(both ? source[step] : 0).roundedToBFloat16()
        return Vector4.pair(Vector4(source.pointee).roundedToBFloat16(), odd).first
    }
}

/// Bfloat16 that becomes pairs.
@frozen
public enum StoredPairElement: PanelElement {
    /// Values of k in a slot.
    @_alwaysEmitIntoClient @_transparent
    public static var depth: Int { 2 }
    /// Values of k in a lane: a line along k is made of pairs already.
    @_alwaysEmitIntoClient @_transparent
    public static var laneDepth: Int { 2 }

    /// Four pairs.
    @_alwaysEmitIntoClient @_transparent
    public static func quad(_ source: UnsafePointer<UInt16>) -> SIMD4<Float> {
        quadOfFloats(source)
    }

    /// The pairs of two rows.
    @_alwaysEmitIntoClient @_transparent
    public static func across<V: FloatVector>(
        _ vector: V.Type, _ source: UnsafePointer<UInt16>, step: Int, both: Bool
    ) -> V {
        V.pair(V(bfloat16: source), both ? V(bfloat16: moved(source, step)) : V())
    }

    /// One pair.
    @_alwaysEmitIntoClient @_transparent
    public static func slot(_ source: UnsafePointer<UInt16>, step: Int, both: Bool) -> Float {
        let odd = both ? UInt32(truncatingIfNeeded: moved(source, step).pointee) &<< 16 : 0
        return Float(bitPattern: UInt32(truncatingIfNeeded: source.pointee) | odd)
    }
}
