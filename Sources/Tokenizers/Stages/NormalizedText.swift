// A piece of text on its way through the stages: UTF-8, and where each byte came from.
//
// The origins follow the reference to the letter, its oddities with it: marks put in canonical order
// take the origins in the order in which those stood. Where only ids are wanted nothing is tracked,
// and the same code runs faster.

/// The scalars of the original text that a byte stands for.
struct Origin: Sendable, Equatable {
    var start: Int32
    var end: Int32
}

/// Text between two stages.
struct NormalizedText {
    /// Valid UTF-8.
    private(set) var bytes: [UInt8]
    /// One entry a byte where `tracksOrigins`, none otherwise.
    private(set) var origins: [Origin]
    let tracksOrigins: Bool
    /// The origin of what is inserted before everything.
    let beginning: Origin

    /// An empty text, to be written to.
    private init(tracksOrigins: Bool, beginning: Origin, capacity: Int) {
        bytes = []
        bytes.reserveCapacity(capacity)
        origins = []
        if tracksOrigins { origins.reserveCapacity(capacity) }
        self.tracksOrigins = tracksOrigins
        self.beginning = beginning
    }

    /// Original text whose first scalar is number `firstScalar` of the whole.
    init(original: ArraySlice<UInt8>, firstScalar: Int, tracksOrigins: Bool) {
        bytes = Array(original)
        origins = []
        self.tracksOrigins = tracksOrigins
        beginning = Origin(start: Int32(firstScalar), end: Int32(firstScalar))
        guard tracksOrigins else { return }
        origins.reserveCapacity(bytes.count)
        var scalar = Int32(firstScalar) - 1
        for byte in bytes {
            if !UTF8Bytes.isContinuation(byte) { scalar += 1 }
            origins.append(Origin(start: scalar, end: scalar + 1))
        }
    }

    /// An empty text with the same beginning, for a stage to write its result to.
    func emptied() -> NormalizedText {
        NormalizedText(
            tracksOrigins: tracksOrigins, beginning: beginning, capacity: bytes.count + 16)
    }

    /// The origin of the scalar that begins at byte `index`.
    @inline(__always)
    func origin(at index: Int) -> Origin {
        tracksOrigins ? origins[index] : beginning
    }

    /// The original scalars that a range of bytes stands for.
    func originalRange(_ range: Range<Int>) -> Range<Int> {
        guard tracksOrigins, !range.isEmpty else { return 0..<0 }
        let start = Int(origins[range.lowerBound].start)
        return start..<max(start, Int(origins[range.upperBound - 1].end))
    }

    /// Appends a scalar.
    @inline(__always)
    mutating func append(_ scalar: UInt32, origin: Origin) {
        UTF8Bytes.append(scalar, to: &bytes)
        if tracksOrigins {
            for _ in 0..<UTF8Bytes.length(of: scalar) { origins.append(origin) }
        }
    }

    /// Makes room for `capacity` bytes.
    mutating func reserve(_ capacity: Int) {
        bytes.reserveCapacity(capacity)
        if tracksOrigins { origins.reserveCapacity(capacity) }
    }

    /// Appends whole scalars that all have one origin.
    mutating func append(_ content: [UInt8], origin: Origin) {
        bytes.append(contentsOf: content)
        if tracksOrigins { origins.append(contentsOf: repeatElement(origin, count: content.count)) }
    }

    /// Appends a range of another text.
    mutating func append(_ other: NormalizedText, _ range: Range<Int>) {
        guard !range.isEmpty else { return }
        bytes.append(contentsOf: other.bytes[range])
        if tracksOrigins { origins.append(contentsOf: other.origins[range]) }
    }

    /// Calls `body` with every scalar, the origin it has, and where it begins.
    @inline(__always)
    func forEachScalar(_ body: (_ scalar: UInt32, _ origin: Origin) -> Void) {
        var index = 0
        while index < bytes.count {
            let (scalar, length) = UTF8Bytes.scalar(in: bytes, at: index)
            body(scalar, origin(at: index))
            index += length
        }
    }

    /// Replaces every byte of ASCII text by `table[byte]`, and drops those mapped to `dropped`.
    mutating func mapASCII(_ table: [UInt8], dropped: UInt8) {
        var kept = 0
        for index in 0..<bytes.count {
            let mapped = table[Int(bytes[index])]
            bytes[kept] = mapped
            if tracksOrigins { origins[kept] = origins[index] }
            kept += mapped == dropped ? 0 : 1
        }
        bytes.removeLast(bytes.count - kept)
        if tracksOrigins { origins.removeLast(origins.count - kept) }
    }

    /// Keeps a range of bytes alone.
    mutating func keep(_ range: Range<Int>) {
        bytes = Array(bytes[range])
        if tracksOrigins { origins = Array(origins[range]) }
    }

    /// Whether every byte is ASCII.
    var isASCII: Bool {
        var union: UInt8 = 0
        for byte in bytes { union |= byte }
        return union < 0x80
    }
}
