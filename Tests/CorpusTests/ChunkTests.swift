// Reading must not depend on where chunks end: every format, plain and gzip, with chunks of every
// size from one byte on, gives what was written.

import Foundation
import Testing

@testable import Corpus

/// Rows made by counting, with everything that is hard about them.
struct RowMaker {
    private let random: CounterRandom
    private var index: UInt64 = 0

    init(seed: UInt64) { random = CounterRandom(seed: seed, 99) }

    mutating func below(_ bound: Int) -> Int { Int(random.below(UInt64(bound), next: &index)) }

    mutating func text(_ pieces: [String]) -> String {
        "t" + (0..<below(9)).map { _ in pieces[below(pieces.count)] }.joined() + "."
    }

    static let hard = ["a", "é", "🙂", "\"", "\"\"", ",", "\t", "\n", "\r\n", "\r", " ", "\\", "'"]
    static let easy = ["a", "é", "🙂", "\"", ",", ";", " ", "\\", "word", "\u{2028}"]
}

@Suite struct ChunkTests {
    private let folder: TemporaryFolder

    init() throws { folder = try TemporaryFolder() }

    private static let sizes = Array(1...40) + [63, 64, 65, 127, 1000, 4096, 1 << 18]

    /// Reads the file, and a gzip of it cut into members, with every chunk size.
    private func check(
        _ name: String, _ bytes: [UInt8], _ wanted: [RowFields],
        _ source: (String) -> CorpusSource
    ) throws {
        let plain = try folder.write(name, bytes)
        let cuts = [0, bytes.count / 3, bytes.count / 3, bytes.count / 2, bytes.count]
        var members: [UInt8] = []
        for (start, end) in zip(cuts, cuts.dropFirst()) {
            let file = try OutputFile(path: folder.file("member"), compressed: true)
            try file.write(bytes: bytes[start..<end])
            try file.commit()
            members += try Data(contentsOf: URL(fileURLWithPath: folder.file("member")))
        }
        let packed = try folder.write("\(name).gz", members)
        for path in [plain, packed] {
            for size in Self.sizes {
                var reader = try RecordReader(source(path), chunkSize: size)
                var count = 0
                while let record = try reader.next() {
                    guard count < wanted.count else {
                        Issue.record("more rows than were written")
                        return
                    }
                    let row = wanted[count]
                    guard record.text == row.text, record.label == row.label,
                        row.id == nil || record.id == row.id
                    else {
                        Issue.record("\(path), chunks of \(size), row \(count): \(record), \(row)")
                        return
                    }
                    count += 1
                }
                #expect(count == wanted.count, "\(path), chunks of \(size)")
            }
        }
    }

    @Test(arguments: [UInt64](1...4)) func jsonl(seed: UInt64) throws {
        var make = RowMaker(seed: seed)
        let rows = (0..<30).map { number in
            RowFields(
                text: make.text(RowMaker.hard), label: make.text(["x", "é"]), id: "\(number)")
        }
        var out = make.below(2) == 0 ? "\u{FEFF}" : ""
        for row in rows {
            if make.below(5) == 0 { out += make.below(2) == 0 ? "\n" : "  \r\n" }
            out +=
                "{\"label\":\(JSONText.quoted(row.label ?? "")),\"id\":\(row.id ?? ""),"
                + "\"x\":{\"text\":[1]},\"text\":\(JSONText.quoted(row.text ?? ""))}"
            out += make.below(3) == 0 ? "\r\n" : "\n"
        }
        if make.below(2) == 0 { out.removeLast() }
        try check("a.jsonl", Array(out.utf8), rows) {
            CorpusSource(paths: [$0], labelField: "label")
        }
    }

    @Test(arguments: [UInt64](1...4)) func lines(seed: UInt64) throws {
        var make = RowMaker(seed: seed)
        let rows = (0..<40).map { _ in RowFields(text: make.text(RowMaker.easy)) }
        var out = make.below(2) == 0 ? "\u{FEFF}" : ""
        for row in rows {
            if make.below(5) == 0 { out += "\n" }
            out += (row.text ?? "") + (make.below(3) == 0 ? "\r\n" : "\n")
        }
        if make.below(2) == 0 { out.removeLast() }
        try check("a.txt", Array(out.utf8), rows) { CorpusSource(paths: [$0]) }
    }

    @Test(arguments: [UInt64](1...6), [",", "\t"]) func separated(
        seed: UInt64, separator: String
    ) throws {
        var make = RowMaker(seed: seed)
        func cell(_ text: String, _ make: inout RowMaker) -> String {
            let mustQuote = text.unicodeScalars.contains { "\",\t\r\n".unicodeScalars.contains($0) }
            guard mustQuote || make.below(4) == 0 else { return text }
            return "\"" + text.replacing("\"", with: "\"\"") + "\""
        }
        let end = make.below(2) == 0 ? "\r\n" : "\n"
        var out = make.below(2) == 0 ? "\u{FEFF}" : ""
        out += ["other", "text", "label", "id"].map { cell($0, &make) }.joined(separator: separator)
        out += end
        var rows: [RowFields] = []
        for number in 0..<30 {
            let row = RowFields(
                text: make.text(RowMaker.hard), label: make.text(["x", "\""]), id: "id \(number)")
            rows.append(row)
            if make.below(6) == 0 { out += end }
            out += [make.below(2) == 0 ? "" : "\"", row.text ?? "", row.label ?? "", row.id ?? ""]
                .enumerated().map {
                    $0.offset == 0 && $0.element.isEmpty ? "" : cell($0.element, &make)
                }
                .joined(separator: separator)
            out += end
        }
        if make.below(2) == 0 { out.removeLast() }
        try check("a.\(separator == "," ? "csv" : "tsv")", Array(out.utf8), rows) {
            CorpusSource(paths: [$0], labelField: "label")
        }
    }
}
