// Fork and join: every index once, in fixed blocks, nested, crowded, and many times in a row.

import Kernels
import Synchronization
import TensorCore
import Testing

@Suite struct ThreadPoolTests {
    @Test(arguments: [1, 2, 3, 4, 9])
    func everyIndexOnceInFixedBlocks(_ threads: Int) {
        let compute = Compute(threads: threads)
        #expect(compute.threadCount == threads)
        for (count, grain) in [(0, 1), (1, 1), (7, 3), (100, 1), (101, 10), (64, 64), (5, 100)] {
            let visits = (0..<count).map { _ in Counter() }
            let calls = Counter()
            compute.parallelFor(count, grain: grain) { range in
                calls.add()
                #expect(range.lowerBound % grain == 0)
                #expect(range.count == min(grain, count - range.lowerBound))
                for index in range { visits[index].add() }
            }
            #expect(visits.allSatisfy { $0.value == 1 }, "\(count) by \(grain)")
            #expect(calls.value == (count + grain - 1) / grain)
        }
    }

    /// Short jobs one after another: workers come late, sleep, wake, and never work on an old job.
    @Test(arguments: [2, 4])
    func manyRounds(_ threads: Int) {
        let compute = Compute(threads: threads)
        withArena { arena in
            let place = arena.vector(64)
            for round in 0..<20_000 {
                let count = 1 + round % 7
                place.fill(-1)
                compute.parallelFor(count) { range in
                    for index in range { place.base[index] = Float(round + index) }
                }
                let right = (0..<count).allSatisfy { place.base[$0] == Float(round + $0) }
                if !right || place.base[count] != -1 {
                    Issue.record("round \(round)")
                    return
                }
            }
        }
    }

    @Test(arguments: [1, 2, 4])
    func nestedCallsRunInPlace(_ threads: Int) {
        let compute = Compute(threads: threads)
        let other = Compute(threads: 2)
        let visits = (0..<30 * 20).map { _ in Counter() }
        let others = Counter()
        compute.parallelFor(30) { outer in
            for row in outer {
                compute.parallelFor(20, grain: 3) { inner in
                    for column in inner { visits[row * 20 + column].add() }
                }
                other.parallelFor(4) { others.add($0.count) }
            }
        }
        #expect(visits.allSatisfy { $0.value == 1 })
        #expect(others.value == 120)
    }

    /// Contexts of several callers at once, more threads than processors.
    @Test func manyContexts() async {
        let total = await withTaskGroup(of: Int.self) { group in
            for _ in 0..<6 {
                group.addTask {
                    let compute = Compute(threads: 3)
                    let sum = Counter()
                    for _ in 0..<300 { compute.parallelFor(50, grain: 4) { sum.add($0.count) } }
                    return sum.value
                }
            }
            return await group.reduce(0, +)
        }
        #expect(total == 6 * 300 * 50)
    }

    /// Contexts come and go without leaving threads behind.
    @Test func contextsEnd() {
        for round in 0..<200 {
            let compute = Compute(threads: 1 + round % 4)
            let sum = Counter()
            if round % 2 == 0 { compute.parallelFor(10) { sum.add($0.count) } }
            #expect(sum.value == (round % 2 == 0 ? 10 : 0))
        }
    }

    @Test func defaults() {
        #expect(Compute().threadCount >= 1)
        #expect(Compute(threads: 1).instructionSet == .preferred)
        #expect(Compute(threads: 1, instructionSet: .baseline).instructionSet == .baseline)
        #expect(Compute(threads: 1).measuredPeak(repetitions: 2) > 1e8)
    }
}

/// A number that threads add to.
private final class Counter: Sendable {
    private let count = Atomic<Int>(0)

    func add(_ more: Int = 1) { count.wrappingAdd(more, ordering: .relaxed) }

    var value: Int { count.load(ordering: .sequentiallyConsistent) }
}
