// The recorded form read back: one answer a line, `.gz` or not. Keys that we don't know (votes,
// notes) are passed over; what we know must be right.

/// Reads the answers of a JSONL file one after the other.
public final class LabelReader {
    private let path: String
    private let lines: LineReader

    /// Opens a file.
    public convenience init(path: String) throws(CorpusError) {
        try self.init(path: path, chunkSize: 1 << 18)
    }

    init(path: String, chunkSize: Int) throws(CorpusError) {
        self.path = path
        lines = try LineReader(path: path, chunkSize: chunkSize)
    }

    /// Where the answer read last stood.
    public var place: Place { Place(file: path, line: lines.number) }

    /// The next answer, checked and scaled to the sum 1; nil at the end.
    public func next() throws(CorpusError) -> LabelRecord? {
        while let line = try lines.next() {
            guard case .text(let range) = line else {
                throw CorpusError(.badLabel, "\(place): \(LineReader.tooLongReason)")
            }
            if lines.isBlank(range) { continue }
            let buffer = lines.buffer
            do throws(LabelTrouble) {
                return try LabelScanner.answer(buffer.span.extracting(range)).checked()
            } catch {
                throw CorpusError(.badLabel, "\(place): \(error.reason)")
            }
        }
        return nil
    }

    /// All answers of a file in its order.
    ///
    /// The same answer twice is kept once; one id with two different answers is refused.
    public static func readAll(path: String) throws(CorpusError) -> [LabelRecord] {
        let reader = try LabelReader(path: path)
        var answers: [LabelRecord] = []
        var indexes: [String: Int] = [:]
        while let answer = try reader.next() {
            if let index = indexes[answer.id] {
                guard answers[index] == answer else {
                    throw CorpusError(
                        .conflict, "\(reader.place): id '\(answer.id)' had another answer before")
                }
                continue
            }
            indexes[answer.id] = answers.count
            answers.append(answer)
        }
        guard !answers.isEmpty else {
            throw CorpusError(.empty, "\(path): the file holds no answers")
        }
        return answers
    }
}
