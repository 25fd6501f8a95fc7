// Strings of a JSON line. Most have no escapes and are taken from the line as they stand; the others
// are put together byte by byte. Half surrogates, which Python writes when asked to, are refused (no
// UTF-8 can say them) unless the reader says that it mends them.

extension JSONScanner {
    /// A string as it stands in the line, or, if it had escapes, in `unescaped`.
    package enum Piece {
        case plain(Range<Int>)
        case escaped
    }

    /// Reads a string.
    mutating func string(_ bytes: Span<UInt8>) throws(JSONTrouble) -> Piece {
        guard take(UInt8(ascii: "\""), bytes) else { throw wanted("a string is wanted", bytes) }
        let start = position
        plainRun(bytes)
        if position < bytes.count, bytes[position] == UInt8(ascii: "\"") {
            position += 1
            return .plain(start..<position - 1)
        }
        unescaped.removeAll(keepingCapacity: true)
        append(bytes, start..<position)
        while true {
            guard position < bytes.count else { throw trouble("a string has no end") }
            switch bytes[position] {
            case UInt8(ascii: "\""):
                position += 1
                return .escaped
            case UInt8(ascii: "\\"):
                position += 1
                try escape(bytes)
            default: throw trouble("a control character stands in a string")
            }
            let run = position
            plainRun(bytes)
            append(bytes, run..<position)
        }
    }

    /// Reads a string and makes its text.
    ///
    /// Not `text(try string(bytes), bytes)`: there the cursor is read before the string is, and
    /// `unescaped` is that of an earlier one.
    package mutating func stringText(_ bytes: Span<UInt8>) throws(JSONTrouble) -> String {
        let piece = try string(bytes)
        return try text(piece, bytes)
    }

    /// Reads a number and gives it as it is written.
    package mutating func numberText(_ bytes: Span<UInt8>) throws(JSONTrouble) -> String {
        let range = try number(bytes)
        return try text(range, bytes)
    }

    /// The text of a string just read.
    package func text(_ piece: Piece, _ bytes: Span<UInt8>) throws(JSONTrouble) -> String {
        switch piece {
        case .plain(let range): return try text(range, bytes)
        case .escaped:
            do throws(UTF8.ValidationError) {
                return String(copying: try UTF8Span(validating: unescaped.span))
            } catch {
                // Somewhere in the string; its escapes hide where.
                throw trouble(JSONTrouble.notUTF8)
            }
        }
    }

    /// The text of a range of the line.
    func text(_ range: Range<Int>, _ bytes: Span<UInt8>) throws(JSONTrouble) -> String {
        do throws(UTF8.ValidationError) {
            return String(copying: try UTF8Span(validating: bytes.extracting(range)))
        } catch {
            throw JSONTrouble(
                offset: range.lowerBound + error.byteOffsets.lowerBound, what: JSONTrouble.notUTF8)
        }
    }

    /// Checks that a string just read is UTF-8, and makes nothing of it.
    func check(_ piece: Piece, _ bytes: Span<UInt8>) throws(JSONTrouble) {
        guard case .plain(let range) = piece else { return _ = try text(piece, bytes) }
        do throws(UTF8.ValidationError) {
            _ = try UTF8Span(validating: bytes.extracting(range))
        } catch {
            throw JSONTrouble(
                offset: range.lowerBound + error.byteOffsets.lowerBound, what: JSONTrouble.notUTF8)
        }
    }

    /// Whether a string just read has this UTF-8.
    package func matches(_ piece: Piece, _ wanted: [UInt8], _ bytes: Span<UInt8>) -> Bool {
        guard case .plain(let range) = piece else { return unescaped == wanted }
        guard range.count == wanted.count else { return false }
        for index in 0..<wanted.count where bytes[range.lowerBound + index] != wanted[index] {
            return false
        }
        return true
    }

    private mutating func escape(_ bytes: Span<UInt8>) throws(JSONTrouble) {
        guard let letter = peek(bytes) else { throw trouble("a string has no end") }
        position += 1
        switch letter {
        case UInt8(ascii: "\""), UInt8(ascii: "\\"), UInt8(ascii: "/"): unescaped.append(letter)
        case UInt8(ascii: "b"): unescaped.append(0x08)
        case UInt8(ascii: "f"): unescaped.append(0x0C)
        case UInt8(ascii: "n"): unescaped.append(0x0A)
        case UInt8(ascii: "r"): unescaped.append(0x0D)
        case UInt8(ascii: "t"): unescaped.append(0x09)
        case UInt8(ascii: "u"):
            var code = try hexadecimal(bytes)
            if code & 0xFC00 == 0xD800 {
                let behindFirst = position
                var low: UInt32 = 0
                if peek(bytes) == UInt8(ascii: "\\"), peek(bytes, at: 1) == UInt8(ascii: "u") {
                    position += 2
                    low = try hexadecimal(bytes)
                }
                if low & 0xFC00 == 0xDC00 {
                    code = 0x10000 + (code & 0x3FF) << 10 + (low & 0x3FF)
                } else {
                    position = behindFirst
                }
            }
            let scalar = Unicode.Scalar(code)
            guard scalar != nil || mendsSurrogates else {
                throw trouble("an escape is half of a surrogate pair")
            }
            unescaped.append(
                contentsOf: scalar.flatMap { UTF8.encode($0) } ?? UTF8.encodedReplacementCharacter)
        default:
            position -= 1
            throw trouble("an unknown escape")
        }
    }

    private mutating func hexadecimal(_ bytes: Span<UInt8>) throws(JSONTrouble) -> UInt32 {
        var code: UInt32 = 0
        for _ in 0..<4 {
            guard let byte = peek(bytes) else { throw trouble("a string has no end") }
            let digit: UInt8
            switch byte {
            case 0x30...0x39: digit = byte - 0x30
            case 0x41...0x46: digit = byte - 0x41 + 10
            case 0x61...0x66: digit = byte - 0x61 + 10
            default: throw trouble("\\u wants four hexadecimal digits")
            }
            code = code << 4 | UInt32(digit)
            position += 1
        }
        return code
    }

    /// Passes over bytes that stand for themselves in a string.
    private mutating func plainRun(_ bytes: Span<UInt8>) {
        var at = position
        while at < bytes.count {
            let byte = bytes[at]
            if byte == UInt8(ascii: "\"") || byte == UInt8(ascii: "\\") || byte < 0x20 { break }
            at += 1
        }
        position = at
    }

    private mutating func append(_ bytes: Span<UInt8>, _ range: Range<Int>) {
        for index in range { unescaped.append(bytes[index]) }
    }
}
