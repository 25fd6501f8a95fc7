// What decoders are made of against plain references, on every instruction set: normalisation by the root
// mean square, the gated unit, rotary embedding, and their gradients.

import Foundation
import Kernels
import TensorCore
import Testing

@Suite struct DecoderOperationTests {
    static let shapes = [(0, 5), (1, 1), (1, 2), (3, 15), (2, 64), (65, 31), (130, 384), (200, 49)]

    @Test(arguments: InstructionSet.available)
    func rootMeanSquareNorm(_ set: InstructionSet) {
        let compute = Compute(threads: 2, instructionSet: set)
        var numbers = SampleNumbers(seed: 31)
        for (rows, columns) in Self.shapes {
            withArena { arena in
                let x = Guarded(arena, rows, columns, numbers.floats(rows * columns, scale: 2))
                let dy = Guarded(arena, rows, columns, numbers.floats(rows * columns))
                let y = Guarded(arena, rows, columns, gap: 1)
                let dx = Guarded(arena, rows, columns, numbers.floats(rows * columns))
                let gamma = arena.vector(numbers.floats(columns, around: 1))
                let (reciprocal, dGamma) = (arena.vector(rows), arena.vector(columns))
                dGamma.fill(0)
                compute.rootMeanSquareNorm(
                    x.matrix, gamma: gamma, epsilon: 1e-5, into: y.matrix, reciprocal: reciprocal)
                let input = ReferenceMatrix(x.matrix)
                let reference = ReferenceOperations.rootMeanSquareNorm(
                    input, gamma: doubles(gamma), epsilon: Double(Float(1e-5)))
                let chain = Double(columns / 4 + 12) * unitRoundoff
                let name = "\(set) \(rows) x \(columns)"
                expectClose(y.matrix, reference, relative: chain, name)

                let before = ReferenceMatrix(dx.matrix)
                let gradients = ReferenceOperations.rootMeanSquareNormBackward(
                    input, gamma: doubles(gamma), epsilon: Double(Float(1e-5)),
                    ReferenceMatrix(dy.matrix))
                compute.rootMeanSquareNormBackward(
                    x.matrix, gamma: gamma, reciprocal: reciprocal, dy.matrix, into: dx.matrix,
                    accumulate: true, gradientGamma: dGamma)
                var (tolerance, due) = (gradients.x, gradients.x)
                var gammaTolerance = [Double](repeating: 0, count: columns)
                for row in 0..<rows {
                    let factor = Double(reciprocal[0, row])
                    var correlation = 0.0
                    for column in 0..<columns {
                        let term = abs(dy.matrix[row, column] * x.matrix[row, column])
                        correlation +=
                            Double(term * abs(gamma[0, column])) * factor / Double(columns)
                        gammaTolerance[column] +=
                            Double(term) * factor * (2 * chain + Double(rows) * unitRoundoff)
                    }
                    for column in 0..<columns {
                        let gradient = abs(dy.matrix[row, column] * gamma[0, column])
                        let normalised = Double(abs(x.matrix[row, column])) * factor
                        due[row, column] += before[row, column]
                        tolerance[row, column] =
                            2 * chain * factor * (Double(gradient) + normalised * correlation)
                            + 2 * unitRoundoff * abs(before[row, column])
                    }
                }
                expectClose(dx.matrix.toArray(), due.values, tolerance.values, "\(name): dx")
                expectClose(
                    dGamma.toArray(), gradients.gamma, gammaTolerance, "\(name): gamma")
                // Written, in place of the output's gradient.
                compute.rootMeanSquareNormBackward(
                    x.matrix, gamma: gamma, reciprocal: reciprocal, dy.matrix, into: dy.matrix,
                    gradientGamma: dGamma)
                expectClose(
                    dy.matrix.toArray(), gradients.x.values, tolerance.values, "\(name): written")
                compute.rootMeanSquareNorm(
                    x.matrix, gamma: gamma, epsilon: 1e-5, into: x.matrix)
                #expect(x.matrix.bits == y.matrix.bits)
                #expect(x.isIntact && y.isIntact && dx.isIntact && dy.isIntact)
            }
        }
    }

    /// Below -88.7 e^-x overflows and the unit is 0; in truth it is less than 1e-36 of up.
    @Test(arguments: InstructionSet.available)
    func gatedUnit(_ set: InstructionSet) {
        let compute = Compute(threads: 2, instructionSet: set)
        var numbers = SampleNumbers(seed: 32)
        for (rows, columns) in Self.shapes {
            for scale: Float in [1, 12, 120] {
                withArena { arena in
                    let joined = Guarded(
                        arena, rows, 2 * columns,
                        numbers.floats(rows * 2 * columns, scale: scale))
                    let dy = Guarded(arena, rows, columns, numbers.floats(rows * columns))
                    let y = Guarded(arena, rows, columns, gap: 1)
                    compute.gatedUnit(joined.matrix, into: y.matrix)
                    var (due, tolerance) = ([Double](), [Double]())
                    var (slopes, slopeTolerance) = ([Double](), [Double]())
                    for row in 0..<rows {
                        for column in 0..<columns {
                            let (gate, up, d) = values(joined, dy, row, column)
                            let value = ReferenceOperations.gatedUnit(gate: gate, up: up)
                            due.append(value)
                            tolerance.append(8 * unitRoundoff * abs(value) + 1e-36 * abs(up))
                            let both = ReferenceOperations.gatedUnitBackward(
                                gate: gate, up: up, d)
                            // 1 + gate (1 - s) cancels where gate is about -1.3.
                            let size = abs(d * up) * (1 + abs(gate)) + abs(d * gate)
                            slopes += [both.gate, both.up]
                            slopeTolerance += [
                                12 * unitRoundoff * size + 1e-36 * size,
                                8 * unitRoundoff * abs(both.up) + 1e-36 * abs(d),
                            ]
                        }
                    }
                    let name = "\(set) \(rows) x \(columns) times \(scale)"
                    expectClose(y.matrix.toArray(), due, tolerance, name)
                    compute.gatedUnitBackward(joined.matrix, dy.matrix, into: joined.matrix)
                    var ours: [Float] = []
                    for row in 0..<rows {
                        for column in 0..<columns {
                            ours += [
                                joined.matrix[row, column], joined.matrix[row, columns + column],
                            ]
                        }
                    }
                    expectClose(ours, slopes, slopeTolerance, "\(name): gradients")
                    #expect(joined.isIntact && y.isIntact && dy.isIntact)
                }
            }
        }
    }

    private func doubles(_ matrix: Matrix) -> [Double] { matrix.toArray().map(Double.init) }

    private func values(
        _ joined: Guarded, _ dy: Guarded, _ row: Int, _ column: Int
    ) -> (gate: Double, up: Double, dy: Double) {
        (
            Double(joined.matrix[row, column]),
            Double(joined.matrix[row, dy.matrix.columns + column]), Double(dy.matrix[row, column])
        )
    }

    @Test(arguments: InstructionSet.available)
    func rotary(_ set: InstructionSet) {
        let serial = Compute(threads: 1, instructionSet: set).serial
        var numbers = SampleNumbers(seed: 33)
        for half in [1, 4, 13, 32, 64] {
            let frequencies = (0..<half).map { Float(pow(10_000, -Double($0) / Double(half))) }
            let table = RotaryTable(frequencies: frequencies)
            for (heads, position) in [(1, 0), (3, 1), (2, 5000), (1, 77)] {
                table.reserve(position + 1)
                withArena { arena in
                    let row = Guarded(
                        arena, 1, heads * 2 * half, numbers.floats(heads * 2 * half, scale: 3))
                    let before = row.matrix.toArray()
                    let angles = frequencies.map { Double(Float(position) * $0) }
                    var (due, tolerance) = ([Double](), [Double]())
                    for head in 0..<heads {
                        let values = before[head * 2 * half..<(head + 1) * 2 * half].map {
                            Double($0)
                        }
                        due += ReferenceOperations.rotate(values, angles: angles)
                        tolerance += values.indices.map {
                            let other = values[($0 + half) % (2 * half)]
                            return 4 * unitRoundoff * (abs(values[$0]) + abs(other))
                        }
                    }
                    serial.rotate(row.matrix, position: position, table)
                    let name = "\(set) \(heads) heads of \(2 * half) at \(position)"
                    expectClose(row.matrix.toArray(), due, tolerance, name)
                    serial.rotate(row.matrix, position: position, table, backward: true)
                    expectClose(
                        row.matrix.toArray(), before.map(Double.init), tolerance.map { 2 * $0 },
                        "\(name): back")
                    #expect(row.isIntact)
                }
            }
        }
    }
}
