// Text put in place of text: the normalisers `Replace` and `Prepend`, and what `Metaspace` makes of
// spaces. The origins are those of the reference.

/// A string and what comes in its place.
struct Replacement: Sendable, Equatable {
    /// What is looked for; never empty.
    let found: [UInt8]
    let content: [UInt8]

    init(found: [UInt8], content: [UInt8]) {
        self.found = found
        self.content = content
    }

    /// `pattern` and `content` of a file; regular expressions are refused.
    init(_ field: JSONField) throws(TokenizerError) {
        let pattern = try field.required("pattern")
        if let expression = try pattern.optional("Regex") {
            throw expression.error(
                .unsupported, "'\(try expression.string())': no such expression is supported")
        }
        let text = try pattern.required("String")
        found = Array(try text.string().utf8)
        content = Array(try field.required("content").string().utf8)
        if found.isEmpty { throw text.error(.unsupported, "'' matches everywhere") }
    }

    /// Whether what is looked for begins at `position`.
    @inline(__always)
    func matches(_ bytes: [UInt8], at position: Int, end: Int) -> Bool {
        guard bytes[position] == found[0], end - position >= found.count else { return false }
        for offset in 1..<max(1, found.count) where bytes[position + offset] != found[offset] {
            return false
        }
        return true
    }

    /// `bytes` with every occurrence replaced, the leftmost first.
    func replaced(_ bytes: [UInt8]) -> [UInt8] {
        guard bytes.indices.contains(where: { matches(bytes, at: $0, end: bytes.count) }) else {
            return bytes
        }
        var result: [UInt8] = []
        result.reserveCapacity(bytes.count)
        var position = 0
        while position < bytes.count {
            if matches(bytes, at: position, end: bytes.count) {
                result.append(contentsOf: content)
                position += found.count
            } else {
                result.append(bytes[position])
                position += 1
            }
        }
        return result
    }
}

extension NormalizedText {
    /// Replaces every occurrence of a string, the leftmost first.
    mutating func replace(_ replacement: Replacement) {
        guard bytes.contains(replacement.found[0]) else { return }
        var result = emptied()
        result.append(self, 0..<bytes.count, replacing: replacement)
        self = result
    }

    /// Puts `content` before a text that isn't empty.
    mutating func prepend(_ content: [UInt8]) {
        guard !bytes.isEmpty else { return }
        var result = emptied()
        result.append(content, origin: origin(at: 0))
        result.append(self, 0..<bytes.count)
        self = result
    }

    /// Appends a range of another text, a string in it replaced.
    mutating func append(
        _ other: NormalizedText, _ range: Range<Int>, replacing replacement: Replacement
    ) {
        var position = range.lowerBound
        var done = position
        while position < range.upperBound {
            guard replacement.matches(other.bytes, at: position, end: range.upperBound) else {
                position += 1
                continue
            }
            append(other, done..<position)
            position += replacement.found.count
            done = position
            // What comes in has the origin of the last scalar that goes.
            append(replacement.content, origin: other.origin(at: position - 1))
        }
        append(other, done..<range.upperBound)
    }
}
