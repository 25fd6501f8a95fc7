// Where recorded scores rest: beside the ledgers, one SQLite file a rank, written by that rank alone and
// committed before a signal is used. Rows are only appended; each has a checksum of its own, since a
// flipped bit in a score would be learnt without a word.

import Crypto
import Foundation
import GRDB

/// A rank's own file of signals.
final class SignalFile: Sendable {
    /// The file.
    let path: String
    private let queue: DatabaseQueue
    private let lock: LedgerLock

    /// A signal on its way into the file.
    struct Entry: Sendable {
        let key: LabelKey
        let id: String
        let set: String
        let places: Int
        let data: [UInt8]
    }

    /// Step `i` takes a file from version `i` to `i + 1`; a version, once released, is never changed.
    private static let steps = [
        """
        CREATE TABLE signals (
            number INTEGER PRIMARY KEY,
            key BLOB NOT NULL,
            record_id TEXT NOT NULL,
            signal_set TEXT NOT NULL,
            places INTEGER NOT NULL,
            data BLOB NOT NULL,
            checksum INTEGER NOT NULL
        )
        """
    ]

    /// Opens, or makes, the file of a rank in a folder, which is made too.
    init(folder: String, rank: Int) throws(TeacherError) {
        path = Self.path(folder: folder, rank: rank)
        do {
            try FileManager.default.createDirectory(
                atPath: folder, withIntermediateDirectories: true)
        } catch {
            throw TeacherError(
                .ledgerUnwritable,
                "\(folder): cannot make the folder: \(error.localizedDescription)")
        }
        lock = try LedgerLock(path: String(path.dropLast(".sqlite".count)) + ".lock")
        do {
            var configuration = Configuration()
            configuration.busyMode = .timeout(60)
            configuration.prepareDatabase { database in
                try database.execute(sql: "PRAGMA journal_mode = TRUNCATE")
                try database.execute(sql: "PRAGMA synchronous = FULL")
            }
            queue = try DatabaseQueue(path: path, configuration: configuration)
            let current = try queue.read { try LedgerSchema.version(of: $0) }
            try Self.refuseNewer(current, path)
            for step in current..<Self.steps.count {
                try queue.write { database in
                    try database.execute(sql: Self.steps[step])
                    try database.execute(sql: "PRAGMA user_version = \(step + 1)")
                }
            }
        } catch {
            throw LedgerTrouble.named(error, path: path, writing: true)
        }
    }

    /// Writes signals in one transaction: when this returns, all are durable.
    func commit(_ entries: [Entry]) throws(TeacherError) {
        do {
            try queue.write { database in
                for entry in entries {
                    try database.cachedStatement(
                        sql: """
                            INSERT INTO signals (key, record_id, signal_set, places, data, checksum)
                            VALUES (?, ?, ?, ?, ?, ?)
                            """
                    ).execute(arguments: [
                        Data(entry.key.bytes), entry.id, entry.set, entry.places,
                        Data(entry.data), Self.checksum(entry.key, entry.data),
                    ])
                }
            }
        } catch {
            throw LedgerTrouble.named(error, path: path, writing: true)
        }
    }

    /// Lets others write.
    func close() { lock.release() }

    static func path(folder: String, rank: Int) -> String {
        let name = (LabelLedger.path(folder: "", rank: rank) as NSString).lastPathComponent
        return "\(folder)/signals-\(name.dropFirst("rank-".count))"
    }

    /// The files of a folder, in the order of their names.
    static func paths(in folder: String) throws(TeacherError) -> [String] {
        do {
            return try FileManager.default.contentsOfDirectory(atPath: folder)
                .filter { $0.hasPrefix("signals-") && $0.hasSuffix(".sqlite") }.sorted()
                .map { "\(folder)/\($0)" }
        } catch {
            throw TeacherError(
                .ledgerUnreadable,
                "\(folder): cannot read the folder: \(error.localizedDescription)")
        }
    }

    /// The rank that writes a file.
    static func rank(of path: String) -> Int? {
        let name = (path as NSString).lastPathComponent
        return Int(name.dropFirst("signals-".count).dropLast(".sqlite".count))
    }

    static func refuseNewer(_ version: Int, _ path: String) throws(TeacherError) {
        guard version <= steps.count else {
            throw TeacherError(
                .ledgerNewer,
                "\(path): written by a newer retort (schema \(version), this one knows "
                    + "\(steps.count)); use that one")
        }
    }

    /// 63 bits of a hash of a row.
    static func checksum(_ key: LabelKey, _ data: [UInt8]) -> Int64 {
        var hash = SHA256()
        hash.update(data: key.bytes)
        hash.update(data: data)
        return hash.finalize().prefix(8).reduce(0) { $0 << 8 | Int64($1) } & .max
    }
}

extension LabelKey {
    /// Its 32 bytes.
    var bytes: [UInt8] {
        let digits = Array(description.utf8)
        func value(_ digit: UInt8) -> UInt8 { digit < 0x3A ? digit - 0x30 : digit - 0x57 }
        return (0..<32).map { value(digits[2 * $0]) << 4 | value(digits[2 * $0 + 1]) }
    }
}
