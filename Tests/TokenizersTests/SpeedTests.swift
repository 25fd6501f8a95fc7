// How fast it is, on texts that `RETORT_TOKENIZER_SPEED` names (one a line) and with the tokenizer that
// `RETORT_TOKENIZER_FILE` names, or the recorded WordPiece; figures are printed.

import Foundation
import Testing

@testable import Tokenizers

@Suite(.serialized) struct SpeedTests {
    static let texts = ProcessInfo.processInfo.environment["RETORT_TOKENIZER_SPEED"]

    static let file = ProcessInfo.processInfo.environment["RETORT_TOKENIZER_FILE"]

    @Test(
        .enabled(if: texts != nil, "RETORT_TOKENIZER_SPEED names no file of texts"),
        .enabled(
            if: file != nil || RepositoryFiles.hasShared(GoldenTests.file),
            "no tokenizer in ../shared"))
    func figures() throws {
        let path = Self.file ?? RepositoryFiles.shared(GoldenTests.file)
        let clock = ContinuousClock()
        let loads = try (0..<5).map { _ in try clock.measure { _ = try Tokenizer(contentsOf: path) }
        }
        print("loading, first and best of five: \(loads[0]), \(loads.min() ?? .zero)")

        let tokenizer = try Tokenizer(contentsOf: path)
        var lines = try ByteLines(path: try #require(Self.texts))
        var texts: [String] = []
        while let line = try lines.next() { texts.append(String(decoding: line, as: UTF8.self)) }
        report("encodeIDs", texts) { tokenizer.encodeIDs($0).count }
        report("encode", texts) { tokenizer.encode($0).count }
        let ids = texts.map { tokenizer.encodeIDs($0) }
        let decoding = clock.measure { for text in ids { _ = tokenizer.decode(text) } }
        print("decode: \(ids.reduce(0) { $0 + $1.count }) tokens in \(decoding)")
    }

    /// Prints the best of five rounds.
    private func report(_ name: String, _ texts: [String], _ encode: (String) -> Int) {
        let clock = ContinuousClock()
        var tokens = 0
        let rounds = (0..<5).map { _ in
            clock.measure { tokens = texts.reduce(0) { $0 + encode($1) } }
        }
        let seconds = (rounds.min() ?? .zero) / .seconds(1)
        print("\(name): \(tokens) tokens in \(seconds) s, \(Double(tokens) / seconds / 1e6) M/s")
    }
}
