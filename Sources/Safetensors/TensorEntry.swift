// One tensor of an open file: where its bytes lie in the map, and conversions out of them. It keeps
// the map alive, but does not copy.

/// One tensor of an open safetensors file.
public struct TensorEntry: @unchecked Sendable {
    /// The tensor's name.
    public let name: String
    /// The type of its elements.
    public let dataType: DataType
    /// Lengths of its axes, outermost first; empty for a scalar.
    public let shape: [Int]
    /// Its little-endian, row-major bytes: read-only, valid as long as the entry or its file lives,
    /// aligned only as well as the file is (use unaligned loads).
    public let bytes: UnsafeRawBufferPointer
    /// Keeps the bytes mapped.
    let mapping: FileMapping

    /// How many elements it has.
    public var count: Int { bytes.count / dataType.byteWidth }

    /// Converts a range of elements to `Float`: exact from F32, F16 and BF16, rounded from F64.
    public func copyFloats(
        _ elements: Range<Int>? = nil, into target: UnsafeMutableBufferPointer<Float>
    ) throws(SafetensorsError) {
        let range = elements ?? 0..<count
        guard range.lowerBound >= 0, range.upperBound <= count, target.count == range.count else {
            throw mismatch("elements \(range) of \(count) are wanted in room for \(target.count)")
        }
        guard let out = target.baseAddress, let base = bytes.baseAddress, !range.isEmpty else {
            return
        }
        let source = base + range.lowerBound * dataType.byteWidth
        switch dataType {
        case .float32:
            UnsafeMutableRawPointer(out).copyMemory(from: source, byteCount: range.count * 4)
        case .bfloat16:
            for index in 0..<range.count {
                let bits = source.loadUnaligned(fromByteOffset: index * 2, as: UInt16.self)
                out[index] = Float(bitPattern: UInt32(bits) << 16)
            }
        case .float16:
            for index in 0..<range.count {
                let bits = source.loadUnaligned(fromByteOffset: index * 2, as: UInt16.self)
                out[index] = widenedHalf(bits)
            }
        case .float64:
            for index in 0..<range.count {
                out[index] = Float(source.loadUnaligned(fromByteOffset: index * 8, as: Double.self))
            }
        default:
            throw mismatch("its elements are \(dataType.rawValue), floats are wanted")
        }
    }

    /// All elements as `Float`.
    public func floats() throws(SafetensorsError) -> [Float] {
        var failure: SafetensorsError?
        let values = [Float](unsafeUninitializedCapacity: count) { buffer, initialized in
            do throws(SafetensorsError) {
                let target = UnsafeMutableBufferPointer(rebasing: buffer[0..<count])
                try copyFloats(into: target)
                initialized = count
            } catch {
                failure = error
            }
        }
        if let failure { throw failure }
        return values
    }

    /// All elements as `Int64`, from any integer or boolean type.
    public func int64s() throws(SafetensorsError) -> [Int64] {
        switch dataType {
        case .int64: return widened(Int64.self)
        case .int32: return widened(Int32.self)
        case .int16: return widened(Int16.self)
        case .int8: return widened(Int8.self)
        case .uint32: return widened(UInt32.self)
        case .uint16: return widened(UInt16.self)
        case .uint8, .bool: return widened(UInt8.self)
        case .uint64:
            let values = loaded(UInt64.self)
            guard values.allSatisfy({ $0 <= UInt64(Int64.max) }) else {
                throw mismatch("a U64 element is beyond the greatest Int64")
            }
            return values.map { Int64($0) }
        default:
            throw mismatch("its elements are \(dataType.rawValue), integers are wanted")
        }
    }

    private func loaded<Element: BitwiseCopyable>(_ type: Element.Type) -> [Element] {
        (0..<count).map {
            bytes.loadUnaligned(fromByteOffset: $0 * MemoryLayout<Element>.size, as: type)
        }
    }

    private func widened<Element: FixedWidthInteger & BitwiseCopyable>(
        _ type: Element.Type
    ) -> [Int64] {
        loaded(type).map { Int64($0) }
    }

    private func mismatch(_ what: String) -> SafetensorsError {
        SafetensorsError(.mismatch, "\(mapping.path): tensor '\(name)': \(what)")
    }
}

/// Binary16 to binary32 by integer work and one exact product, so that it runs in vectors without
/// the F16C instructions: shift the fields into place, then repair the exponent's bias by 2^112,
/// which also normalises subnormals.
func widenedHalf(_ bits: UInt16) -> Float {
    let magnitude = UInt32(bits & 0x7FFF) << 13
    let sign = UInt32(bits & 0x8000) << 16
    let scaled = (Float(bitPattern: magnitude) * 0x1p112).bitPattern
    let special: UInt32 = magnitude >= 0x0F80_0000 ? 0x7F80_0000 : 0
    return Float(bitPattern: sign | scaled | special)
}
