// `{"text": ...}` in, `{"ids": [...], "tokens": [...]}` out, line by line: what `retort tokenize`
// does. Nothing is kept from one line to the next but buffers, so input may be of any length.

extension Tokenizer {
    /// Tokenizes JSON lines and hands each result to `write`.
    ///
    /// A line is an object with the string `text`, and with a string `pair` where there is a second
    /// text. What comes out is what `encode` gives, the file's truncation and padding with it.
    ///
    /// - Parameters:
    ///   - lines: where the lines come from.
    ///   - addSpecialTokens: whether the template's special tokens come with the texts.
    ///   - write: takes one line of output, its line feed at the end.
    /// - Throws: `TokenizerError` of the code `badLine` with the name and number of a line that can't
    ///   be read, and whatever `write` throws.
    public func tokenizeLines(
        _ lines: inout ByteLines, addSpecialTokens: Bool = true,
        write: (_ line: [UInt8]) throws -> Void
    ) throws {
        var writer = LineWriter(self, name: lines.name, addSpecialTokens: addSpecialTokens)
        while let line = try lines.next() { try write(try writer.output(of: line)) }
    }

    /// Tokenizes JSON lines that are Strings already; see `tokenizeLines(_:addSpecialTokens:write:)`.
    public func tokenizeLines(
        _ lines: some Sequence<String>, named name: String, addSpecialTokens: Bool = true,
        write: (_ line: [UInt8]) throws -> Void
    ) throws {
        var writer = LineWriter(self, name: name, addSpecialTokens: addSpecialTokens)
        for line in lines { try write(try writer.output(of: Array(line.utf8))) }
    }
}

/// Makes a line of output of a line of input.
private struct LineWriter {
    private let tokenizer: Tokenizer
    private let name: String
    private let addSpecialTokens: Bool
    private var number = 0
    private var output: [UInt8] = []
    private var ids: [Int32] = []
    /// The texts of tokens that aren't what the vocabulary says of their id.
    private var surfaces: [Int: String] = [:]

    init(_ tokenizer: Tokenizer, name: String, addSpecialTokens: Bool) {
        self.tokenizer = tokenizer
        self.name = name
        self.addSpecialTokens = addSpecialTokens
    }

    /// The output for the next line.
    mutating func output(of line: [UInt8]) throws(TokenizerError) -> [UInt8] {
        number += 1
        let (text, pair) = try texts(of: line)
        ids.removeAll(keepingCapacity: true)
        surfaces.removeAll(keepingCapacity: true)
        tokenizer.withTokens(text, pair, addSpecialTokens, nil, nil, tracksOffsets: false) {
            piece, sequence in
            switch piece {
            case .special(let specials, let tokens, _):
                for (id, token) in zip(specials, tokens) {
                    if !token.utf8.elementsEqual(tokenizer.encodedToken(id)) {
                        surfaces[ids.count] = token
                    }
                    ids.append(id)
                }
            case .sequence:
                for (position, surface) in sequence.surfaces {
                    surfaces[ids.count + position] = surface
                }
                ids.append(contentsOf: sequence.ids)
            }
        }
        write()
        return output
    }

    // MARK: Input

    private func texts(
        of line: [UInt8]
    ) throws(TokenizerError) -> (text: String, pair: String?) {
        let hasMark = number == 1 && line.starts(with: [0xEF, 0xBB, 0xBF])
        let document: JSONDocument
        do {
            document = try JSONDocument(hasMark ? Array(line.dropFirst(3)) : line)
        } catch {
            throw bad("broken JSON at byte \(error.position): \(error.reason)")
        }
        guard document.nodes[0].kind == .object else { throw bad("the line is no JSON object") }
        guard let text = try string("text", in: document) else {
            throw bad("the object has no 'text'")
        }
        return (text, try string("pair", in: document))
    }

    private func string(
        _ field: StaticString, in document: JSONDocument
    ) throws(TokenizerError) -> String? {
        guard let index = document.member(field, of: 0) else { return nil }
        switch document.nodes[index].kind {
        case .null: return nil
        case .string, .escapedString:
            return String(decoding: document.string(index), as: UTF8.self)
        default: throw bad("'\(field)' is no string")
        }
    }

    private func bad(_ reason: String) -> TokenizerError {
        TokenizerError(.badLine, "\(name):\(number): \(reason)")
    }

    // MARK: Output

    private mutating func write() {
        let filling = tokenizer.padding.map { max(0, $0.length(for: ids.count) - ids.count) } ?? 0
        let padsLeft = tokenizer.padding?.padsLeft == true
        let (before, after) = padsLeft ? (filling, 0) : (0, filling)
        output.removeAll(keepingCapacity: true)
        output.append(contentsOf: Array("{\"ids\": [".utf8))
        var isFirst = true
        func separate() {
            if !isFirst { output.append(contentsOf: [0x2C, 0x20]) }
            isFirst = false
        }
        let padID = tokenizer.padding?.id ?? 0
        for id in repeatElement(padID, count: before) { separate(); append(id) }
        for id in ids { separate(); append(id) }
        for id in repeatElement(padID, count: after) { separate(); append(id) }
        output.append(contentsOf: Array("], \"tokens\": [".utf8))
        isFirst = true
        let padToken = Array((tokenizer.padding?.token ?? "").utf8)[...]
        for token in repeatElement(padToken, count: before) { separate(); append(token) }
        for (position, id) in ids.enumerated() {
            separate()
            if !surfaces.isEmpty, let surface = surfaces[position] {
                append(Array(surface.utf8)[...])
            } else {
                append(tokenizer.encodedToken(id))
            }
        }
        for token in repeatElement(padToken, count: after) { separate(); append(token) }
        output.append(contentsOf: Array("]}\n".utf8))
    }

    /// Appends a number.
    private mutating func append(_ id: Int32) {
        let start = output.count
        var rest = id
        repeat {
            output.append(UInt8(0x30 + rest % 10))
            rest /= 10
        } while rest > 0
        output[start...].reverse()
    }

    /// Appends a string in quotes, with what JSON wants escaped.
    private mutating func append(_ token: ArraySlice<UInt8>) {
        output.append(UInt8(ascii: "\""))
        for byte in token {
            switch byte {
            case UInt8(ascii: "\""), UInt8(ascii: "\\"):
                output.append(UInt8(ascii: "\\"))
                output.append(byte)
            case 0x0A: output.append(contentsOf: [UInt8(ascii: "\\"), UInt8(ascii: "n")])
            case 0..<0x20:
                output.append(contentsOf: Array("\\u00".utf8))
                for digit in [byte >> 4, byte & 15] {
                    output.append(digit < 10 ? 0x30 + digit : 0x61 - 10 + digit)
                }
            default: output.append(byte)
            }
        }
        output.append(UInt8(ascii: "\""))
    }
}
