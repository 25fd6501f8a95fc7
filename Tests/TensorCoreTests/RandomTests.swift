// Philox against the vectors that its authors published, and what is built on it.

import TensorCore
import Testing

@Suite struct RandomTests {
    /// Random123's kat_vectors, philox4x32-10.
    @Test func publishedVectors() {
        typealias Vector = (counter: SIMD4<UInt32>, key: SIMD2<UInt32>, words: SIMD4<UInt32>)
        let ones = UInt32.max
        let vectors: [Vector] = [
            (
                SIMD4(0, 0, 0, 0), SIMD2(0, 0),
                SIMD4(0x6627_e8d5, 0xe169_c58d, 0xbc57_ac4c, 0x9b00_dbd8)
            ),
            (
                SIMD4(ones, ones, ones, ones), SIMD2(ones, ones),
                SIMD4(0x408f_276d, 0x41c8_3b0e, 0xa20b_c7c6, 0x6d54_51fd)
            ),
            (
                SIMD4(0x243f_6a88, 0x85a3_08d3, 0x1319_8a2e, 0x0370_7344),
                SIMD2(0xa409_3822, 0x299f_31d0),
                SIMD4(0xd16c_fe09, 0x94fd_cceb, 0x5001_e420, 0x2412_6ea1)
            ),
        ]
        for vector in vectors {
            #expect(Philox4x32.random(counter: vector.counter, key: vector.key) == vector.words)
            #expect(Philox4x32(key: vector.key).random(vector.counter) == vector.words)
        }
        let seeded = Philox4x32(seed: 0x299f_31d0_a409_3822)
        #expect(
            seeded.bits(0x85a3_08d3_243f_6a88, stream: 0x0370_7344_1319_8a2e)
                == 0x94fd_cceb_d16c_fe09)
    }

    @Test func uniformNumbers() {
        let generator = Philox4x32(seed: 7)
        let count = 100_000
        var (sum, squares) = (0.0, 0.0)
        for index in 0..<count {
            let value = generator.uniform(UInt64(index), stream: 3)
            #expect(value >= 0 && value < 1)
            sum += value
            squares += (value - 0.5) * (value - 0.5)
        }
        // Five standard deviations of the mean and of the mean square.
        #expect(abs(sum / Double(count) - 0.5) < 5 * (1.0 / 12 / Double(count)).squareRoot())
        #expect(
            abs(squares / Double(count) - 1.0 / 12)
                < 5 * (1.0 / 180 / Double(count)).squareRoot())
        #expect(generator.uniform(5) != generator.uniform(5, stream: 1))
        #expect(generator.uniform(5) == Philox4x32(seed: 7).uniform(5))
        #expect(generator.uniform(5) != Philox4x32(seed: 8).uniform(5))
    }

    @Test func normalNumbers() {
        let generator = Philox4x32(seed: 9)
        let count = 100_000
        var moments = [0.0, 0.0, 0.0, 0.0]
        for index in 0..<count {
            let value = generator.normal(UInt64(index))
            #expect(value.isFinite)
            for power in 0..<4 {
                moments[power] += (0...power).reduce(1) { product, _ in product * value }
            }
        }
        // Means 0, 1, 0, 3 with variances 1, 2, 15, 96.
        for (power, (mean, variance)) in [(0.0, 1.0), (1, 2), (0, 15), (3, 96)].enumerated() {
            let deviation = (variance / Double(count)).squareRoot()
            #expect(abs(moments[power] / Double(count) - mean) < 5 * deviation, "\(power + 1)")
        }
    }

    @Test func wholeNumbers() {
        let generator = Philox4x32(seed: 10)
        for bound: UInt64 in [1, 2, 7, 1000] {
            var counts = Array(repeating: 0, count: Int(bound))
            let draws = 20_000
            for index in 0..<draws {
                counts[Int(generator.integer(below: bound, UInt64(index), stream: bound))] += 1
            }
            let due = Double(draws) / Double(bound)
            #expect(counts.allSatisfy { abs(Double($0) - due) <= 6 * due.squareRoot() + 1 })
        }
        #expect(generator.integer(below: .max, 3) < .max)
    }

    @Test func mixingDependsOnEveryBit() {
        var seen: Set<UInt64> = [Philox4x32.mix(0, 0)]
        for bit in 0..<64 {
            seen.insert(Philox4x32.mix(1 << bit, 0))
            seen.insert(Philox4x32.mix(0, 1 << bit))
        }
        #expect(seen.count == 129)
        #expect(Philox4x32.mix(1, 2) != Philox4x32.mix(2, 1))
    }
}
