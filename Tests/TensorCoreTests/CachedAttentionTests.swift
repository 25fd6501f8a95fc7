// Attention to cached keys and values against the plain reference, and panels that are held as bfloat16
// against those that are held as floats.

import Foundation
import Kernels
import TensorCore
import Testing

@Suite struct CachedAttentionTests {
    /// Heads of odd widths, windows, sequences over several pages, one token or many at a time.
    @Test(arguments: InstructionSet.available)
    func attention(_ set: InstructionSet) {
        let compute = Compute(threads: 2, instructionSet: set)
        var numbers = SampleNumbers(seed: 41)
        for (heads, group, width, length) in [
            (1, 1, 6, 1), (2, 3, 8, 37), (2, 2, 64, 300), (1, 4, 80, 129),
        ] {
            for window in [nil, 1, 9, 130] {
                withArena { arena in
                    let pool = KeyValuePool(compute, layers: 2, heads: heads, headWidth: width)
                    let cache = KeyValueCache(pool)
                    let keys = arena.matrix(
                        length, heads * width, numbers.floats(length * heads * width))
                    let values = arena.matrix(
                        length, heads * width, numbers.floats(length * heads * width))
                    let columns = heads * group * width
                    let queries = Guarded(
                        arena, length, columns, numbers.floats(length * columns))
                    let output = Guarded(arena, length, columns)
                    let scale = 1 / Float(width).squareRoot()
                    // The first half at once, then token by token.
                    var start = 0
                    for end in Array((length + 1) / 2...length) {
                        cache.extend(by: end - start)
                        for token in start..<end {
                            cache.write(
                                layer: 1, token: token, keys: keys.row(token),
                                values: values.row(token))
                        }
                        let job = CachedAttentionJob(
                            cache: cache, firstPosition: start, rows: start..<end)
                        compute.cachedAttention(
                            [job], queries: queries.matrix, pool: pool, layer: 1, window: window,
                            scale: scale, into: output.matrix)
                        start = end
                    }
                    #expect(queries.isIntact && output.isIntact)
                    for head in 0..<heads * group {
                        check(
                            queries.matrix, keys, values, output.matrix, head: head, group: group,
                            width: width, window: window, scale: Double(scale), "\(set)")
                    }
                }
            }
        }
    }

    private func check(
        _ queries: Matrix, _ keys: Matrix, _ values: Matrix, _ output: Matrix, head: Int,
        group: Int, width: Int, window: Int?, scale: Double, _ name: String
    ) {
        let own = head * width..<(head + 1) * width
        let shared = head / group * width..<(head / group + 1) * width
        let (k, v) = (
            ReferenceMatrix(keys.columns(shared)), ReferenceMatrix(values.columns(shared))
        )
        let q = ReferenceMatrix(queries.columns(own))
        for token in 0..<queries.rows {
            let visible = max(0, token + 1 - (window ?? token + 1))..<token + 1
            let due = ReferenceOperations.attention(
                query: q.row(token), keys: k, values: v, visible: visible, scale: scale)
            // All numbers are below 1, so a score is off by at most its roundings times scale K.
            let score = scale * Double(width) * Double(width + 2) * unitRoundoff
            let bound = 2 * score + Double(visible.count + 20) * unitRoundoff
            expectClose(
                output.row(token).columns(own).toArray(), due, due.map { _ in bound },
                "\(name): head \(head) at \(token), window \(window ?? 0)")
        }
    }

    /// A fork shares full pages and copies the rest; pages that nobody holds are used again.
    @Test func pagesAreSharedAndUsedAgain() {
        let compute = Compute(threads: 1)
        let pool = KeyValuePool(compute, layers: 1, heads: 1, headWidth: 4)
        let page = KeyValuePool.tokensPerPage
        do {
            let cache = KeyValueCache(pool)
            cache.extend(by: 2 * page + 1)
            #expect(pool.pageCount == 3)
            let fork = cache.fork()
            #expect(pool.pageCount == 4 && fork.count == cache.count)
            fork.extend(by: page)
            #expect(pool.pageCount == 5)
            // Back into a page that is shared: whoever goes on gets a page of its own.
            fork.truncate(to: page + 1)
            fork.extend(by: 1)
            #expect(pool.pageCount == 5)
        }
        let again = KeyValueCache(pool)
        again.extend(by: 5 * page)
        #expect(pool.pageCount == 5)
    }

    /// Weights that are bfloat16 anyway give the bits of float panels: few rows and many, any threads.
    @Test(arguments: InstructionSet.available)
    func halvedPanels(_ set: InstructionSet) {
        var numbers = SampleNumbers(seed: 42)
        let depth = KernelTable(set).functions.pointee.depth_limit
        for (m, n, k) in [(1, 5, 3), (1, 2100, 2 * depth + 9), (17, 384, 384), (700, 96, 300)] {
            for threads in [1, 3] {
                let compute = Compute(threads: threads, instructionSet: set)
                withArena { arena in
                    let a = arena.matrix(m, k, numbers.floats(m * k))
                    let rounded = numbers.floats(n * k).map {
                        Float(bitPattern: $0.bitPattern & 0xFFFF_0000)
                    }
                    let b = arena.matrix(n, k, rounded)
                    let bias = arena.vector(numbers.floats(n))
                    let (whole, halved, streamed) = (
                        PackedMatrix(), PackedMatrix(), PackedMatrix()
                    )
                    compute.pack(b, transposed: true, into: whole)
                    compute.packHalved(b, transposed: true, into: halved)
                    compute.pack(columns: n, depth: k, halved: true, into: streamed) {
                        (columns: Range<Int>, rows: Matrix) in
                        rows.copy(from: b.rows(columns))
                    }
                    let (due, c) = (arena.matrix(m, n), arena.matrix(m, n))
                    compute.gemm(a, whole, into: due, bias: bias)
                    for packed in [halved, streamed] {
                        compute.gemm(a, packed, into: c, bias: bias)
                        #expect(c.bits == due.bits, "\(set): \(m) x \(n) x \(k)")
                    }
                    compute.scale(2, due, into: due)
                    compute.gemm(a, halved, into: c, bias: bias) { rows in
                        for row in rows { compute.serial.scale(2, c.row(row), into: c.row(row)) }
                    }
                    #expect(c.bits == due.bits, "\(set): \(m) x \(n) x \(k), epilogue")
                }
            }
        }
    }
}
