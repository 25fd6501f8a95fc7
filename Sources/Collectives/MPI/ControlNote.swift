// What ranks tell each other outside collectives, as bytes: that one has failed, and where one is.

/// A short message on the control channel.
enum ControlNote: Equatable {
    /// The failure that the sender votes to report.
    case vote(RankFailure)
    /// A question where the receiver is.
    case whereAreYou
    /// The answer: the last collective's number, name, whether inside, milliseconds since.
    case here(number: Int, name: String, isInside: Bool, milliseconds: Int)
    /// The sender has come to the end and will make no more calls than MPI_Finalize.
    case goodbye
    /// The sender waits for an answer from the counters: look more often for a while.
    case knock

    /// Bytes of every note.
    ///
    /// Small, so that MPI sends notes eagerly.
    static let byteCount = 2048
    private static let headBytes = 32

    /// Writes the note to `byteCount` bytes; longer texts are cut at a character.
    func encode(into bytes: UnsafeMutableRawBufferPointer) {
        var head: (kind: Int64, first: Int64, second: Int64) = (0, 0, 0)
        var text = ""
        switch self {
        case .vote(let failure):
            head = (1, Int64(failure.rank), Int64(failure.exitCode))
            text = failure.message
        case .whereAreYou:
            head = (2, 0, 0)
        case .here(let number, let name, let isInside, let milliseconds):
            head = (isInside ? 3 : 4, Int64(number), Int64(milliseconds))
            text = name
        case .goodbye:
            head = (5, 0, 0)
        case .knock:
            head = (6, 0, 0)
        }
        var utf8 = Array(text.utf8.prefix(Self.byteCount - Self.headBytes))
        while utf8.count < text.utf8.count, let last = utf8.last, last & 0xC0 == 0x80 {
            utf8.removeLast()
        }
        if utf8.count < text.utf8.count, let last = utf8.last, last >= 0xC0 { utf8.removeLast() }
        bytes.storeBytes(of: head.kind, toByteOffset: 0, as: Int64.self)
        bytes.storeBytes(of: head.first, toByteOffset: 8, as: Int64.self)
        bytes.storeBytes(of: head.second, toByteOffset: 16, as: Int64.self)
        bytes.storeBytes(of: Int64(utf8.count), toByteOffset: 24, as: Int64.self)
        UnsafeMutableRawBufferPointer(rebasing: bytes[Self.headBytes...]).copyBytes(from: utf8)
    }

    /// Reads a note; nil for bytes that are none.
    init?(decoding bytes: UnsafeRawBufferPointer) {
        let first = Int(bytes.load(fromByteOffset: 8, as: Int64.self))
        let second = Int(bytes.load(fromByteOffset: 16, as: Int64.self))
        let count = Int(bytes.load(fromByteOffset: 24, as: Int64.self))
        guard count >= 0, count <= bytes.count - Self.headBytes else { return nil }
        let text = String(
            decoding: bytes[Self.headBytes..<Self.headBytes + count], as: UTF8.self)
        switch bytes.load(fromByteOffset: 0, as: Int64.self) {
        case 1:
            self = .vote(
                RankFailure(rank: first, exitCode: Int32(truncatingIfNeeded: second), message: text)
            )
        case 2: self = .whereAreYou
        case 3: self = .here(number: first, name: text, isInside: true, milliseconds: second)
        case 4: self = .here(number: first, name: text, isInside: false, milliseconds: second)
        case 5: self = .goodbye
        case 6: self = .knock
        default: return nil
        }
    }
}
