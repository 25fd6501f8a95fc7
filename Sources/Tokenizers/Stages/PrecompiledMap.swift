// SentencePiece's own normalisation, compiled into its model: the normaliser `Precompiled`.
//
// The file holds, in base 64: the length of a trie in bytes (32 bits, little-endian), the trie as a
// double array (Darts-clone), and the replacements, each ended by a zero byte. The reference looks a
// cluster of less than six bytes up as a whole, and of all that it begins with takes the *shortest*:
// what follows in the cluster is dropped (`ﬁ` with an accent becomes `fi`). Other clusters are looked
// up scalar by scalar. The origins are the reference's, too: what is dropped at the very beginning of
// a text moves those of all that follows.

import Foundation

/// A map from text to its replacement.
struct PrecompiledMap: Sendable {
    private let units: [UInt32]
    /// UTF-8, each replacement ended by zero or by the end.
    private let replacements: [UInt8]
    /// Which bytes are a key alone, carriage return apart.
    private let mapsByte: [Bool]

    private static let largestCluster = 6

    /// The map of a file.
    init(_ field: JSONField) throws(TokenizerError) {
        let text = try field.required("precompiled_charsmap")
        guard let data = Data(base64Encoded: try text.string()) else {
            throw text.error(.malformed, "isn't base 64")
        }
        let bytes = Array(data)
        func word(_ index: Int) -> UInt32 {
            (0..<4).reduce(0) { $0 | UInt32(bytes[index * 4 + $1]) << (8 * UInt32($1)) }
        }
        guard bytes.count >= 8, case let length = Int(word(0)), length >= 4, length % 4 == 0,
            length <= bytes.count - 4
        else { throw text.error(.malformed, "doesn't begin with a trie and its length") }
        let replacements = Array(bytes[(4 + length)...])
        if let position = UTF8Bytes.firstInvalidByte(in: replacements) {
            throw text.error(
                .malformed, "has replacements that aren't valid UTF-8 at byte \(position)")
        }
        self.init(units: (1...length / 4).map(word), replacements: replacements)
    }

    private init(units: [UInt32], replacements: [UInt8]) {
        self.units = units
        self.replacements = replacements
        mapsByte = (0..<0x80).map { byte in
            Self.firstKey(units, [UInt8(byte)], 0..<1) != nil || byte == 0x0D
        }
    }

    /// The value of the shortest key that a range of bytes begins with.
    private static func firstKey(_ units: [UInt32], _ bytes: [UInt8], _ range: Range<Int>) -> Int? {
        func offset(_ unit: UInt32) -> Int { Int(unit >> 10) << Int((unit & 1 << 9) >> 6) }
        var position = offset(units[0])
        for index in range {
            let byte = bytes[index]
            if byte == 0 { return nil }
            position ^= Int(byte)
            // A broken trie leads outside: there is nothing.
            guard position < units.count else { return nil }
            let unit = units[position]
            guard unit & (1 << 31 | 0xFF) == UInt32(byte) else { return nil }
            position ^= offset(unit)
            guard position < units.count else { return nil }
            if unit & 1 << 8 != 0 { return Int(units[position] & (1 << 31 - 1)) }
        }
        return nil
    }

    /// Where in `replacements` that of a range of bytes is; nil where there is none.
    private func replacement(of range: Range<Int>, in bytes: [UInt8]) -> Range<Int>? {
        guard let start = Self.firstKey(units, bytes, range), start <= replacements.count else {
            return nil
        }
        var end = start
        while end < replacements.count, replacements[end] != 0 { end += 1 }
        // A broken trie may point into a scalar.
        if start < end, UTF8Bytes.isContinuation(replacements[start]) { return nil }
        return start..<end
    }

    /// What becomes of a text; nil where that is the text itself.
    fileprivate func changes(of bytes: [UInt8]) -> [ChangedScalar]? {
        var mayChange = false
        for byte in bytes where byte >= 0x80 || mapsByte[Int(byte)] {
            mayChange = true
            break
        }
        guard mayChange else { return nil }
        var result: [ChangedScalar] = []
        result.reserveCapacity(bytes.count)
        var isModified = false
        let properties = GraphemeProperties.table
        var breaker = GraphemeBreaker()
        var start = 0
        var position = 0
        while position < bytes.count {
            let (scalar, length) = UTF8Bytes.scalar(in: bytes, at: position)
            if !breaker.joins(scalar, properties[Int(scalar)]), start < position {
                replaceCluster(bytes, start..<position, &result, &isModified)
                start = position
            }
            position += length
        }
        replaceCluster(bytes, start..<position, &result, &isModified)
        return isModified ? result : nil
    }

    private func replaceCluster(
        _ bytes: [UInt8], _ cluster: Range<Int>, _ result: inout [ChangedScalar],
        _ isModified: inout Bool
    ) {
        if cluster.count < Self.largestCluster,
            let found = replacement(of: cluster, in: bytes)
        {
            isModified = true
            append(found, inPlaceOf: UTF8Bytes.scalarCount(in: bytes, cluster), to: &result)
            return
        }
        var position = cluster.lowerBound
        while position < cluster.upperBound {
            let (scalar, length) = UTF8Bytes.scalar(in: bytes, at: position)
            if let found = replacement(of: position..<position + length, in: bytes) {
                isModified = true
                append(found, inPlaceOf: 1, to: &result)
            } else {
                result.append(ChangedScalar(scalar: scalar, change: 0))
            }
            position += length
        }
    }

    /// Appends a replacement: its scalars take the place of `count` scalars one by one; those beyond
    /// are put in, those left over go with the last, which may be one of what stands before.
    private func append(
        _ range: Range<Int>, inPlaceOf count: Int, to result: inout [ChangedScalar]
    ) {
        var (position, index) = (range.lowerBound, 0)
        while position < range.upperBound {
            let (scalar, length) = UTF8Bytes.scalar(in: replacements, at: position)
            result.append(ChangedScalar(scalar: scalar, change: index < count ? 0 : 1))
            position += length
            index += 1
        }
        if index < count, !result.isEmpty {
            result[result.count - 1].change -= count - index
        }
    }
}

extension NormalizedText {
    /// Replaces what a precompiled map says.
    mutating func replace(_ map: PrecompiledMap) {
        if let changes = map.changes(of: bytes) { transform(changes) }
    }
}
