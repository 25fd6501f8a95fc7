// What makes two requests the same: the teacher's identity and the exact bytes. With a shell:
// `printf 'IDENTITY\0REQUEST' | sha256sum`.

import Corpus
import Crypto

/// The name of a request: SHA-256 of the teacher's identity, a zero byte and the request's bytes.
public struct LabelKey: Sendable, Hashable, CustomStringConvertible {
    private let words: SIMD4<UInt64>

    /// The key of a request to a teacher.
    public init(teacher identity: String, request: [UInt8]) {
        precondition(!identity.utf8.contains(0), "the teacher's identity holds a NUL character")
        var hash = SHA256()
        hash.update(data: Array(identity.utf8))
        hash.update(data: [0])
        hash.update(data: request)
        var words = SIMD4<UInt64>()
        for (index, byte) in hash.finalize().enumerated() {
            words[index / 8] = words[index / 8] << 8 | UInt64(byte)
        }
        self.words = words
    }

    /// Reads 64 hexadecimal digits.
    public init?(hexadecimal: String) {
        let digits = hexadecimal.utf8
        guard digits.count == 64 else { return nil }
        var words = SIMD4<UInt64>()
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
