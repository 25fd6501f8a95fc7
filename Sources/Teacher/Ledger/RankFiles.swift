// The SQLite files of a folder, of which each rank writes its own: their names, how one is opened for writing,
// and how it is brought to this program's version. `PRAGMA user_version` says how many steps a file has
// seen, and is moved in the same transaction as the step, so that a kill between the two cannot happen.
// No write-ahead log: it needs shared memory, which network file systems lack. The rollback journal is cut to
// nothing at each commit (TRUNCATE) and, with `synchronous=FULL`, that cut is synced too; DELETE would
// leave the folder's entry to a later moment, and a power cut could then undo a commit.

import Corpus
import Foundation
import GRDB

/// One kind of files: `STEM-NNNNN.sqlite`.
struct RankFiles: Sendable {
    /// What the names begin with.
    let stem: String
    /// Step `i` takes a file from version `i` to `i + 1`; a version, once released, is never changed.
    let steps: [String]

    /// An opened file, which nobody else writes.
    struct Opened: Sendable {
        let path: String
        let queue: DatabaseQueue
        let lock: LedgerLock
    }

    /// The file of a rank.
    func path(folder: String, rank: Int) -> String {
        precondition(rank >= 0, "rank \(rank)")
        let digits = String(rank)
        let zeros = String(repeating: "0", count: max(0, 5 - digits.count))
        return "\(folder)/\(stem)-\(zeros)\(digits).sqlite"
    }

    /// The files of a folder, in the order of their names; a folder that isn't there has none.
    func paths(in folder: String) throws(TeacherError) -> [String] {
        guard FileManager.default.fileExists(atPath: folder) else { return [] }
        do {
            return try FileManager.default.contentsOfDirectory(atPath: folder)
                .filter { $0.hasPrefix("\(stem)-") && $0.hasSuffix(".sqlite") }
                .sorted(by: JSONText.precedes)
                .map { "\(folder)/\($0)" }
        } catch {
            throw TeacherError(
                .ledgerUnreadable,
                "\(folder): cannot read the folder: \(plainWords(of: error))")
        }
    }

    /// The rank that writes a file; nil for a name that no rank has.
    func rank(of path: String) -> Int? {
        let name = (path as NSString).lastPathComponent
        return Int(name.dropFirst(stem.count + 1).dropLast(".sqlite".count))
    }

    /// Opens a rank's file, or makes it, and the folder too.
    ///
    /// - Parameter check: Looks at a file that was there before anything is written to it.
    func open(
        folder: String, rank: Int,
        check: (_ database: Database, _ path: String) throws -> Void = { _, _ in }
    ) throws(TeacherError) -> Opened {
        let path = path(folder: folder, rank: rank)
        do {
            try FileManager.default.createDirectory(
                atPath: folder, withIntermediateDirectories: true)
        } catch {
            throw TeacherError(
                .ledgerUnwritable,
                "\(folder): cannot make the folder: \(plainWords(of: error))")
        }
        let lock = try LedgerLock(path: String(path.dropLast(".sqlite".count)) + ".lock")
        do {
            let queue = try DatabaseQueue(path: path, configuration: Self.configuration())
            let current = try queue.read { try Self.version(of: $0) }
            try refuseNewer(current, path: path)
            try queue.read { try check($0, path) }
            for step in current..<steps.count {
                try queue.write { database in
                    try database.execute(sql: steps[step])
                    try database.execute(sql: "PRAGMA user_version = \(step + 1)")
                }
            }
            return Opened(path: path, queue: queue, lock: lock)
        } catch {
            throw LedgerTrouble.named(error, path: path, writing: true)
        }
    }

    /// The version of an open file.
    static func version(of database: Database) throws -> Int {
        try Int.fetchOne(database, sql: "PRAGMA user_version") ?? 0
    }

    /// Refuses a file of a newer program.
    func refuseNewer(_ version: Int, path: String) throws(TeacherError) {
        guard version <= steps.count else {
            throw TeacherError(
                .ledgerNewer,
                "\(path): written by a newer retort (schema \(version), this one knows "
                    + "\(steps.count)); use that one")
        }
    }

    private static func configuration() -> Configuration {
        var configuration = Configuration()
        // A reader holds its lock for moments; a whole minute means a stuck one.
        configuration.busyMode = .timeout(60)
        configuration.prepareDatabase { database in
            try database.execute(sql: "PRAGMA journal_mode = TRUNCATE")
            try database.execute(sql: "PRAGMA synchronous = FULL")
        }
        return configuration
    }
}
