// Memory for matrices under test. Rows can have gaps between them, filled with a number that no
// operation may read or write: a kernel that strays from its rows is found out.

import TensorCore
import Testing

/// Runs a body with an arena that outlives every view taken from it.
func withArena<Result>(_ body: (Arena) throws -> Result) rethrows -> Result {
    let arena = Arena()
    return try withExtendedLifetime(arena) { try body(arena) }
}

/// A matrix inside a larger one whose other elements are canaries.
struct Guarded {
    /// The matrix; starts off every alignment where it is strided.
    let matrix: Matrix
    private let whole: Matrix
    private static let canary = Float(bitPattern: 0x7FC0_BEEF)

    private let columnStart: Int

    /// A matrix with `gap` canaries between its rows, and a row of them before and after it.
    init(_ arena: Arena, _ rows: Int, _ columns: Int, gap: Int = 3) {
        whole = arena.matrix(rows + 2, columns + gap)
        whole.fill(Self.canary)
        columnStart = min(1, gap)
        matrix = whole.rows(1..<rows + 1).columns(columnStart..<columnStart + columns)
    }

    /// The same, with elements.
    init(_ arena: Arena, _ rows: Int, _ columns: Int, gap: Int = 3, _ values: [Float]) {
        self.init(arena, rows, columns, gap: gap)
        matrix.assign(values)
    }

    /// Whether every canary still is one.
    var isIntact: Bool {
        for row in 0..<whole.rows {
            for column in 0..<whole.columns {
                let covered =
                    row >= 1 && row <= matrix.rows && column >= columnStart
                    && column < columnStart + matrix.columns
                if !covered && whole[row, column].bitPattern != Self.canary.bitPattern {
                    return false
                }
            }
        }
        return true
    }
}

extension Arena {
    /// A vector of given elements.
    func vector(_ values: [Float]) -> Matrix {
        let result = vector(values.count)
        result.assign(values)
        return result
    }

    /// A matrix of given elements.
    func matrix(_ rows: Int, _ columns: Int, _ values: [Float]) -> Matrix {
        let result = matrix(rows, columns)
        result.assign(values)
        return result
    }
}

extension Matrix {
    /// The bits of the elements: equality that tells zeros apart and equates NaN with itself.
    var bits: [UInt32] { toArray().map(\.bitPattern) }
}
