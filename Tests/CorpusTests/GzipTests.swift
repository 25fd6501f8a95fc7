// gzip files as they come: several members, padding, cut, broken, wrongly named.

import Foundation
import Testing

@testable import Corpus

@Suite struct GzipTests {
    private let folder: TemporaryFolder

    init() throws { folder = try TemporaryFolder() }

    private func packed(_ text: String) throws -> [UInt8] {
        let file = try OutputFile(path: folder.file("packed"), compressed: true)
        try file.write(text)
        try file.commit()
        return [UInt8](try Data(contentsOf: URL(fileURLWithPath: folder.file("packed"))))
    }

    private func read(_ bytes: [UInt8], _ name: String = "a.txt.gz") throws -> [String] {
        let path = try folder.write(name, bytes)
        return try Corpus.read(CorpusSource(paths: [path], format: .lines)).records.map(\.text)
    }

    private func failure(_ bytes: [UInt8], _ name: String = "a.txt.gz") -> CorpusError? {
        do {
            _ = try read(bytes, name)
            return nil
        } catch {
            return error as? CorpusError
        }
    }

    @Test func membersAndPadding() throws {
        let one = try packed("a\nb")
        let two = try packed("c\n")
        #expect(try read(one + two) == ["a", "bc"])
        #expect(try read(one + [0, 0, 0, 0]) == ["a", "b"])
        #expect(try read(try packed("") + two) == ["c"])
        // The first bytes tell, not the name.
        #expect(try read(one, "a.txt") == ["a", "b"])
    }

    @Test func whatIsBrokenIsNamed() throws {
        let good = try packed(String(repeating: "some text that is long enough\n", count: 50))
        for length in [3, 10, 18, good.count / 2, good.count - 9, good.count - 1] {
            let error = failure(Array(good[..<length]))
            #expect(
                error?.message.contains("cut off") == true, "\(length): \(error?.message ?? "")")
        }
        for index in [good.count - 8, good.count - 4, 15] {
            var bytes = good
            bytes[index] ^= 0x55
            #expect(failure(bytes)?.message.contains("gzip data is broken") == true, "\(index)")
        }
        #expect(failure(good + [1, 2, 3])?.message.contains("isn't gzip follows") == true)
        #expect(failure(good + [0, 0x1F])?.message.contains("isn't gzip follows") == true)
        #expect(failure(Array("plain".utf8))?.message.contains("isn't a gzip file") == true)
        #expect(failure([])?.code == .empty)
    }

    @Test func largeFilesGoThrough() throws {
        let lines = (0..<20000).map { "line \($0) \(String(repeating: "é", count: $0 % 50))" }
        #expect(try read(try packed(lines.joined(separator: "\n"))) == lines)
    }

    @Test func aPipeIsReadToo() async throws {
        let path = folder.file("pipe.txt")
        #expect(mkfifo(path, 0o600) == 0)
        let writer = Thread {
            guard let pipe = FileHandle(forWritingAtPath: path) else { return }
            for piece in ["a", "\nb", "b\n", "c"] {
                try? pipe.write(contentsOf: Data(piece.utf8))
                usleep(20000)
            }
            try? pipe.close()
        }
        writer.start()
        let corpus = try Corpus.read(CorpusSource(paths: [path]))
        #expect(corpus.records.map(\.text) == ["a", "bb", "c"])
    }
}
