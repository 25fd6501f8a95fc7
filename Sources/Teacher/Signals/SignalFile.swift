// Where recorded scores rest: beside the ledgers, one SQLite file a rank, written by that rank alone and
// committed before a signal is used. Rows are only appended; each has a checksum of its own, since a
// flipped bit in a score would be learnt without a word.

import Crypto
import Foundation
import GRDB

/// A rank's own file of signals.
final class SignalFile: Sendable {
    private let file: RankFiles.Opened

    /// A signal on its way into the file.
    struct Entry: Sendable {
        let key: LabelKey
        let id: String
        let set: String
        let places: Int
        let data: [UInt8]
    }

    /// Opens, or makes, the file of a rank in a folder, which is made too.
    init(folder: String, rank: Int) throws(TeacherError) {
        file = try RankFiles.signals.open(folder: folder, rank: rank)
    }

    /// Writes signals in one transaction: when this returns, all are durable.
    func commit(_ entries: [Entry]) throws(TeacherError) {
        do {
            try file.queue.write { database in
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
            throw LedgerTrouble.named(error, path: file.path, writing: true)
        }
    }

    /// Lets others write.
    func close() { file.lock.release() }

    /// 63 bits of a hash of a row.
    static func checksum(_ key: LabelKey, _ data: [UInt8]) -> Int64 {
        var hash = SHA256()
        hash.update(data: key.bytes)
        hash.update(data: data)
        return hash.finalize().prefix(8).reduce(0) { $0 << 8 | Int64($1) } & .max
    }
}

extension RankFiles {
    /// The recorded scores of a folder.
    static let signals = RankFiles(
        stem: "signals",
        steps: [
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
        ])
}

extension LabelKey {
    /// Its 32 bytes.
    var bytes: [UInt8] {
        let digits = Array(description.utf8)
        func value(_ digit: UInt8) -> UInt8 { digit < 0x3A ? digit - 0x30 : digit - 0x57 }
        return (0..<32).map { value(digits[2 * $0]) << 4 | value(digits[2 * $0 + 1]) }
    }
}
