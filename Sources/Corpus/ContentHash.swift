// Names made of content: the same text has the same id in any file, on any day, on any machine.

import Crypto

/// Ids that are hashes of content.
public enum ContentHash {
    /// The first 16 hexadecimal digits of the text's SHA-256 (64 bits: among ten million texts, two
    /// share one by chance about once in 400,000 corpora, and reading would refuse the second).
    public static func id(of text: String) -> String {
        var text = text
        let digest = text.withUTF8 { unsafe SHA256.hash(data: UnsafeRawBufferPointer($0)) }
        return hexadecimal(digest.prefix(8))
    }

    /// Bytes in lower-case hexadecimal.
    public static func hexadecimal(_ bytes: some Sequence<UInt8>) -> String {
        let digits: StaticString = "0123456789abcdef"
        var ascii: [UInt8] = []
        for byte in bytes {
            unsafe ascii.append(digits.utf8Start[Int(byte >> 4)])
            unsafe ascii.append(digits.utf8Start[Int(byte & 15)])
        }
        return String(decoding: ascii, as: UTF8.self)
    }
}
