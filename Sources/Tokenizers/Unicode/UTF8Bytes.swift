// UTF-8 by hand: the stages work on bytes, not on Character or String, for speed and because the
// reference counts scalars. Everything here but `firstInvalidByte` takes valid UTF-8 for granted.

/// The value of an ASCII hexadecimal digit.
@inline(__always)
func hexadecimalDigit(_ byte: UInt8) -> UInt8? {
    switch byte {
    case 0x30...0x39: byte - 0x30
    case 0x41...0x46: byte - 0x41 + 10
    case 0x61...0x66: byte - 0x61 + 10
    default: nil
    }
}

enum UTF8Bytes {
    /// How many bytes the scalar has that begins with `first`.
    @inline(__always)
    static func length(first: UInt8) -> Int {
        first < 0x80 ? 1 : first < 0xE0 ? 2 : first < 0xF0 ? 3 : 4
    }

    /// How many bytes `scalar` takes.
    @inline(__always)
    static func length(of scalar: UInt32) -> Int {
        scalar < 0x80 ? 1 : scalar < 0x800 ? 2 : scalar < 0x10000 ? 3 : 4
    }

    @inline(__always)
    static func isContinuation(_ byte: UInt8) -> Bool { byte & 0xC0 == 0x80 }

    /// The scalar that begins at `index`, and its length in bytes.
    @inline(__always)
    static func scalar(in bytes: [UInt8], at index: Int) -> (value: UInt32, length: Int) {
        let first = UInt32(bytes[index])
        if first < 0x80 { return (first, 1) }
        let second = UInt32(bytes[index + 1] & 0x3F)
        if first < 0xE0 { return ((first & 0x1F) << 6 | second, 2) }
        let third = UInt32(bytes[index + 2] & 0x3F)
        if first < 0xF0 { return ((first & 0x0F) << 12 | second << 6 | third, 3) }
        let fourth = UInt32(bytes[index + 3] & 0x3F)
        return ((first & 0x07) << 18 | second << 12 | third << 6 | fourth, 4)
    }

    /// The scalar that ends before `index`, and its length in bytes.
    static func scalar(in bytes: [UInt8], before index: Int) -> (value: UInt32, length: Int) {
        var start = index - 1
        while isContinuation(bytes[start]) { start -= 1 }
        return scalar(in: bytes, at: start)
    }

    /// Appends the bytes of `scalar`.
    @inline(__always)
    static func append(_ scalar: UInt32, to bytes: inout [UInt8]) {
        if scalar < 0x80 {
            bytes.append(UInt8(truncatingIfNeeded: scalar))
            return
        }
        func tail(_ shift: UInt32) -> UInt8 {
            UInt8(truncatingIfNeeded: 0x80 | scalar >> shift & 0x3F)
        }
        if scalar < 0x800 {
            bytes.append(UInt8(truncatingIfNeeded: 0xC0 | scalar >> 6))
        } else if scalar < 0x10000 {
            bytes.append(UInt8(truncatingIfNeeded: 0xE0 | scalar >> 12))
            bytes.append(tail(6))
        } else {
            bytes.append(UInt8(truncatingIfNeeded: 0xF0 | scalar >> 18))
            bytes.append(tail(12))
            bytes.append(tail(6))
        }
        bytes.append(tail(0))
    }

    /// How many scalars there are in a range of bytes.
    static func scalarCount(in bytes: [UInt8], _ range: Range<Int>) -> Int {
        var count = 0
        for index in range where !isContinuation(bytes[index]) { count += 1 }
        return count
    }

    /// The position of the first byte that isn't valid UTF-8 (Unicode, table 3-7).
    static func firstInvalidByte(in bytes: [UInt8]) -> Int? {
        var index = 0
        let count = bytes.count
        while index < count {
            let first = bytes[index]
            if first < 0x80 {
                index += 1
                continue
            }
            let second: ClosedRange<UInt8>
            switch first {
            case 0xE0: second = 0xA0...0xBF
            case 0xED: second = 0x80...0x9F
            case 0xF0: second = 0x90...0xBF
            case 0xF4: second = 0x80...0x8F
            case 0xC2...0xF3: second = 0x80...0xBF
            default: return index
            }
            let length = length(first: first)
            guard index + length <= count, second.contains(bytes[index + 1]) else { return index }
            for offset in 2..<max(2, length) where !isContinuation(bytes[index + offset]) {
                return index
            }
            index += length
        }
        return nil
    }
}

extension UTF8Bytes {
    /// U+FFFD.
    static let replacementCharacter: [UInt8] = [0xEF, 0xBF, 0xBD]

    /// Takes valid UTF-8 from the front of `bytes`: what isn't valid becomes U+FFFD, once for each
    /// longest beginning of a scalar (Unicode, section 3.9), and so does an unfinished scalar at the
    /// end if that `isEnd`; if not, it stays in `bytes`.
    static func repair(_ bytes: inout [UInt8], isEnd: Bool) -> [UInt8] {
        guard let firstInvalid = firstInvalidByte(in: bytes) else {
            defer { bytes.removeAll(keepingCapacity: true) }
            return bytes
        }
        var result = Array(bytes[..<firstInvalid])
        var index = firstInvalid
        while index < bytes.count {
            let (length, isWhole, isOpen) = sequence(in: bytes, at: index)
            if isOpen, !isEnd { break }
            if isWhole {
                result.append(contentsOf: bytes[index..<index + length])
            } else {
                result.append(contentsOf: replacementCharacter)
            }
            index += length
        }
        bytes.removeFirst(index)
        return result
    }

    /// How far the bytes from `index` on are the beginning of a scalar: the length, at least 1;
    /// whether it is whole; whether the bytes end before it does.
    private static func sequence(
        in bytes: [UInt8], at index: Int
    ) -> (length: Int, isWhole: Bool, isOpen: Bool) {
        let first = bytes[index]
        if first < 0x80 { return (1, true, false) }
        guard 0xC2...0xF4 ~= first else { return (1, false, false) }
        let second: ClosedRange<UInt8>
        switch first {
        case 0xE0: second = 0xA0...0xBF
        case 0xED: second = 0x80...0x9F
        case 0xF0: second = 0x90...0xBF
        case 0xF4: second = 0x80...0x8F
        default: second = 0x80...0xBF
        }
        let wanted = length(first: first)
        for offset in 1..<wanted {
            guard index + offset < bytes.count else { return (offset, false, true) }
            let byte = bytes[index + offset]
            guard offset == 1 ? second.contains(byte) : isContinuation(byte) else {
                return (offset, false, false)
            }
        }
        return (wanted, true, false)
    }
}
