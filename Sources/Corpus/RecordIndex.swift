// Finding a record by its id or its text among millions without a second copy of any: a table of
// record numbers, addressed by a hash of bytes. A `Dictionary` of the strings themselves costs four
// times the time of reading: it hashes every one again each time that it grows.

/// An index of strings that are held elsewhere.
struct RecordIndex {
    private var slots = [UInt32](repeating: 0, count: 1024)
    /// The hash of each string that is in the table, by its number.
    private var hashes: [UInt64] = []
    /// The number given to each of them.
    private var numbers: [UInt32] = []

    /// The number of an equal string, or, after putting the string in under `number`, nil; `isEqual`
    /// says whether the string of a number is this one.
    mutating func find(
        _ text: String, insertingAs number: Int, isEqual: (Int) -> Bool
    ) -> Int? {
        let hash = Self.hash(text)
        var slot = Int(truncatingIfNeeded: hash) & (slots.count - 1)
        while slots[slot] != 0 {
            let entry = Int(slots[slot]) - 1
            if hashes[entry] == hash, case let found = Int(numbers[entry]), isEqual(found) {
                return found
            }
            slot = (slot + 1) & (slots.count - 1)
        }
        hashes.append(hash)
        numbers.append(UInt32(number))
        slots[slot] = UInt32(hashes.count)
        if hashes.count * 2 > slots.count { grow() }
        return nil
    }

    private mutating func grow() {
        var wider = [UInt32](repeating: 0, count: slots.count * 2)
        for (entry, hash) in hashes.enumerated() {
            var slot = Int(truncatingIfNeeded: hash) & (wider.count - 1)
            while wider[slot] != 0 { slot = (slot + 1) & (wider.count - 1) }
            wider[slot] = UInt32(entry + 1)
        }
        slots = wider
    }

    /// Eight bytes at a time by multiplying to 128 bits and folding (the step of wyhash).
    ///
    /// Nobody gains by choosing texts that collide: equality is always asked.
    static func hash(_ text: String) -> UInt64 {
        let bytes = unsafe text.utf8Span.span.bytes
        var state: UInt64 = 0x9E37_79B9_7F4A_7C15 ^ UInt64(bytes.byteCount)
        var offset = 0
        while offset + 8 <= bytes.byteCount {
            let word = unsafe bytes.unsafeLoadUnaligned(fromByteOffset: offset, as: UInt64.self)
            state = folded(state ^ word)
            offset += 8
        }
        var tail: UInt64 = 0
        while offset < bytes.byteCount {
            let byte = unsafe bytes.unsafeLoadUnaligned(fromByteOffset: offset, as: UInt8.self)
            tail = tail << 8 | UInt64(byte)
            offset += 1
        }
        return folded(folded(state ^ tail) ^ 0xD1B5_4A32_D192_ED03)
    }

    private static func folded(_ value: UInt64) -> UInt64 {
        let product = (value ^ 0xA076_1D64_78BD_642F).multipliedFullWidth(
            by: 0xE703_7ED1_A0B4_28DB)
        return product.high ^ product.low
    }
}
