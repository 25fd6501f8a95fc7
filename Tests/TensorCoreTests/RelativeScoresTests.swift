// The scores of disentangled attention, from products and the kernel that picks the terms, against their
// definition; and the gradient of the terms, which is the transposed picking.

import Kernels
import TensorCore
import Testing

@Suite struct RelativeScoresTests {
    /// Near distances have a place each, far ones share one.
    private static func row(_ distance: Int) -> Int { min(max(distance, -5), 6) + 5 }

    private static func places(_ length: Int) -> (RelativePlaces, Range<Int>) {
        let rows = row(1 - length)..<row(length - 1) + 1
        return (
            RelativePlaces(length: length, count: rows.count) { row($0) - rows.lowerBound }, rows
        )
    }

    @Test(arguments: InstructionSet.available, [1, 2, 5, 7, 16, 33])
    func scores(set: InstructionSet, length: Int) {
        let (serial, scratch, arena) = (
            Compute(threads: 1, instructionSet: set).serial, GEMMScratch(), Arena()
        )
        let width = 8
        var numbers = SampleNumbers(seed: 5)
        func matrix(_ rows: Int) -> Matrix {
            let matrix = arena.matrix(rows, width)
            matrix.assign(numbers.floats(rows * width))
            return matrix
        }
        let (query, key) = (matrix(length), matrix(length))
        let (positionQuery, positionKey) = (matrix(12), matrix(12))
        let (places, rows) = Self.places(length)
        let scores = arena.matrix(length, length)
        // Rows further apart than they are long.
        let terms = [0, 1].map { _ in
            arena.matrix(length, rows.count + 3).columns(0..<rows.count)
        }
        func product(_ a: Matrix, _ b: Matrix, into c: Matrix) {
            serial.gemm(
                a, transposed: false, b, transposed: true, into: c, scale: 0.5, scratch: scratch)
        }
        product(query, key, into: scores)
        product(query, positionKey.rows(rows), into: terms[0])
        product(key, positionQuery.rows(rows), into: terms[1])
        serial.relativeScores(scores, queryTerms: terms[0], keyTerms: terms[1], places: places)
        let expected = ReferenceOperations.disentangledScores(
            query: ReferenceMatrix(query), key: ReferenceMatrix(key),
            positionQuery: ReferenceMatrix(positionQuery),
            positionKey: ReferenceMatrix(positionKey), scale: 0.5, row: Self.row)
        // Three sums of 8 products of numbers below 1, times 0.5, each rounded up to 10 times; and twice
        // more where they are added.
        expectClose(
            scores, expected, relative: 2 * unitRoundoff, absolute: 12 * 12 * unitRoundoff,
            "\(length) tokens")
    }

    @Test(arguments: InstructionSet.available, [1, 2, 7, 33])
    func backward(set: InstructionSet, length: Int) {
        let (serial, arena) = (Compute(threads: 1, instructionSet: set).serial, Arena())
        var numbers = SampleNumbers(seed: 6)
        let (places, rows) = Self.places(length)
        let gradient = arena.matrix(length, length)
        gradient.assign(numbers.floats(length * length))
        let terms = [0, 1].map { _ in
            let terms = arena.matrix(length, rows.count + 1).columns(0..<rows.count)
            terms.fill(.nan)
            return terms
        }
        serial.relativeScoresBackward(
            gradient, queryTerms: terms[0], keyTerms: terms[1], places: places)
        var expected = [0, 1].map { _ in ReferenceMatrix(rows: length, columns: rows.count) }
        for i in 0..<length {
            for j in 0..<length {
                let place = Self.row(i - j) - rows.lowerBound
                expected[0][i, place] += Double(gradient[i, j])
                expected[1][j, place] += Double(gradient[i, j])
            }
        }
        for side in 0..<2 {
            expectClose(
                terms[side], expected[side], relative: 0,
                absolute: Double(length * length) * unitRoundoff, "terms \(side) of \(length)")
        }
    }
}
