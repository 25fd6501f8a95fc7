// The answers that are paid for, by request: where each body lies, not the body. A record that was
// interrupted half way, or that a new parser reads again, finds its answers here and asks nothing.

import GRDB
import Synchronization

/// Looks up the answers of earlier runs; sixteen bytes an answer.
public final class ResponseIndex: Sendable {
    /// How many answers there are.
    public var count: Int { places.count }
    /// By fingerprint, then by place; of two answers to one request the first counts, on every rank.
    private let places: [Place]
    private let files: [File]

    private struct Place {
        let fingerprint: UInt64
        /// The file's index in the upper 16 bits, the row's number in the others.
        let position: UInt64
    }

    /// Reads where the answers of a teacher lie in a folder of ledgers.
    ///
    /// - Parameters:
    ///   - folder: The folder; one that isn't there has none.
    ///   - teacher: The teacher's identity.
    public init(folder: String, teacher: String) throws(TeacherError) {
        var places: [Place] = []
        var files: [File] = []
        for path in try RankFiles.labels.paths(in: folder) {
            let file = UInt64(files.count)
            files.append(File(path: path))
            try LedgerFileReader.reading(path) { database in
                guard try RankFiles.version(of: database) > 1 else { return }
                let rows = try Row.fetchCursor(
                    database, sql: "SELECT number, key FROM responses WHERE teacher = ?",
                    arguments: [teacher])
                while let row = try rows.next() {
                    guard let key = (row[1] as String?).flatMap(LabelKey.init(hexadecimal:)) else {
                        throw LedgerTrouble.damaged(path, "a key of responses isn't a SHA-256")
                    }
                    let number = UInt64(row[0] as Int64? ?? 0)
                    places.append(
                        Place(fingerprint: key.fingerprint, position: file << 48 | number))
                }
            }
        }
        places.sort { ($0.fingerprint, $0.position) < ($1.fingerprint, $1.position) }
        self.places = places
        self.files = files
    }

    /// The body of the answer to a request; nil when it was never answered.
    public func body(of key: LabelKey) throws(TeacherError) -> [UInt8]? {
        var low = 0
        var high = places.count
        while low < high {
            let middle = (low + high) / 2
            if places[middle].fingerprint < key.fingerprint {
                low = middle + 1
            } else {
                high = middle
            }
        }
        while low < places.count, places[low].fingerprint == key.fingerprint {
            let position = places[low].position
            let number = Int64(position & (1 << 48 - 1))
            if let body = try files[Int(position >> 48)].body(number, of: key) { return body }
            low += 1
        }
        return nil
    }

    /// A file, opened when the first answer is wanted from it.
    private final class File: Sendable {
        let path: String
        private let queue = Mutex<DatabaseQueue?>(nil)

        init(path: String) { self.path = path }

        /// The body of a row, if its whole key is the one wanted.
        func body(_ number: Int64, of key: LabelKey) throws(TeacherError) -> [UInt8]? {
            do {
                return try opened().read { database in
                    try String.fetchOne(
                        database,
                        sql: """
                            SELECT body FROM responses JOIN bodies USING (number)
                            WHERE number = ? AND key = ?
                            """, arguments: [number, key.description])
                }.map { Array($0.utf8) }
            } catch {
                throw LedgerTrouble.named(error, path: path, writing: false)
            }
        }

        private func opened() throws -> DatabaseQueue {
            try queue.withLock { queue in
                if let queue { return queue }
                var configuration = Configuration()
                configuration.readonly = true
                configuration.busyMode = .timeout(60)
                let opened = try DatabaseQueue(path: path, configuration: configuration)
                queue = opened
                return opened
            }
        }
    }
}
