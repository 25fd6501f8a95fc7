// One line of the recorded form to a `LabelRecord`, by the same scanner that reads records.

/// Takes answers out of lines.
struct LabelScanner {
    private var scanner = JSONScanner()
    private var answer = LabelRecord(id: "")
    private var hasID = false

    /// The answer of a line, not yet checked.
    static func answer(_ bytes: Span<UInt8>) throws(LabelTrouble) -> LabelRecord {
        do throws(JSONTrouble) {
            var reader = LabelScanner()
            try reader.read(bytes)
            guard reader.hasID else { throw JSONTrouble(offset: 0, what: "there is no \"id\"") }
            return reader.answer
        } catch {
            throw LabelTrouble(reason: error.reason)
        }
    }

    private mutating func read(_ bytes: Span<UInt8>) throws(JSONTrouble) {
        try scanner.beginObject(bytes)
        while let key = try scanner.nextKey(bytes) {
            let name = try scanner.text(key, bytes)
            if name != "id", try scanner.takesNull(bytes) { continue }
            switch name {
            case "id":
                answer.id = try string(bytes)
                hasID = true
            case "label": answer.label = try string(bytes)
            case "label_probabilities":
                answer.labelProbabilities = try Self.numbers(&scanner, bytes)
            case "choice_probabilities":
                answer.choiceProbabilities = try Self.list(&scanner, bytes)
            case "text": answer.text = try string(bytes)
            case "confidence_method": answer.confidenceMethod = try string(bytes)
            case "finish_reason": answer.finishReason = try string(bytes)
            case "usage":
                let counts = try Self.counts(&scanner, bytes)
                answer.usage = LabelRecord.Usage(
                    promptTokens: counts.prompt, completionTokens: counts.completion)
            default: try scanner.skipValue(bytes)
            }
        }
        try scanner.finish(bytes)
    }

    private mutating func string(_ bytes: Span<UInt8>) throws(JSONTrouble) -> String {
        try scanner.stringText(bytes)
    }

    /// An object of numbers, no name twice.
    static func numbers(
        _ scanner: inout JSONScanner, _ bytes: Span<UInt8>
    ) throws(JSONTrouble) -> [String: Double] {
        var values: [String: Double] = [:]
        try scanner.beginObject(bytes)
        while let key = try scanner.nextKey(bytes) {
            let name = try scanner.text(key, bytes)
            let value = try number(&scanner, bytes)
            guard values.updateValue(value, forKey: name) == nil else {
                throw scanner.trouble("'\(name)' stands twice")
            }
        }
        return values
    }

    /// An array of numbers.
    static func list(
        _ scanner: inout JSONScanner, _ bytes: Span<UInt8>
    ) throws(JSONTrouble) -> [Double] {
        var values: [Double] = []
        try scanner.beginArray(bytes)
        while try scanner.nextElement(bytes) { values.append(try number(&scanner, bytes)) }
        return values
    }

    /// Counts of tokens; servers add details of their own, which are passed over.
    private static func counts(
        _ scanner: inout JSONScanner, _ bytes: Span<UInt8>
    ) throws(JSONTrouble) -> (prompt: Int, completion: Int) {
        var counts = (prompt: 0, completion: 0)
        try scanner.beginObject(bytes)
        while let key = try scanner.nextKey(bytes) {
            switch try scanner.text(key, bytes) {
            case "prompt_tokens": counts.prompt = try count(&scanner, bytes)
            case "completion_tokens": counts.completion = try count(&scanner, bytes)
            default: try scanner.skipValue(bytes)
            }
        }
        return counts
    }

    private static func count(
        _ scanner: inout JSONScanner, _ bytes: Span<UInt8>
    ) throws(JSONTrouble) -> Int {
        let digits = try scanner.numberText(bytes)
        guard let value = Int(digits), value >= 0 else {
            throw scanner.trouble("\(digits) isn't a count of tokens")
        }
        return value
    }

    private static func number(
        _ scanner: inout JSONScanner, _ bytes: Span<UInt8>
    ) throws(JSONTrouble) -> Double {
        let digits = try scanner.numberText(bytes)
        guard let value = Double(digits), value.isFinite else {
            throw scanner.trouble("the number \(digits) is beyond a Double")
        }
        return value
    }
}
