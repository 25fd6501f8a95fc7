// A rank's journal: files that follow each other, each one holding what isn't in the ledger's tables
// yet. A turn of files happens before a commit: the new file begins with the attempts that are under
// way, the commit names the old one, and then the old one goes.

import Foundation
import Glibc

/// The open journal of a rank.
struct Journal: ~Copyable {
    /// The number of the open file.
    private(set) var generation: Int64
    private let stem: String
    private let teacher: String
    private var file: FileHandle
    private var underWay = AttemptsUnderWay()
    /// Kept, because making it anew for each answer costs as much as filling it.
    private var bytes: [UInt8] = []

    /// Begins a file behind all earlier ones.
    ///
    /// - Parameters:
    ///   - ledgerPath: `.../rank-NNNNN.sqlite`; the files are named after it.
    ///   - generation: A number that no earlier file has.
    ///   - teacher: Whose answers these will be.
    init(ledgerPath: String, generation: Int64, teacher: String) throws(TeacherError) {
        stem = Self.stem(ledgerPath)
        self.generation = generation
        self.teacher = teacher
        file = try Self.begin(stem, generation, JournalFile.header(teacher: teacher))
    }

    /// Appends events with one call of the system.
    mutating func append(_ events: [JournalEvent]) throws(TeacherError) {
        bytes.removeAll(keepingCapacity: true)
        for event in events {
            JournalFile.append(event, to: &bytes)
            underWay.note(event)
        }
        try write(bytes)
        if bytes.count > Self.longestKept { bytes = [] }
    }

    /// A larger buffer than this isn't kept.
    private static let longestKept = 1 << 20

    /// Hands bytes to the system; FileHandle would copy them twice.
    private func write(_ bytes: [UInt8]) throws(TeacherError) {
        var written = 0
        while written < bytes.count {
            let count = unsafe bytes.withUnsafeBytes { buffer in
                unsafe Glibc.write(
                    file.fileDescriptor, buffer.baseAddress?.advanced(by: written),
                    bytes.count - written)
            }
            guard count >= 0 || errno == EINTR else {
                throw Self.unwritable(
                    Self.path(stem, generation), POSIXError(.init(rawValue: errno) ?? .EIO))
            }
            written += max(0, count)
        }
    }

    /// Turns to a new file, and says which one is to be committed.
    mutating func turn() throws(TeacherError) -> Int64 {
        let finished = generation
        var bytes = JournalFile.header(teacher: teacher)
        for attempt in underWay.all { JournalFile.append(.sent(attempt), to: &bytes) }
        let next = try Self.begin(stem, finished + 1, bytes)
        try? file.close()
        file = next
        generation = finished + 1
        return finished
    }

    /// Removes a file whose content is committed.
    func remove(_ generation: Int64) {
        unsafe unlink(Self.path(stem, generation))
    }

    /// How many attempts are under way.
    var attemptsUnderWay: Int { underWay.count }

    // MARK: - Files

    static func path(_ stem: String, _ generation: Int64) -> String {
        "\(stem).journal-\(generation)"
    }

    static func stem(_ ledgerPath: String) -> String {
        String(ledgerPath.dropLast(".sqlite".count))
    }

    /// Puts a file with its first bytes in place by renaming, so that it is never seen without them.
    private static func begin(
        _ stem: String, _ generation: Int64, _ bytes: [UInt8]
    ) throws(TeacherError) -> FileHandle {
        let path = path(stem, generation)
        let draft = "\(stem).journal-draft"
        do {
            try Data(bytes).write(to: URL(fileURLWithPath: draft))
            guard unsafe rename(draft, path) == 0 else {
                throw POSIXError(.init(rawValue: errno) ?? .EIO)
            }
            let file = try FileHandle(forWritingTo: URL(fileURLWithPath: path))
            try file.seekToEnd()
            return file
        } catch {
            throw unwritable(path, error)
        }
    }

    private static func unwritable(_ path: String, _ error: any Error) -> TeacherError {
        TeacherError(
            .ledgerUnwritable,
            "\(path): cannot write: \(plainWords(of: error)); "
                + "answers that are in the ledger are safe, the same command goes on")
    }
}
