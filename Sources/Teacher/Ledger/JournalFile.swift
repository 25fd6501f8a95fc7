// What happens between two commits of a ledger: a file that is written ahead of everything, so that a
// kill of the process loses nothing that had arrived, and the next run can tell which requests were
// under way. It isn't synced: a kill doesn't lose what was handed to the system, and against a power cut
// there is the commit, every half second.
//
//     S key tokens micro                     an attempt is about to be sent, with its reservation
//     R key                                  it came to nothing and cost nothing
//     L key tokens micro created |reason|    it came to nothing and may have cost that
//     A key ... |record|server|finish|body|  its answer
//     F key created |record|identity|kind|reason|
//
// A line ends with the lengths of the texts that follow it. A file is read up to where it was torn.

import Corpus
import Foundation

/// One event of a journal.
enum JournalEvent: Equatable {
    case sent(Attempt)
    case released(LabelKey)
    case lost(LossEntry)
    case answered(ResponseEntry)
    case failed(FailureEntry)
}

/// The form of journal files.
enum JournalFile {
    /// The first line of a file.
    static func header(teacher: String) -> [UInt8] {
        var bytes: [UInt8] = []
        append("J 1", to: &bytes)
        end(with: [teacher], to: &bytes)
        return bytes
    }

    /// An event as bytes.
    static func bytes(_ event: JournalEvent) -> [UInt8] {
        var bytes: [UInt8] = []
        append(event, to: &bytes)
        return bytes
    }

    /// Appends an event; this runs for each request, so nothing is made that isn't needed.
    static func append(_ event: JournalEvent, to bytes: inout [UInt8]) {
        switch event {
        case .sent(let attempt):
            append("S ", attempt.key, to: &bytes)
            append([attempt.reservedTokens, attempt.reservedMicro], to: &bytes)
            end(with: [], to: &bytes)
        case .released(let key):
            append("R ", key, to: &bytes)
            end(with: [], to: &bytes)
        case .lost(let loss):
            let attempt = loss.attempt
            append("L ", attempt.key, to: &bytes)
            append(
                [attempt.reservedTokens, attempt.reservedMicro, loss.createdAtMicroseconds],
                to: &bytes)
            end(with: [loss.reason], to: &bytes)
        case .answered(let entry):
            let response = entry.response
            append("A ", entry.key, to: &bytes)
            append(
                [
                    entry.createdAtMicroseconds, response.latencyMicroseconds,
                    entry.chargedTokens, entry.priceMicro,
                    Int64(response.usage?.promptTokens ?? -1),
                    Int64(response.usage?.completionTokens ?? -1),
                ], to: &bytes)
            end(
                with: [entry.recordID, response.server, response.finishReason ?? ""],
                body: response.body, to: &bytes)
        case .failed(let entry):
            append("F ", entry.key, to: &bytes)
            append([entry.createdAtMicroseconds], to: &bytes)
            end(
                with: [
                    entry.recordID, entry.teacher, entry.failure.kind.rawValue,
                    entry.failure.reason,
                ], to: &bytes)
        }
    }

    private static func append(_ word: String, to bytes: inout [UInt8]) {
        bytes += word.utf8
    }

    private static func append(_ word: String, _ key: LabelKey, to bytes: inout [UInt8]) {
        bytes += word.utf8
        key.appendHexadecimal(to: &bytes)
    }

    private static func append(_ numbers: [Int64], to bytes: inout [UInt8]) {
        for number in numbers { append(number, to: &bytes) }
    }

    private static func append(_ number: Int64, to bytes: inout [UInt8]) {
        bytes.append(UInt8(ascii: " "))
        if number < 0 { bytes.append(UInt8(ascii: "-")) }
        var rest = number.magnitude
        var power: UInt64 = 1
        while rest / power >= 10 { power *= 10 }
        while power > 0 {
            bytes.append(UInt8(ascii: "0") + UInt8(truncatingIfNeeded: rest / power))
            rest %= power
            power /= 10
        }
    }

    /// The lengths of texts, the end of the line, and the texts.
    private static func end(
        with texts: [String], body: [UInt8]? = nil, to bytes: inout [UInt8]
    ) {
        for text in texts { append(Int64(text.utf8.count), to: &bytes) }
        if let body { append(Int64(body.count), to: &bytes) }
        bytes.append(UInt8(ascii: "\n"))
        guard !texts.isEmpty else { return }
        for text in texts { bytes += text.utf8 }
        if let body { bytes += body }
        bytes.append(UInt8(ascii: "\n"))
    }

    /// The teacher and the events of a file, as far as it is whole; nil when not even its head is.
    static func read(_ bytes: [UInt8]) -> (teacher: String, events: [JournalEvent])? {
        var reader = Reader(bytes: bytes)
        guard let head = reader.next(), head.words.first == "J", head.texts.count == 1 else {
            return nil
        }
        let teacher = String(decoding: head.texts[0], as: UTF8.self)
        var events: [JournalEvent] = []
        while let part = reader.next() {
            guard let event = event(part, teacher: teacher) else { break }
            events.append(event)
        }
        return (teacher, events)
    }

    private static func event(_ part: Reader.Part, teacher: String) -> JournalEvent? {
        let words = part.words
        let texts = part.texts.map { String(decoding: $0, as: UTF8.self) }
        guard words.count > 1, let key = LabelKey(hexadecimal: String(words[1])) else { return nil }
        let numbers = words.dropFirst(2).compactMap { Int64($0) }
        guard numbers.count == words.count - 2 else { return nil }
        switch (words[0], numbers.count, texts.count) {
        case ("S", 2, 0):
            return .sent(
                Attempt(key: key, reservedTokens: numbers[0], reservedMicro: numbers[1]))
        case ("R", 0, 0): return .released(key)
        case ("L", 3, 1):
            return .lost(
                LossEntry(
                    attempt: Attempt(
                        key: key, reservedTokens: numbers[0], reservedMicro: numbers[1]),
                    teacher: teacher, reason: texts[0], createdAtMicroseconds: numbers[2]))
        case ("A", 6, 4):
            let usage =
                numbers[4] < 0
                ? nil
                : LabelRecord.Usage(
                    promptTokens: Int(numbers[4]), completionTokens: Int(numbers[5]))
            return .answered(
                ResponseEntry(
                    key: key, recordID: texts[0], teacher: teacher,
                    response: TeacherResponse(
                        body: part.texts[3], usage: usage,
                        finishReason: texts[2].isEmpty ? nil : texts[2], server: texts[1],
                        latencyMicroseconds: numbers[1]),
                    chargedTokens: numbers[2], priceMicro: numbers[3],
                    createdAtMicroseconds: numbers[0]))
        case ("F", 1, 4):
            guard let kind = LabelFailure.Kind(rawValue: texts[2]) else { return nil }
            return .failed(
                FailureEntry(
                    key: key, recordID: texts[0], teacher: texts[1],
                    failure: LabelFailure(kind, texts[3]), createdAtMicroseconds: numbers[0]))
        default: return nil
        }
    }

    /// Cuts a file into its parts.
    private struct Reader {
        struct Part {
            let words: [Substring]
            let texts: [[UInt8]]
        }

        /// How many texts follow a line, by its first word.
        private static let textCounts: [Substring: Int] = [
            "J": 1, "S": 0, "R": 0, "L": 1, "A": 4, "F": 4,
        ]
        let bytes: [UInt8]
        var position = 0

        init(bytes: [UInt8]) { self.bytes = bytes }

        mutating func next() -> Part? {
            guard let end = bytes[position...].firstIndex(of: UInt8(ascii: "\n")) else {
                return nil
            }
            let words = String(decoding: bytes[position..<end], as: UTF8.self).split(separator: " ")
            guard let first = words.first, let count = Self.textCounts[first],
                words.count > count
            else { return nil }
            var texts: [[UInt8]] = []
            var start = end + 1
            for word in words.suffix(count) {
                guard let length = Int(word), length >= 0, length <= bytes.count - start else {
                    return nil
                }
                texts.append(Array(bytes[start..<start + length]))
                start += length
            }
            if count > 0 {
                guard start < bytes.count, bytes[start] == UInt8(ascii: "\n") else { return nil }
                start += 1
            }
            position = start
            return Part(words: words.dropLast(count), texts: texts)
        }
    }
}
