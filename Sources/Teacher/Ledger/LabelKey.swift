// What makes two requests the same: the teacher's identity and the exact bytes. With a shell:
// `printf 'IDENTITY\0REQUEST' | sha256sum`.

import Corpus
import Crypto

/// The name of a request: SHA-256 of the teacher's identity, a zero byte and the request's bytes.
public struct LabelKey: Sendable, Hashable, CustomStringConvertible {
    // Not a SIMD4: its alignment of 32 bytes is more than the memory of tasks has, where keys of
    // requests are held while they wait for answers.
    private let words: InlineArray<4, UInt64>

    /// The key of a request to a teacher.
    public init(teacher identity: String, request: [UInt8]) {
        precondition(!identity.utf8.contains(0), "the teacher's identity holds a NUL character")
        // One piece: each call of `update` costs more than the copy.
        var bytes: [UInt8] = []
        bytes.reserveCapacity(identity.utf8.count + 1 + request.count)
        bytes += identity.utf8
        bytes.append(0)
        bytes += request
        words = unsafe SHA256.hash(data: bytes).withUnsafeBytes { digest in
            func word(_ index: Int) -> UInt64 {
                unsafe UInt64(
                    bigEndian: digest.loadUnaligned(fromByteOffset: 8 * index, as: UInt64.self))
            }
            return [word(0), word(1), word(2), word(3)]
        }
    }

    /// Whether two keys are the same.
    public static func == (left: Self, right: Self) -> Bool {
        left.words[0] == right.words[0] && left.words[1] == right.words[1]
            && left.words[2] == right.words[2] && left.words[3] == right.words[3]
    }

    /// Any part of a SHA-256 is as good as a hash of it.
    public func hash(into hasher: inout Hasher) { hasher.combine(words[0]) }

    /// Reads 64 hexadecimal digits.
    public init?(hexadecimal: String) {
        let digits = hexadecimal.utf8
        guard digits.count == 64 else { return nil }
        var words = InlineArray<4, UInt64>(repeating: 0)
        var index = 0
        for digit in digits {
            let value: UInt8
            switch digit {
            case 0x30...0x39: value = digit - 0x30
            case 0x61...0x66: value = digit - 0x61 + 10
            case 0x41...0x46: value = digit - 0x41 + 10
            default: return nil
            }
            words[index / 16] = words[index / 16] << 4 | UInt64(value)
            index += 1
        }
        self.words = words
    }

    /// The first 64 bits: enough to tell keys apart in memory (two among ten million are alike once in
    /// 370,000 times), where a mistake is found later by the whole key.
    public var fingerprint: UInt64 { words[0] }

    /// Appends the digits of `description`.
    func appendHexadecimal(to bytes: inout [UInt8]) {
        for index in 0..<4 {
            for shift in stride(from: 60, through: 0, by: -4) {
                let digit = UInt8(truncatingIfNeeded: words[index] >> UInt64(shift)) & 15
                let first = digit < 10 ? UInt8(ascii: "0") : UInt8(ascii: "a") - 10
                bytes.append(first + digit)
            }
        }
    }

    /// 64 hexadecimal digits, lower case.
    public var description: String {
        var bytes: [UInt8] = []
        bytes.reserveCapacity(64)
        appendHexadecimal(to: &bytes)
        return String(decoding: bytes, as: UTF8.self)
    }

    /// SHA-256 of a request's bytes alone, in hexadecimal.
    static func digest(of request: [UInt8]) -> String {
        ContentHash.hexadecimal(SHA256.hash(data: request))
    }
}
