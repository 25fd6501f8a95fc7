// The gate that compares with very many texts at once gives the verdicts of comparing with each in turn.

import Foundation
import TestSupport
import Testing

@testable import Methods

/// The gate as a plain double loop.
struct PlainGate {
    let threshold: Double
    private var seen: [[String]] = []

    init(threshold: Double) { self.threshold = threshold }

    mutating func add(_ text: String) { seen.append(RougeL.words(text)) }

    func refuses(_ text: String) -> Bool {
        let words = RougeL.words(text)
        return seen.contains { RougeL.fMeasure(words, $0) > threshold }
    }
}

/// Texts of drawn words, the frequent ones far more often, some of them edits of others.
struct DrawnTexts {
    var numbers: SampleNumbers
    let vocabulary: Int

    init(seed: UInt64, vocabulary: Int) {
        numbers = SampleNumbers(seed: seed)
        self.vocabulary = vocabulary
    }

    /// A word by Zipf's law, near enough.
    mutating func word() -> String {
        let share = Double(numbers.below(1 << 20)) / Double(1 << 20)
        return "w\(Int(pow(Double(vocabulary), share)))"
    }

    mutating func text(_ lengths: ClosedRange<Int>) -> [String] {
        let count = lengths.lowerBound + numbers.below(lengths.count)
        return (0..<count).map { _ in word() }
    }

    /// The same text with some words changed, dropped or put in.
    mutating func edit(_ words: [String], _ edits: Int) -> [String] {
        var words = words
        for _ in 0..<edits {
            let place = numbers.below(words.count + 1)
            switch numbers.below(3) {
            case 0 where place < words.count: words[place] = word()
            case 1 where place < words.count: words.remove(at: place)
            default: words.insert(word(), at: place)
            }
        }
        return words
    }
}

@Suite struct SimilarityGateTests {
    @Test(arguments: [0, 0.3, 0.5, 0.7, 0.75, 0.95, 1])
    func verdictsAreThoseOfTheDoubleLoop(threshold: Double) {
        for (seed, lengths) in [(1, 0...6), (2, 1...20), (3, 30...140), (4, 60...70)] {
            var texts = DrawnTexts(
                seed: UInt64(seed), vocabulary: lengths.upperBound > 20 ? 400 : 40)
            var gate = SimilarityGate(threshold: threshold)
            var plain = PlainGate(threshold: threshold)
            var kept: [[String]] = []
            var refused = 0
            for number in 0..<(lengths.upperBound > 20 ? 120 : 300) {
                // Every third is near to an earlier one, by edits that cross the threshold both ways.
                var words = texts.text(lengths)
                if number % 3 == 2 {
                    let other = kept[texts.numbers.below(kept.count)]
                    words = texts.edit(other, texts.numbers.below(1 + other.count / 2))
                }
                let text = words.joined(separator: " ")
                let verdict = gate.refuses(text)
                #expect(verdict == plain.refuses(text), "\(text)")
                refused += verdict ? 1 : 0
                guard number % 2 == 0 || !verdict else { continue }
                gate.add(text)
                plain.add(text)
                kept.append(words)
            }
            #expect(gate.count == kept.count)
            // Both verdicts came.
            #expect(refused > 0 || threshold == 1)
        }
    }

    /// F of exactly the threshold is let through, however it is rounded.
    @Test func theThresholdItselfIsLetThrough() {
        for length in 1...60 {
            for common in 0...length {
                let left = (0..<length).map { "a\($0)" }
                let right = (0..<length).map { $0 < common ? "a\($0)" : "b\($0)" }
                let f = RougeL.fMeasure(left, right)
                for threshold in [f, f.nextDown, f.nextUp] where threshold >= 0 {
                    var gate = SimilarityGate(threshold: threshold)
                    gate.add(left.joined(separator: " "))
                    #expect(gate.refuses(right.joined(separator: " ")) == (f > threshold))
                }
            }
        }
    }
}

/// Figures, not checks; printed when RETORT_MEASURE is set.
@Suite(
    .enabled(
        if: ProcessInfo.processInfo.environment["RETORT_MEASURE"] != nil, "needs RETORT_MEASURE"))
struct SimilarityMeasurements {
    /// A pool of 100,000 instructions, with one of its size to be looked at: ratio of a plain double loop
    /// (words as numbers, lengths that can't refuse passed over) to the gate.
    @Test func largePool() throws {
        var instructions = Self.instructions()
        var numbers = SampleNumbers(seed: 5)
        let distinct = instructions
        var mixed = DrawnTexts(seed: 9, vocabulary: 30_000)
        // Real instructions spliced with others, word by word, until there are enough.
        while instructions.count < 100_000 {
            let left = distinct[numbers.below(distinct.count)]
            let right = distinct[numbers.below(distinct.count)]
            let cut = numbers.below(left.count + 1)
            instructions.append(mixed.edit(Array(left[..<cut] + right.suffix(right.count / 2)), 4))
        }
        let texts = instructions.map { $0.joined(separator: " ") }
        let looks = 20
        let queries = (0..<looks).map { number in
            number % 2 == 0
                ? mixed.edit(instructions[numbers.below(texts.count)], 2).joined(separator: " ")
                : instructions[numbers.below(texts.count)].reversed().joined(separator: " ")
        }
        var gate = SimilarityGate(threshold: 0.7)
        let added = Self.seconds { for text in texts { gate.add(text) } }
        var verdicts: [Bool] = []
        let fast = Self.seconds { verdicts = queries.map { gate.refuses($0) } }

        var ids: [String: Int32] = [:]
        let encoded = (texts + queries).map { text in
            RougeL.words(text).map { word in
                if let known = ids[word] { return known }
                let next = Int32(ids.count)
                ids[word] = next
                return next
            }
        }
        var plain: [Bool] = []
        let slow = Self.seconds {
            plain = (0..<looks).map {
                Self.plain(encoded[texts.count + $0], encoded[..<texts.count])
            }
        }
        #expect(plain == verdicts)
        let lengths = instructions.map(\.count).sorted()
        print(
            "similarity: \(texts.count) instructions of \(lengths[lengths.count / 2]) words (median), "
                + "\(verdicts.count { $0 }) of \(looks) refused; plain double loop / gate = "
                + "\(Int(slow / fast)); adding all takes \(Int(added / (fast / Double(looks)))) looks"
        )
    }

    private static func plain(_ words: [Int32], _ others: ArraySlice<[Int32]>) -> Bool {
        others.contains { other in
            let sum = Double(words.count + other.count)
            guard sum > 0, 2 * Double(min(words.count, other.count)) / sum > 0.7 else {
                return false
            }
            return RougeL.fMeasure(words, other) > 0.7
        }
    }

    /// Real instructions where they are at hand, else drawn ones.
    private static func instructions() -> [[String]] {
        var found: [[String]] = []
        for file in ["seed_tasks", "user_oriented_instructions"] {
            let path = SharedData.path("data/instructions/\(file).jsonl")
            guard let text = try? String(contentsOfFile: path, encoding: .utf8) else { continue }
            for line in text.split(separator: "\n") {
                let row = try? JSONSerialization.jsonObject(with: Data(line.utf8)) as? [String: Any]
                if let words = (row?["instruction"] as? String).map(RougeL.words) {
                    found.append(words)
                }
            }
        }
        var drawn = DrawnTexts(seed: 4, vocabulary: 30_000)
        while found.count < 400 { found.append(drawn.text(6...30)) }
        return found
    }

    /// Seconds that this thread has computed: the machine may be busy with other work.
    private static func seconds(_ body: () -> Void) -> Double {
        func now() -> Double {
            var time = timespec()
            clock_gettime(CLOCK_THREAD_CPUTIME_ID, &time)
            return Double(time.tv_sec) + Double(time.tv_nsec) / 1e9
        }
        let start = now()
        body()
        return now() - start
    }
}
