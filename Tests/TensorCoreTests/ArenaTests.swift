// The arena: alignment, growth in the first steps and none after, marks.

import TensorCore
import Testing

@Suite struct ArenaTests {
    @Test func everythingIsAlignedAndApart() {
        withArena { arena in
            var taken: [(start: Int, end: Int)] = []
            for count in [0, 1, 15, 16, 17, 100_000, 3, 500_000, 64] {
                let floats = Int(bitPattern: arena.floats(count))
                taken.append((floats, floats + 4 * count))
                let ints = Int(bitPattern: arena.ints(count))
                taken.append((ints, ints + 4 * count))
                let matrix = arena.matrix(3, count)
                taken.append(
                    (Int(bitPattern: matrix.base), Int(bitPattern: matrix.base) + 12 * count))
            }
            #expect(taken.allSatisfy { $0.start % 64 == 0 })
            for (index, left) in taken.enumerated() {
                for right in taken[(index + 1)...] {
                    #expect(left.end <= right.start || right.end <= left.start)
                }
            }
            #expect(arena.zeros(9, 7).toArray().allSatisfy { $0 == 0 })
            #expect(arena.vector(5).rows == 1)
        }
    }

    @Test func stepsOfOneSizeAllocateNothing() {
        let arena = Arena()
        var growths: [Int] = []
        var bytes: [Int] = []
        for _ in 0..<6 {
            arena.reset()
            #expect(arena.usedBytes == 0)
            for count in [1000, 700_000, 12, 2_000_000, 33, 400_000] {
                arena.matrix(1, count).fill(1)
            }
            growths.append(arena.growths)
            bytes.append(arena.allocatedBytes)
        }
        #expect(growths[0] > 1)
        #expect(growths[1] == growths[0] + 1, "the chunks become one")
        #expect(growths[1...].allSatisfy { $0 == growths[1] }, "\(growths)")
        #expect(bytes[1...].allSatisfy { $0 == bytes[1] }, "\(bytes)")
        #expect(arena.peakBytes <= bytes[1] && arena.usedBytes <= arena.peakBytes)
        // A smaller step fits as well.
        arena.reset()
        _ = arena.matrix(10, 10)
        #expect(arena.growths == growths[1])
    }

    @Test func aReservedArenaDoesNotGrow() {
        let arena = Arena(reserving: 8 << 20)
        #expect(arena.growths == 1 && arena.allocatedBytes >= 8 << 20)
        for _ in 0..<3 {
            _ = arena.matrix(1000, 1000)
            _ = arena.matrix(1000, 1000)
            arena.reset()
        }
        #expect(arena.growths == 1)
    }

    @Test func marks() {
        withArena { arena in
            let kept = arena.vector(100)
            kept.fill(5)
            let mark = arena.mark
            let used = arena.usedBytes
            let first = arena.vector(50)
            _ = arena.vector(3_000_000)
            let inner = arena.mark
            _ = arena.vector(10)
            arena.rewind(to: inner)
            arena.rewind(to: mark)
            #expect(arena.usedBytes == used)
            // The same memory again, and what lies before the mark is untouched.
            #expect(arena.vector(50).base == first.base)
            #expect(kept.toArray() == Array(repeating: 5, count: 100))
            let growths = arena.growths
            _ = arena.vector(3_000_000)
            #expect(arena.growths == growths, "rewinding keeps the chunks")
        }
    }

    @Test func viewsOfAMatrix() {
        withArena { arena in
            let matrix = arena.matrix(4, 6, (0..<24).map { Float($0) })
            #expect(matrix[2, 3] == 15 && matrix.row(1).toArray() == [6, 7, 8, 9, 10, 11])
            let part = matrix.rows(1..<3).columns(2..<5)
            #expect(part.toArray() == [8, 9, 10, 14, 15, 16] && !part.isContiguous)
            part[1, 2] = -1
            #expect(matrix[2, 4] == -1)
            part.fill(3)
            #expect(matrix[1, 1] == 7 && matrix[1, 2] == 3 && matrix[2, 5] == 17)
            let copy = arena.matrix(2, 3)
            copy.copy(from: part)
            #expect(copy.toArray() == Array(repeating: 3, count: 6))
            part.assign([1, 2, 3, 4, 5, 6])
            #expect(part.toArray() == [1, 2, 3, 4, 5, 6] && matrix[3, 2] == 20)
            #expect(matrix.reshaped(rows: 8, columns: 3)[7, 2] == 23)
            #expect(matrix.rows(2..<2).count == 0 && matrix.columns(6..<6).toArray().isEmpty)
        }
    }

    @Test func accessOutsideStops() async {
        await #expect(processExitsWith: .failure) { _ = Arena().zeros(2, 3)[2, 0] }
        await #expect(processExitsWith: .failure) { _ = Arena().zeros(2, 3)[0, -1] }
        await #expect(processExitsWith: .failure) { _ = Arena().zeros(2, 3).rows(1..<3) }
        await #expect(processExitsWith: .failure) { Arena().zeros(2, 3).assign([1]) }
        await #expect(processExitsWith: .failure) {
            let arena = Arena()
            let (a, b, c) = (arena.zeros(3, 4), arena.zeros(5, 6), arena.zeros(3, 6))
            Compute(threads: 1).gemm(a, b, into: c)
        }
    }
}
