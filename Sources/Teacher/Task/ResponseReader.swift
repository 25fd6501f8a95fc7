// The members of a body by the scanner that reads corpora too: a tree of boxed values for each of
// thousands of bodies a second would cost more than all that is done with them.

import Corpus

/// Takes choices and counts out of a body.
struct ResponseReader {
    private(set) var choices: [ResponseBody.Choice] = []
    private(set) var usage: LabelRecord.Usage?
    private let countsOnly: Bool
    private var scanner = JSONScanner()

    /// With `countsOnly`, words and log-probabilities are passed over.
    init(countsOnly: Bool) {
        self.countsOnly = countsOnly
        scanner.mendsSurrogates = true
    }

    mutating func read(_ bytes: Span<UInt8>) throws(JSONTrouble) {
        try scanner.beginObject(bytes)
        while let key = try scanner.nextKey(bytes) {
            switch try scanner.text(key, bytes) {
            case "choices" where try scanner.upcoming(bytes) == UInt8(ascii: "["):
                choices.removeAll()
                try scanner.beginArray(bytes)
                while try scanner.nextElement(bytes) { try readChoice(bytes) }
            case "usage" where try scanner.upcoming(bytes) == UInt8(ascii: "{"):
                usage = try readUsage(bytes)
            default: try skip(bytes)
            }
        }
        try scanner.finish(bytes)
    }

    private mutating func readChoice(_ bytes: Span<UInt8>) throws(JSONTrouble) {
        var choice = ResponseBody.Choice()
        try scanner.beginObject(bytes)
        while let key = try scanner.nextKey(bytes) {
            let name = try scanner.text(key, bytes)
            switch name {
            case "index": choice.index = try count(bytes)
            case "finish_reason": choice.finishReason = try stringIfAny(bytes)
            case "text" where !countsOnly: choice.content = try stringIfAny(bytes)
            case "message" where try scanner.upcoming(bytes) == UInt8(ascii: "{"):
                try readMessage(into: &choice, bytes)
            case "logprobs" where try isObjectToRead(bytes):
                var reader = LogprobReader(scanner)
                choice.tokens = try reader.read(bytes)
                scanner = reader.scanner
            default: try skip(bytes)
            }
        }
        choices.append(choice)
    }

    private mutating func readMessage(
        into choice: inout ResponseBody.Choice, _ bytes: Span<UInt8>
    ) throws(JSONTrouble) {
        try scanner.beginObject(bytes)
        while let key = try scanner.nextKey(bytes) {
            switch try scanner.text(key, bytes) {
            case "content" where !countsOnly: choice.content = try stringIfAny(bytes)
            case "refusal" where !countsOnly: choice.refusal = try stringIfAny(bytes)
            default: try skip(bytes)
            }
        }
    }

    /// Both counts or none: half of what was used is worse than not knowing.
    private mutating func readUsage(
        _ bytes: Span<UInt8>
    ) throws(JSONTrouble) -> LabelRecord.Usage? {
        var prompt: Int?
        var completion: Int?
        try scanner.beginObject(bytes)
        while let key = try scanner.nextKey(bytes) {
            switch try scanner.text(key, bytes) {
            case "prompt_tokens": prompt = try count(bytes)
            case "completion_tokens": completion = try count(bytes)
            default: try skip(bytes)
            }
        }
        guard let prompt, let completion else { return nil }
        return LabelRecord.Usage(promptTokens: prompt, completionTokens: completion)
    }

    /// A whole number from 0 to below 2^31; anything else is nil.
    private mutating func count(_ bytes: Span<UInt8>) throws(JSONTrouble) -> Int? {
        guard case 0x30...0x39 = try scanner.upcoming(bytes) else {
            try skip(bytes)
            return nil
        }
        let digits = try scanner.numberText(bytes)
        return Int(digits).flatMap { $0 < 1 << 31 ? $0 : nil }
    }

    private mutating func stringIfAny(_ bytes: Span<UInt8>) throws(JSONTrouble) -> String? {
        guard try scanner.upcoming(bytes) == UInt8(ascii: "\"") else {
            try skip(bytes)
            return nil
        }
        return try scanner.stringText(bytes)
    }

    private mutating func isObjectToRead(_ bytes: Span<UInt8>) throws(JSONTrouble) -> Bool {
        guard !countsOnly else { return false }
        return try scanner.upcoming(bytes) == UInt8(ascii: "{")
    }

    private mutating func skip(_ bytes: Span<UInt8>) throws(JSONTrouble) {
        try scanner.skipValue(bytes)
    }
}
