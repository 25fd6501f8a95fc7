// Faults done for real: processes killed in the middle of commits, full disks, folders without
// permission, damaged files.

import Corpus
import Foundation
import GRDB
import Testing

@testable import Teacher

@Suite(.serialized) struct LedgerFaultTests {
    private let folder: TemporaryFolder

    init() throws { folder = try TemporaryFolder() }

    private static let group = 5

    /// Groups that were acknowledged: committed, as the writer saw it.
    private func acknowledged(_ path: String) -> Int {
        let text = (try? String(contentsOfFile: path, encoding: .utf8)) ?? ""
        return text.split(separator: "\n").count
    }

    private func size(_ path: String) -> Int {
        let attributes = try? FileManager.default.attributesOfItem(atPath: path)
        return (attributes?[.size] as? Int) ?? 0
    }

    /// A writing process is killed at random moments, forty times over the same ledger.
    ///
    /// Every commit that it acknowledged is there, whole; of the one in the making all or nothing
    /// is.
    @Test func killedWhileWriting() async throws {
        let path = folder.path
        let acks = folder.file("acks")
        var hotJournals = 0
        var last = 0
        for round in 0..<40 {
            let delay = UInt32(500 + (round * 7919) % 23000)
            let first = last
            await #expect(processExitsWith: .signal(SIGKILL)) {
                [
                    path = path as String, acks = acks as String, delay = delay as UInt32,
                    first = first as Int
                ] in
                let ledger = try LabelLedger(folder: path, rank: 0)
                let log = open(acks, O_WRONLY | O_CREAT | O_APPEND, 0o644)
                for group in first... {
                    try ledger.commit(
                        (0..<LedgerFaultTests.group).map {
                            numbered(group * LedgerFaultTests.group + $0, text: "text \($0)")
                        })
                    let line = Array("\(group)\n".utf8)
                    _ = write(log, line, line.count)
                    guard group == first else { continue }
                    Thread {
                        usleep(delay)
                        kill(getpid(), SIGKILL)
                    }.start()
                }
            }
            if size("\(LabelLedger.path(folder: path, rank: 0))-journal") > 0 { hotJournals += 1 }
            let contents = try LedgerContents(folder: path)
            let groups = contents.entries.count / Self.group
            #expect(contents.entries.count.isMultiple(of: Self.group), "round \(round)")
            #expect(groups >= acknowledged(acks), "round \(round)")
            #expect(groups <= acknowledged(acks) + round + 1, "round \(round)")
            let ids = contents.entries.map(\.answer.id)
            #expect(ids == (0..<ids.count).map { "id-\($0)" }, "round \(round)")
            last = groups
        }
        #expect(last >= 40)
        // Otherwise the moments were never in the middle of anything.
        #expect(hotJournals > 0)
    }

    /// Leaves a ledger of ten entries with a journal that waits to be played back: a commit too large
    /// for SQLite's cache has written parts of itself to the file when the kill comes.
    private func killInMidCommit() async throws {
        let path = folder.path
        await #expect(processExitsWith: .signal(SIGKILL)) { [path = path as String] in
            let ledger = try LabelLedger(folder: path, rank: 0)
            try ledger.commit((0..<10).map { numbered($0) })
            let file = LabelLedger.path(folder: path, rank: 0)
            Thread {
                var status = stat()
                while stat(file, &status) != 0 || status.st_size < 4_000_000 { usleep(200) }
                kill(getpid(), SIGKILL)
            }.start()
            let text = String(repeating: "long ", count: 400)
            try ledger.commit((10..<100_000).map { numbered($0, text: text) })
        }
        let file = LabelLedger.path(folder: path, rank: 0)
        #expect(size(file) >= 4_000_000)
        #expect(size("\(file)-journal") > 0)
    }

    @Test func aHalfCommitIsPlayedBack() async throws {
        try await killInMidCommit()
        #expect(try LedgerContents(folder: folder.path).entries == (0..<10).map { numbered($0) })
        let ledger = try LabelLedger(folder: folder.path, rank: 0)
        try ledger.commit([numbered(10)])
        #expect(try LedgerContents(folder: folder.path).entries.count == 11)
    }

    @Test func aHalfCommitIsPlayedBackByTheNextWriter() async throws {
        try await killInMidCommit()
        let ledger = try LabelLedger(folder: folder.path, rank: 0)
        try ledger.commit([numbered(10)])
        #expect(try LedgerContents(folder: folder.path).entries.count == 11)
    }

    /// Only root can become somebody else, and only somebody else has no permission.
    @Test(.enabled(if: getuid() == 0)) func aReadOnlyFolder() async throws {
        try await killInMidCommit()
        let path = folder.path
        let file = LabelLedger.path(folder: path, rank: 0)
        for name in try folder.names() { chmod(folder.file(name), 0o444) }
        chmod(path, 0o555)
        let before = try Data(contentsOf: URL(fileURLWithPath: file))
        await #expect(processExitsWith: .success) { [path = path as String] in
            setgid(65534)
            setuid(65534)
            // Reading recovers a copy; writing is refused, with the file's name.
            let entries = try LedgerContents(folder: path).entries
            #expect(entries == (0..<10).map { numbered($0) })
            for rank in [0, 1] {
                let error = #expect(throws: TeacherError.self) {
                    try LabelLedger(folder: path, rank: rank)
                }
                #expect(error?.code == .ledgerUnwritable)
                #expect(error?.message.contains("rank-0000\(rank)") == true)
                #expect(error?.message.contains("Permission denied") == true)
            }
            let made = #expect(throws: TeacherError.self) {
                try LabelLedger(folder: "\(path)/labels", rank: 0)
            }
            #expect(made?.code == .ledgerUnwritable)
        }
        #expect(try Data(contentsOf: URL(fileURLWithPath: file)) == before)
        chmod(path, 0o755)
        #expect(try LedgerContents(folder: path).entries.count == 10)
    }

    @Test func aFullDisk() async throws {
        let path = folder.path
        await #expect(processExitsWith: .success) { [path = path as String] in
            let ledger = try LabelLedger(folder: path, rank: 0)
            try ledger.commit((0..<20).map { numbered($0) })
            signal(SIGXFSZ, SIG_IGN)
            // RLIMIT_FSIZE: a write beyond it fails, as on a full disk.
            var limit = rlimit(rlim_cur: 60_000, rlim_max: rlim_t.max)
            setrlimit(__rlimit_resource_t(1), &limit)
            let text = String(repeating: "x", count: 1000)
            for _ in 0..<3 {
                let error = #expect(throws: TeacherError.self) {
                    try ledger.commit((20..<200).map { numbered($0, text: text) })
                }
                #expect(error?.code == .ledgerUnwritable)
                #expect(error?.message.contains("rank-00000.sqlite") == true)
            }
            #expect(try LedgerContents(folder: path).entries.count == 20)
            // Room again: the same ledger goes on.
            limit.rlim_cur = rlim_t.max
            setrlimit(__rlimit_resource_t(1), &limit)
            try ledger.commit((20..<200).map { numbered($0, text: text) })
            #expect(try LedgerContents(folder: path).entries.count == 200)
        }
    }

    @Test func damagedFilesAreNamed() throws {
        try LabelLedger(folder: folder.path, rank: 0).commit([numbered(1)])
        try LabelLedger(folder: folder.path, rank: 1).commit(
            (0..<300).map { numbered($0 + 10, text: String(repeating: "t", count: 100)) })
        let file = LabelLedger.path(folder: folder.path, rank: 1)
        let good = [UInt8](try Data(contentsOf: URL(fileURLWithPath: file)))
        func failure(_ bytes: [UInt8]) throws -> TeacherError? {
            _ = try folder.write("rank-00001.sqlite", bytes)
            do throws(TeacherError) {
                _ = try LedgerContents(folder: folder.path)
                return nil
            } catch {
                return error
            }
        }
        var bytes = good
        bytes.replaceSubrange(0..<16, with: Array("not a database!!".utf8))
        for broken in [
            bytes, Array(good[..<(good.count / 2)]), Array("just some text, no database".utf8),
            good.enumerated().map { (4096..<12288).contains($0.offset) ? 0xA5 : $0.element },
        ] {
            let error = try failure(broken)
            #expect(error?.code == .ledgerDamaged)
            #expect(error?.message.contains("rank-00001.sqlite: the ledger is damaged") == true)
            #expect(error?.message.contains("\n") == false)
            #expect(throws: TeacherError.self) { try LabelLedger(folder: folder.path, rank: 1) }
        }
        #expect(try failure(good) == nil)
        // A row that somebody has spoilt by hand.
        try DatabaseQueue(path: file).write {
            try $0.execute(sql: "UPDATE labels SET label_probabilities = '{bad' WHERE number = 3")
        }
        let error = try failure([UInt8](try Data(contentsOf: URL(fileURLWithPath: file))))
        #expect(error?.code == .ledgerDamaged)
        #expect(error?.message.contains("rank-00001.sqlite: the ledger is damaged: row ") == true)
    }

    /// Any byte of a ledger may be wrong: it is named, or nothing but that row's text changes, and
    /// nothing crashes.
    @Test func anyByteMayBeBroken() throws {
        try LabelLedger(folder: folder.path, rank: 0).commit(
            (0..<40).map { numbered($0, text: "a text") })
        let file = LabelLedger.path(folder: folder.path, rank: 0)
        let good = [UInt8](try Data(contentsOf: URL(fileURLWithPath: file)))
        var named = 0
        for step in 0..<400 {
            var bytes = good
            bytes[(step * 7919) % bytes.count] ^= UInt8(1 << (step % 8))
            _ = try folder.write("rank-00000.sqlite", bytes)
            do throws(TeacherError) {
                let count = try LedgerContents(folder: folder.path).entries.count
                #expect(count <= 40)
            } catch {
                named += 1
                #expect(error.message.contains("rank-00000.sqlite"))
            }
        }
        #expect(named > 20)
    }
}
