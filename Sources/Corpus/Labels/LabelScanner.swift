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
            case "label_probabilities": answer.labelProbabilities = try numbers(bytes)
            case "choice_probabilities":
                var values: [Double] = []
                try scanner.beginArray(bytes)
                while try scanner.nextElement(bytes) { values.append(try number(bytes)) }
                answer.choiceProbabilities = values
            case "text": answer.text = try string(bytes)
            case "confidence_method": answer.confidenceMethod = try string(bytes)
            case "finish_reason": answer.finishReason = try string(bytes)
            case "usage":
                let counts = try numbers(bytes)
                answer.usage = LabelRecord.Usage(
                    promptTokens: Int(counts["prompt_tokens"] ?? 0),
                    completionTokens: Int(counts["completion_tokens"] ?? 0))
            default: try scanner.skipValue(bytes)
            }
        }
        try scanner.finish(bytes)
    }

    private mutating func string(_ bytes: Span<UInt8>) throws(JSONTrouble) -> String {
        try scanner.text(try scanner.string(bytes), bytes)
    }

    private mutating func numbers(_ bytes: Span<UInt8>) throws(JSONTrouble) -> [String: Double] {
        var values: [String: Double] = [:]
        try scanner.beginObject(bytes)
        while let key = try scanner.nextKey(bytes) {
            let name = try scanner.text(key, bytes)
            guard values.updateValue(try number(bytes), forKey: name) == nil else {
                throw scanner.trouble("'\(name)' stands twice")
            }
        }
        return values
    }

    private mutating func number(_ bytes: Span<UInt8>) throws(JSONTrouble) -> Double {
        let digits = try scanner.text(try scanner.number(bytes), bytes)
        guard let value = Double(digits), value.isFinite else {
            throw scanner.trouble("the number \(digits) is beyond a Double")
        }
        return value
    }
}
