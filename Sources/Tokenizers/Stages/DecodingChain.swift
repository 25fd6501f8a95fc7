// Decoding, token by token: each step gives on what nothing that follows can change, and keeps the
// rest. Text that comes out is whole scalars, and in sum it is the same however it is asked for.
//
// Behind a `Fuse` (or `ByteLevel`) all is one token, which comes in parts. Steps that need the whole
// of that token (no real file has them there) keep everything until the end.

/// The decoder of a tokenizer at work on one text.
struct DecodingChain {
    private let steps: [Decoder.Step]
    /// Without a decoder tokens are parted by spaces.
    private let joinsBySpace: Bool
    private var states: [State]
    private var output: [UInt8] = []
    private var tokenCount = 0

    private struct State {
        /// Whether the tokens before this step are one, which comes in parts.
        let isFused: Bool
        var tokenCount = 0
        /// Bytes that wait for what follows.
        var held: [UInt8] = []
        /// How many scalars were taken off the start.
        var stripped = 0
        var isPastStart = false
    }

    init(_ decoder: Decoder?) {
        steps = decoder?.steps ?? []
        joinsBySpace = decoder == nil
        var isFused = false
        states = []
        for step in steps {
            states.append(State(isFused: isFused))
            switch step {
            case .fuse, .byteLevel: isFused = true
            default: break
            }
        }
    }

    /// Takes a token and returns the text that is certain by now.
    mutating func append(_ token: ArraySlice<UInt8>) -> [UInt8] {
        if joinsBySpace, tokenCount > 0 { output.append(0x20) }
        tokenCount += 1
        feed(Array(token), to: 0)
        return takeOutput()
    }

    /// Returns what was kept to the end.
    mutating func finish() -> [UInt8] {
        for index in steps.indices { finish(index) }
        return takeOutput()
    }

    private mutating func takeOutput() -> [UInt8] {
        defer { output.removeAll(keepingCapacity: true) }
        return output
    }

    // MARK: Steps

    /// Gives a token, or a part of the one that all are, to a step.
    private mutating func feed(_ piece: [UInt8], to index: Int) {
        guard index < steps.count else {
            output.append(contentsOf: piece)
            return
        }
        let isFirst = states[index].tokenCount == 0 || states[index].isFused
        states[index].tokenCount += 1
        switch steps[index] {
        case .fuse: feed(piece, to: index + 1)
        case .metaspace(let sign, let keepsFirst):
            let space: [UInt8] = isFirst && !keepsFirst ? [] : [0x20]
            feed(Replacement(found: sign, content: space).replaced(piece), to: index + 1)
        case .byteLevel where !states[index].isFused:
            states[index].held += ByteLevel.bytes(spelledBy: piece[...]) ?? piece
            let whole = UTF8Bytes.repair(&states[index].held, isEnd: false)
            if !whole.isEmpty { feed(whole, to: index + 1) }
        case .byteFallback where !states[index].isFused:
            if let byte = Self.byte(of: piece) {
                states[index].held.append(byte)
            } else {
                flushBytes(index)
                feed(piece, to: index + 1)
            }
        case .replace(let replacement):
            if states[index].isFused {
                states[index].held += piece
                replaceHeld(replacement, index)
            } else {
                feed(replacement.replaced(piece), to: index + 1)
            }
        case .strip(let content, let start, let stop):
            if states[index].isFused {
                stripPart(piece, content, start, stop, index)
            } else {
                feed(Self.stripped(piece, content, start, stop), to: index + 1)
            }
        case .wordPiece(let prefix, let cleansUp) where !states[index].isFused:
            feed(
                Decoder.wordPiece(piece, isFirst: isFirst, prefix: prefix, cleansUp: cleansUp),
                to: index + 1)
        case .byteLevel, .byteFallback, .wordPiece: states[index].held += piece
        }
    }

    /// Tells a step that nothing follows.
    private mutating func finish(_ index: Int) {
        let isFused = states[index].isFused
        switch steps[index] {
        case .fuse, .metaspace: break
        case .byteLevel:
            if isFused {
                let held = states[index].held
                states[index].held = ByteLevel.bytes(spelledBy: held[...]) ?? held
            }
            feed(UTF8Bytes.repair(&states[index].held, isEnd: true), to: index + 1)
        case .byteFallback:
            if isFused, Self.byte(of: states[index].held) == nil {
                feed(states[index].held, to: index + 1)
            } else {
                if isFused, let byte = Self.byte(of: states[index].held) {
                    states[index].held = [byte]
                }
                flushBytes(index)
            }
        case .replace:
            if isFused { feed(states[index].held, to: index + 1) }
        case .strip(let content, _, let stop):
            if isFused {
                feed(Self.stripped(states[index].held, content, 0, stop), to: index + 1)
            }
        case .wordPiece(let prefix, let cleansUp):
            if isFused {
                feed(
                    Decoder.wordPiece(
                        states[index].held, isFirst: true, prefix: prefix, cleansUp: cleansUp),
                    to: index + 1)
            }
        }
        states[index].held = []
    }

    /// Gives on the bytes of a row of byte tokens.
    private mutating func flushBytes(_ index: Int) {
        let bytes = states[index].held
        guard !bytes.isEmpty else { return }
        states[index].held = []
        if UTF8Bytes.firstInvalidByte(in: bytes) == nil {
            feed(bytes, to: index + 1)
        } else {
            for _ in bytes { feed(UTF8Bytes.replacementCharacter, to: index + 1) }
        }
    }

    /// The byte that a token such as `<0x0A>` stands for.
    private static func byte(of token: [UInt8]) -> UInt8? {
        guard token.count == 6, token.starts(with: Array("<0x".utf8)),
            token[5] == UInt8(ascii: ">"), let low = hexadecimalDigit(token[4])
        else { return nil }
        // The reference's number reader takes a plus sign.
        if token[3] == UInt8(ascii: "+") { return low }
        return hexadecimalDigit(token[3]).map { $0 << 4 | low }
    }

    /// Gives on what is held, replaced, but an end that may be the beginning of a match.
    private mutating func replaceHeld(_ replacement: Replacement, _ index: Int) {
        let held = states[index].held
        let found = replacement.found
        var result: [UInt8] = []
        var position = 0
        while position < held.count {
            let rest = held[position...]
            if rest.count >= found.count, rest.starts(with: found) {
                result += replacement.content
                position += found.count
            } else if rest.count < found.count, found.starts(with: rest) {
                break
            } else {
                result.append(held[position])
                position += 1
            }
        }
        states[index].held = Array(held[position...])
        if !result.isEmpty { feed(result, to: index + 1) }
    }

    /// Strips a part of the one token; what may be its end is held.
    private mutating func stripPart(
        _ piece: [UInt8], _ content: [UInt8], _ start: Int, _ stop: Int, _ index: Int
    ) {
        var rest = piece[...]
        while !states[index].isPastStart, !rest.isEmpty {
            if states[index].stripped < start, rest.starts(with: content) {
                rest = rest.dropFirst(content.count)
                states[index].stripped += 1
            } else {
                states[index].isPastStart = true
            }
        }
        var text = states[index].held + rest
        var (end, count) = (text.count, 0)
        while count < stop, end >= content.count, text[..<end].suffix(content.count) == content[...]
        {
            end -= content.count
            count += 1
        }
        states[index].held = Array(text[end...])
        text.removeLast(text.count - end)
        if !text.isEmpty { feed(text, to: index + 1) }
    }

    /// A token without up to `start` and `stop` scalars `content` at its ends.
    private static func stripped(
        _ token: [UInt8], _ content: [UInt8], _ start: Int, _ stop: Int
    ) -> [UInt8] {
        var rest = token[...]
        var count = 0
        while count < start, !rest.isEmpty, rest.starts(with: content) {
            rest = rest.dropFirst(content.count)
            count += 1
        }
        count = 0
        while count < stop, rest.suffix(content.count) == content[...] {
            rest = rest.dropLast(content.count)
            count += 1
        }
        return Array(rest)
    }
}
