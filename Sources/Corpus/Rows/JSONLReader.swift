// One JSON object a line. Text, label, id and the fields asked for are taken; everything else is checked to be JSON and
// passed over. Of a key that stands twice the last value counts, as in every common reader.

/// Reads the rows of a JSONL file.
final class JSONLReader {
    private var lines: LineReader
    private let textKey: [UInt8]
    private let labelKey: [UInt8]?
    private let idKey: [UInt8]
    private let inputKey: [UInt8]?
    private let further: [(name: String, key: [UInt8])]
    private static let instancesKey = Array("instances".utf8)

    init(path: String, source: CorpusSource, chunkSize: Int) throws(CorpusError) {
        lines = try LineReader(path: path, chunkSize: chunkSize)
        textKey = Array(source.textField.utf8)
        labelKey = source.labelField.map { Array($0.utf8) }
        idKey = Array(source.idField.utf8)
        inputKey = source.inputField.map { Array($0.utf8) }
        further = source.fields.map { ($0, Array($0.utf8)) }
    }

    func next() throws(CorpusError) -> Row? {
        switch try lines.next() {
        case nil: return nil
        case .tooLong: return .bad(line: lines.number, reason: LineReader.tooLongReason)
        case .text(let range):
            guard !lines.isBlank(range) else { return .blank }
            let buffer = lines.buffer
            let line = buffer.span.extracting(range)
            do throws(JSONTrouble) {
                return .fields(line: lines.number, try fields(line))
            } catch {
                return .bad(line: lines.number, reason: error.reason)
            }
        }
    }

    private func fields(_ bytes: Span<UInt8>) throws(JSONTrouble) -> RowFields {
        var row = RowFields()
        var input: String?
        var scanner = JSONScanner()
        try scanner.beginObject(bytes)
        while let key = try scanner.nextKey(bytes) {
            if scanner.matches(key, textKey, bytes) {
                row.text = try textValue(&scanner, bytes)
            } else if scanner.matches(key, idKey, bytes) {
                row.id = try nameValue(&scanner, bytes, "the id")
            } else if try takes(key, &row, &input, &scanner, bytes) {
                continue
            } else if inputKey != nil, scanner.matches(key, Self.instancesKey, bytes) {
                try firstInstance(&row, &input, &scanner, bytes)
            } else if let index = further.firstIndex(where: { scanner.matches(key, $0.key, bytes) }
            ) {
                let name = further[index].name
                row.further[name] = try nameValue(&scanner, bytes, "the field '\(name)'")
            } else {
                try scanner.check(key, bytes)
                try scanner.skipValue(bytes)
            }
        }
        try scanner.finish(bytes)
        if let input, !input.unicodeScalars.allSatisfy(\.properties.isWhitespace) {
            row.text = row.text.map { "\($0)\n\n\(input)" }
        }
        return row
    }

    /// Takes the label or the input, where the key is theirs.
    private func takes(
        _ key: JSONScanner.Piece, _ row: inout RowFields, _ input: inout String?,
        _ scanner: inout JSONScanner, _ bytes: Span<UInt8>
    ) throws(JSONTrouble) -> Bool {
        if let labelKey, scanner.matches(key, labelKey, bytes) {
            row.label = try nameValue(&scanner, bytes, "the label")
        } else if let inputKey, scanner.matches(key, inputKey, bytes) {
            input = try textValue(&scanner, bytes)
        } else {
            return false
        }
        return true
    }

    /// Input and label of the first of a row's instances; the others are passed over.
    private func firstInstance(
        _ row: inout RowFields, _ input: inout String?, _ scanner: inout JSONScanner,
        _ bytes: Span<UInt8>
    ) throws(JSONTrouble) {
        try scanner.beginArray(bytes)
        guard try scanner.nextElement(bytes) else { return }
        try scanner.beginObject(bytes)
        while let key = try scanner.nextKey(bytes) {
            guard try !takes(key, &row, &input, &scanner, bytes) else { continue }
            try scanner.check(key, bytes)
            try scanner.skipValue(bytes)
        }
        while try scanner.nextElement(bytes) { try scanner.skipValue(bytes) }
    }

    private func textValue(
        _ scanner: inout JSONScanner, _ bytes: Span<UInt8>
    ) throws(JSONTrouble) -> String? {
        if try scanner.takesNull(bytes) { return nil }
        guard try scanner.upcoming(bytes) == UInt8(ascii: "\"") else {
            throw scanner.trouble("the text isn't a string")
        }
        return try scanner.stringText(bytes)
    }

    /// Ids, labels and further fields may be numbers or truth values too; their name is how they are written.
    private func nameValue(
        _ scanner: inout JSONScanner, _ bytes: Span<UInt8>, _ what: String
    ) throws(JSONTrouble) -> String? {
        if try scanner.takesNull(bytes) { return nil }
        switch try scanner.upcoming(bytes) {
        case UInt8(ascii: "\""): return try scanner.stringText(bytes)
        case UInt8(ascii: "t"):
            try scanner.word("true", bytes)
            return "true"
        case UInt8(ascii: "f"):
            try scanner.word("false", bytes)
            return "false"
        case UInt8(ascii: "{"), UInt8(ascii: "["):
            throw scanner.trouble("\(what) is neither a string nor a number")
        default: return try scanner.numberText(bytes)
        }
    }
}
