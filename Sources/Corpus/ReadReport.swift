// What reading saw: counts of everything, examples of what was left out.

/// What reading a corpus saw.
public struct ReadReport: Sendable {
    /// A row that could not be a record.
    public struct BadRow: Sendable, Hashable, CustomStringConvertible {
        /// Where it stood.
        public let place: Place
        /// Why it was left out.
        public let reason: String
        /// `file:line: reason`.
        public var description: String { "\(place): \(reason)" }
    }

    /// A row whose id and content were there before.
    public struct Duplicate: Sendable, Hashable {
        /// The id of both.
        public let id: String
        /// Where the kept one stood.
        public let first: Place
        /// Where the dropped one stood.
        public let again: Place
    }

    /// At most this many bad rows and duplicates are kept by name; all are counted.
    public static let examplesKept = 100

    /// Rows seen, blank lines and head lines not counted.
    public internal(set) var rows = 0
    /// Rows that became records.
    public internal(set) var kept = 0
    /// Rows dropped because the same id with the same content was there before.
    public internal(set) var duplicateCount = 0
    /// Rows left out under `onBadRow: skip`.
    public internal(set) var badRowCount = 0
    /// Records kept whose text stands under another id too.
    public internal(set) var repeatedTexts = 0
    /// Lines without anything.
    public internal(set) var blankLines = 0
    /// The first of the bad rows.
    public internal(set) var badRows: [BadRow] = []
    /// The first of the duplicates.
    public internal(set) var duplicates: [Duplicate] = []

    /// One line for the log: `3020 rows: 3018 kept, 1 duplicate, 1 bad (pool.jsonl:7: ...)`.
    public var summary: String {
        var parts = ["\(kept) kept"]
        if duplicateCount > 0 {
            parts.append("\(duplicateCount) duplicate\(duplicateCount == 1 ? "" : "s") dropped")
        }
        if repeatedTexts > 0 { parts.append("\(repeatedTexts) with a text seen before") }
        if let first = badRows.first { parts.append("\(badRowCount) bad (first: \(first))") }
        return "\(rows) rows: " + parts.joined(separator: ", ")
    }

    mutating func note(bad reason: String, at place: Place) {
        badRowCount += 1
        if badRows.count < Self.examplesKept {
            badRows.append(BadRow(place: place, reason: reason))
        }
    }

    mutating func note(duplicate id: String, first: Place, again: Place) {
        duplicateCount += 1
        if duplicates.count < Self.examplesKept {
            duplicates.append(Duplicate(id: id, first: first, again: again))
        }
    }
}
