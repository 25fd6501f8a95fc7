// The element types of the format that we read and write. Sub-byte types (F4, F6) are not here: a
// file that holds them is refused by name.

/// An element type of a safetensors file; raw values are the names in its header.
public enum DataType: String, Sendable, CaseIterable {
    /// IEEE binary64.
    case float64 = "F64"
    /// IEEE binary32.
    case float32 = "F32"
    /// IEEE binary16.
    case float16 = "F16"
    /// The upper half of a binary32.
    case bfloat16 = "BF16"
    /// Eight-bit float, 4 exponent and 3 fraction bits; carried, never converted.
    case float8E4M3 = "F8_E4M3"
    /// Eight-bit float, 5 exponent and 2 fraction bits; carried, never converted.
    case float8E5M2 = "F8_E5M2"
    /// Signed 64 bits.
    case int64 = "I64"
    /// Signed 32 bits.
    case int32 = "I32"
    /// Signed 16 bits.
    case int16 = "I16"
    /// Signed 8 bits.
    case int8 = "I8"
    /// Unsigned 64 bits.
    case uint64 = "U64"
    /// Unsigned 32 bits.
    case uint32 = "U32"
    /// Unsigned 16 bits.
    case uint16 = "U16"
    /// Unsigned 8 bits.
    case uint8 = "U8"
    /// One byte, 0 or 1.
    case bool = "BOOL"

    /// Bytes of one element.
    public var byteWidth: Int {
        switch self {
        case .float64, .int64, .uint64: 8
        case .float32, .int32, .uint32: 4
        case .float16, .bfloat16, .int16, .uint16: 2
        case .float8E4M3, .float8E5M2, .int8, .uint8, .bool: 1
        }
    }

    /// Whether elements can be read as `Float`.
    public var isFloat: Bool {
        switch self {
        case .float64, .float32, .float16, .bfloat16: true
        default: false
        }
    }

    /// Bytes of a tensor of `shape`, or nil where a length is negative or the product overflows.
    func byteCount(ofShape shape: [Int]) -> Int? {
        var count = byteWidth
        for length in shape {
            guard length >= 0 else { return nil }
            let (product, overflow) = count.multipliedReportingOverflow(by: length)
            guard !overflow else { return nil }
            count = product
        }
        return count
    }
}
