// Canonical composition: which two scalars are one in NFC (Unicode, section 3.12 for Korean).

/// The pairs that compose.
enum Compositions {
    /// Scalars that may compose with one before them.
    static var secondScalars: [UInt32] {
        table.seconds + Array(0x1161...0x1175) + Array(0x11A8...0x11C2)
    }

    /// What two scalars compose to; nil where they don't.
    static func composed(_ first: UInt32, _ second: UInt32) -> UInt32? {
        if 0x1100...0x1112 ~= first, 0x1161...0x1175 ~= second {
            return 0xAC00 + (first - 0x1100) * 588 + (second - 0x1161) * 28
        }
        if 0xAC00...0xD7A3 ~= first, (first - 0xAC00) % 28 == 0, 0x11A8...0x11C2 ~= second {
            return first + (second - 0x11A7)
        }
        let key = UInt64(first) << 32 | UInt64(second)
        var low = 0
        var high = table.keys.count
        while low < high {
            let middle = (low + high) / 2
            if table.keys[middle] < key { low = middle + 1 } else { high = middle }
        }
        return low < table.keys.count && table.keys[low] == key ? table.values[low] : nil
    }

    private static let table: (keys: [UInt64], values: [UInt32], seconds: [UInt32]) = {
        var pairs: [(key: UInt64, value: UInt32)] = []
        var seconds: [UInt32] = []
        var reader = TableReader(UnicodePatternData.composition)
        var composed = 0
        while !reader.isAtEnd {
            composed += reader.number() ?? 1
            _ = reader.skip(":")
            let first = reader.number() ?? 0
            _ = reader.skip(",")
            let second = reader.number() ?? 0
            pairs.append((UInt64(first) << 32 | UInt64(second), UInt32(composed)))
            seconds.append(UInt32(second))
        }
        pairs.sort { $0.key < $1.key }
        return (pairs.map(\.key), pairs.map(\.value), seconds)
    }()
}
