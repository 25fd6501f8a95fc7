// BERT's normaliser at once and step by step, with and without origins; origins that stay in order.

import Testing

@testable import Tokenizers

@Suite struct NormalizerTests {
    /// Random text of scalars that the normaliser treats in different ways.
    private static func text(_ random: inout SplitMix64) -> [UInt8] {
        let ranges: [ClosedRange<UInt32>] = [
            0...0x7F, 0xA0...0x24F, 0x300...0x36F, 0x590...0x5FF, 0x900...0x97F, 0x1B00...0x1B4F,
            0x1E00...0x1FFF, 0x3000...0x30FF, 0x4E00...0x4E20, 0xAC00...0xAC40, 0xF900...0xFAFF,
            0x1D150...0x1D17F, 0x2F800...0x2F820, 0xE000...0xE010, 0x130...0x131,
        ]
        var bytes: [UInt8] = []
        for _ in 0..<random.next(below: 24) {
            let range = ranges[random.next(below: ranges.count)]
            UTF8Bytes.append(
                range.lowerBound + UInt32(random.next(below: range.count)), to: &bytes)
        }
        return bytes
    }

    @Test func atOnceIsByStep() {
        var random = SplitMix64(seed: 11)
        var compared = 0
        for number in 0..<24 {
            let accents: Bool? = number % 3 == 0 ? nil : number % 3 == 1
            let normalizer = BertNormalizer(
                cleansText: number & 1 == 0, handlesChinese: number & 2 == 0,
                stripsAccents: accents, lowercases: number & 4 == 0)
            for _ in 0..<400 {
                let bytes = Self.text(&random)
                var stepped = NormalizedText(
                    original: bytes[...], firstScalar: 7, tracksOrigins: true)
                let original = stepped
                normalizer.normalizeByStep(&stepped)
                if let atOnce = normalizer.normalizedAtOnce(original) {
                    compared += 1
                    #expect(atOnce.bytes == stepped.bytes && atOnce.origins == stepped.origins)
                }
                var whole = original
                normalizer.normalize(&whole)
                #expect(whole.bytes == stepped.bytes && whole.origins == stepped.origins)
                var untracked = NormalizedText(
                    original: bytes[...], firstScalar: 0, tracksOrigins: false)
                normalizer.normalize(&untracked)
                #expect(untracked.bytes == stepped.bytes && untracked.origins.isEmpty)
                #expect(UTF8Bytes.firstInvalidByte(in: stepped.bytes) == nil)
                #expect(stepped.origins.count == stepped.bytes.count)
                for (one, next) in zip(stepped.origins, stepped.origins.dropFirst()) {
                    #expect(one.start <= next.start && one.end <= next.end)
                }
            }
        }
        #expect(compared > 5000)
    }

    @Test func marksAreOrdered() {
        var text = NormalizedText(
            original: Array("a\u{301}\u{323}é\u{323}각".utf8)[...], firstScalar: 0,
            tracksOrigins: true)
        Normalizer.nfd.normalize(&text)
        let wanted = "a\u{323}\u{301}e\u{323}\u{301}\u{1100}\u{1161}\u{11A8}"
        #expect(text.bytes == Array(wanted.utf8))
        let starts = zip(text.bytes, text.origins).filter { !UTF8Bytes.isContinuation($0.0) }
        #expect(starts.map { $0.1.start } == [0, 1, 2, 3, 4, 4, 5, 5, 5])
    }
}
