// Every Unicode scalar through every stage that looks at scalars, against checksums of what
// Hugging Face `tokenizers` makes of them (Oracle/make_sweep.py).

import Foundation
import Testing

@testable import Tokenizers

@Suite struct SweepTests {
    struct Sweep: Decodable {
        struct Stage: Decodable { let planes: [String] }
        let stages: [Stage]
    }

    /// A sweep is a matter of seconds with the optimiser, of minutes without.
    static let isOptimized = {
        var isOptimized = true
        assert(
            {
                isOptimized = false
                return true
            }())
        return isOptimized
    }()

    @Test(.enabled(if: isOptimized, "run in release builds only"))
    func everyScalarThroughEveryStage() throws {
        let path = RepositoryFiles.resource("sweep.json")
        let bytes = try InputFile.read(path)
        let sums = try JSONDecoder().decode(Sweep.self, from: Data(bytes)).stages
        let stages = try JSONField(bytes: bytes, file: path).required("stages").elements()
        #expect(stages.count == 40)
        // Planes 4 to 13 are unassigned and 15 and 16 private: all of them take half a minute.
        let isWhole = ProcessInfo.processInfo.environment["RETORT_TOKENIZER_SWEEP"] == "all"
        for (stage, wanted) in zip(stages, sums) {
            let field = try stage.required("stage")
            let output = try Self.output(of: field)
            for (plane, sum) in wanted.planes.enumerated() where isWhole || plane < 3 {
                let found = String(Self.checksum(ofPlane: plane, output), radix: 16)
                let padded = String(repeating: "0", count: 16 - found.count) + found
                #expect(padded == sum, "plane \(plane) of \(field.path)")
            }
        }
    }

    /// What a stage makes of a text, in the form that the checksums are of.
    private static func output(
        of field: JSONField
    ) throws -> ([UInt8]) -> [UInt8] {
        func text(_ bytes: [UInt8]) -> NormalizedText {
            NormalizedText(original: bytes[...], firstScalar: 0, tracksOrigins: false)
        }
        if let normalizer = try? Normalizer(field) {
            return { bytes in
                var text = text(bytes)
                normalizer.normalize(&text)
                return text.bytes
            }
        }
        let preTokenizer = try PreTokenizer(field)
        return { bytes in
            var words: [Range<Int>] = []
            preTokenizer.appendWords(of: text(bytes), 0..<bytes.count, to: &words)
            return words.flatMap { bytes[$0] + Array("@\($0.lowerBound);".utf8) }
        }
    }

    private static func checksum(
        ofPlane plane: Int, _ output: ([UInt8]) -> [UInt8]
    ) -> UInt64 {
        var sum = ByteStringTable.emptyHash
        let (before, after) = (Array("\u{301}".utf8), Array("\u{323}".utf8))
        let letter = [UInt8(ascii: "a")]
        for value in UInt32(plane << 16)..<UInt32((plane + 1) << 16) {
            guard let scalar = Unicode.Scalar(value) else { continue }
            let bytes = Array(Character(scalar).utf8)
            let texts: [[UInt8]] = [bytes, letter + bytes + letter, before + bytes + after]
            for text in texts {
                for byte in output(text) { sum = ByteStringTable.extended(sum, by: byte) }
                sum = ByteStringTable.extended(sum, by: 0xFF)
            }
        }
        return sum
    }
}
