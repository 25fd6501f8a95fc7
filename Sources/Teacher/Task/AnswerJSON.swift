// The strict reading of `{"label": "...", "confidence": 0.9}`. Code fences around it are the one thing
// that is forgiven; what else is wrong is said in words that the teacher can be shown.

import Corpus

/// An answer in JSON.
struct AnswerJSON: Equatable {
    /// The label's number.
    let label: Int
    /// The stated confidence, 0 to 1.
    let confidence: Double?
    /// The byte of the content behind `"label":`.
    let start: Int

    /// Why it can't be used, fit to be shown to the teacher.
    struct Fault: Error, Equatable {
        let reason: String
    }

    /// Reads a message's content.
    init(
        _ content: String, matcher: LabelMatcher, wantsConfidence: Bool
    ) throws(Fault) {
        let bytes = Array(content.utf8)
        let range = Self.withoutFences(bytes, from: LabelText.behindThinking(content))
        let found: (label: String?, start: Int, confidence: Double?)
        do throws(JSONTrouble) {
            found = try Self.members(bytes.span.extracting(range))
        } catch {
            throw Fault(reason: "it is not one JSON object alone (\(error.reason))")
        }
        guard let name = found.label else {
            throw Fault(reason: "it has no member \"label\" with a string")
        }
        guard let index = matcher.index(of: name) else {
            throw Fault(
                reason: "\(JSONText.quoted(LabelFailure.excerpt(name))) is none of the labels")
        }
        label = index
        start = range.lowerBound + found.start
        confidence = found.confidence
        if wantsConfidence, confidence == nil {
            throw Fault(reason: "it has no member \"confidence\" with a number from 0 to 1")
        }
    }

    private static func members(
        _ bytes: Span<UInt8>
    ) throws(JSONTrouble) -> (label: String?, start: Int, confidence: Double?) {
        var scanner = JSONScanner()
        scanner.mendsSurrogates = true
        var label: String?
        var start = 0
        var confidence: Double?
        var seen: Set<String> = []
        try scanner.beginObject(bytes)
        while let key = try scanner.nextKey(bytes) {
            let name = try scanner.text(key, bytes)
            guard seen.insert(name).inserted else {
                throw scanner.trouble("the member \(JSONText.quoted(name)) stands twice")
            }
            let next = scanner.position
            let first = try scanner.upcoming(bytes)
            switch (name, first) {
            case ("label", UInt8(ascii: "\"")):
                start = next
                label = try scanner.stringText(bytes)
            case ("confidence", UInt8(ascii: "\"")):
                confidence = Self.share(try scanner.stringText(bytes))
            case ("confidence", 0x30...0x39):
                confidence = Self.share(try scanner.numberText(bytes))
            default: try scanner.skipValue(bytes)
            }
        }
        try scanner.finish(bytes)
        return (label, start, confidence)
    }

    /// `0.9`, `90` and `90%` as 0.9; nil for what is no share of 1 or of 100 (`1.5` is neither).
    static func share(_ text: String) -> Double? {
        var digits = LabelText.folded(text)
        let isPercent = digits.hasSuffix("%")
        if isPercent { digits = LabelText.folded(String(digits.dropLast())) }
        guard let value = Double(digits), value >= 0, value <= 100 else { return nil }
        if isPercent || value >= 2 { return value / 100 }
        return value <= 1 ? value : nil
    }

    /// The range within a code fence, or without the white space around.
    private static func withoutFences(_ bytes: [UInt8], from start: Int) -> Range<Int> {
        func isSpace(_ byte: UInt8) -> Bool { byte == 0x20 || 0x09...0x0D ~= byte }
        var low = start
        var high = bytes.count
        func trim() {
            while low < high, isSpace(bytes[low]) { low += 1 }
            while low < high, isSpace(bytes[high - 1]) { high -= 1 }
        }
        trim()
        let fence = Array("```".utf8)
        if high - low >= 6, bytes[low...].starts(with: fence),
            bytes[(high - 3)..<high].elementsEqual(fence)
        {
            low += 3
            high -= 3
            // The language's name behind the opening fence.
            while low < high, bytes[low] | 0x20 >= 0x61, bytes[low] | 0x20 <= 0x7A { low += 1 }
            trim()
        }
        return low..<high
    }
}
