// Orders, splits and leases: pure functions, fair, and the same on every machine.

import Testing

@testable import Corpus

@Suite struct SamplingTests {
    @Test func splitMixHasItsPublishedValues() {
        // The reference code's first outputs from state 1234567.
        let wanted: [UInt64] = [
            6_457_827_717_110_365_317, 3_203_168_211_198_807_973, 9_817_491_932_198_370_423,
            4_593_380_528_125_082_431, 16_408_922_859_458_223_821,
        ]
        let stream = CounterRandom(key: 1_234_567)
        #expect((0..<5).map { stream[UInt64($0)] } == wanted)
    }

    @Test func aPermutationHoldsEachOnce() {
        for count in [0, 1, 2, 3, 10, 1000] {
            let order = Permutation(count: count, seed: 3, epoch: 1)
            #expect(order.count == count)
            #expect((0..<count).map { order[$0] }.sorted() == Array(0..<count))
            #expect(order[0..<count] == (0..<count).map { order[$0] })
        }
    }

    @Test func aPermutationIsAFunctionOfItsArguments() {
        func order(_ seed: UInt64, _ epoch: Int) -> [Int] {
            Permutation(count: 100, seed: seed, epoch: epoch)[0..<100]
        }
        #expect(order(1, 0) == order(1, 0))
        #expect(order(1, 0) != order(1, 1))
        #expect(order(1, 0) != order(2, 0))
        #expect(order(1, 2) != order(2, 1))
        // Written down: the order of an epoch is part of what makes a run repeatable.
        #expect(
            Permutation(count: 8, seed: 1, epoch: 0)[0..<8] == [0, 4, 6, 3, 5, 2, 1, 7])
    }

    @Test func everyOrderIsAsLikely() {
        var counts: [[Int]: Int] = [:]
        for seed in 0..<24000 {
            counts[Permutation(count: 4, seed: UInt64(seed), epoch: 0)[0..<4], default: 0] += 1
        }
        #expect(counts.count == 24)
        // Chi squared of 23 degrees of freedom: above 55 about once in 5,000 times.
        let chi = counts.values.reduce(0.0) { $0 + Double(($1 - 1000) * ($1 - 1000)) / 1000 }
        #expect(chi < 55, "\(chi)")
    }

    @Test func aSplitStaysWhenDataIsAppended() {
        let ids = (0..<10000).map { "record-\($0)" }
        let split = HeldOutSplit(.fraction(0.1), seed: 5)
        let few = split.indexes(of: Array(ids[..<4000]))
        let many = split.indexes(of: ids)
        #expect(few.heldOut == many.heldOut.filter { $0 < 4000 })
        #expect((900...1100).contains(many.heldOut.count), "\(many.heldOut.count)")
        #expect((many.training + many.heldOut).sorted() == Array(ids.indices))
        // The order of the records doesn't matter either.
        let turned = split.indexes(of: ids.reversed())
        #expect(turned.heldOut.map { 9999 - $0 }.sorted() == many.heldOut)
        #expect(HeldOutSplit(.fraction(0.1), seed: 6).indexes(of: ids).heldOut != many.heldOut)
        #expect(HeldOutSplit(.fraction(0), seed: 5).indexes(of: ids).heldOut.isEmpty)
        #expect(HeldOutSplit(.fraction(1), seed: 5).indexes(of: ids).training.isEmpty)
    }

    @Test func aSplitOfACount() {
        let ids = (0..<1000).map { "\($0)" }
        for count in [0, 1, 100, 1000, 5000] {
            let parts = HeldOutSplit(.count(count), seed: 1).indexes(of: ids)
            #expect(parts.heldOut.count == min(count, 1000))
            #expect(parts.training.count == 1000 - min(count, 1000))
            #expect(parts.heldOut == parts.heldOut.sorted())
        }
        let records = ids.map {
            Record(id: $0, text: "t", source: Place(file: "f", line: 1))
        }
        let parts = HeldOutSplit(.count(10), seed: 1).split(records)
        #expect(parts.heldOut.count == 10)
        #expect(parts.training.count == 990)
    }

    @Test func leasesCoverEverythingOnce() throws {
        for (count, size) in [(0, 3), (1, 3), (9, 3), (10, 3), (100, 7)] {
            var counter: Int64 = 0
            var asked = 0
            var dealers = (0..<3).map { _ in
                LeaseDealer(count: count, leaseSize: size) { amount in
                    asked += 1
                    counter += amount
                    return counter - amount
                }
            }
            var seen: [Int] = []
            var open = true
            while open {
                open = false
                for index in dealers.indices {
                    guard let lease = try dealers[index].next() else { continue }
                    #expect(lease.count <= size && !lease.isEmpty)
                    seen += Array(lease)
                    open = true
                }
            }
            #expect(seen.sorted() == Array(0..<count))
            let before = asked
            for index in dealers.indices { #expect(try dealers[index].next() == nil) }
            #expect(asked == before)
        }
    }

    @Test func aCounterThatFailsIsHeard() {
        struct Lost: Error {}
        var dealer = LeaseDealer(count: 5, leaseSize: 2) { _ in throw Lost() }
        #expect(throws: Lost.self) { try dealer.next() }
    }
}
