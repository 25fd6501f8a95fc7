// How far a result may be from its reference. Tolerances are computed from what was added up and how
// often it was rounded; nothing here is a figure that happened to pass.

import TensorCore
import Testing

/// Half a unit in the last place of 1: what one rounding may be off, relatively.
let unitRoundoff = 0x1p-24

/// Checks each element against its reference and tolerance.
///
/// Infinities must be equal, NaN must meet NaN; one message names the worst element.
func expectClose(
    _ actual: [Float], _ expected: [Double], _ tolerances: [Double], _ what: String,
    sourceLocation: SourceLocation = #_sourceLocation
) {
    guard actual.count == expected.count, actual.count == tolerances.count else {
        Issue.record(
            "\(what): \(actual.count) elements, \(expected.count) due",
            sourceLocation: sourceLocation)
        return
    }
    var worst: (index: Int, excess: Double)?
    for index in actual.indices {
        let (value, reference) = (Double(actual[index]), expected[index])
        let excess: Double
        if reference.isNaN || value.isNaN {
            excess = reference.isNaN == value.isNaN ? 0 : .infinity
        } else if value == reference || Float(reference) == actual[index] {
            excess = 0
        } else {
            excess = abs(value - reference) / tolerances[index]
        }
        // Not `excess <= 1`: a NaN here (infinity / infinity) is a failure.
        if !(excess <= max(1, worst?.excess ?? 1)) { worst = (index, excess) }
    }
    if let (index, excess) = worst {
        Issue.record(
            """
            \(what): element \(index) of \(actual.count) is \(actual[index]), due \
            \(expected[index]) +- \(tolerances[index]) (\(excess) times that)
            """, sourceLocation: sourceLocation)
    }
}

/// The same with a matrix and tolerance = relative * |reference| + absolute.
func expectClose(
    _ actual: Matrix, _ expected: ReferenceMatrix, relative: Double, absolute: Double = 0,
    _ what: String, sourceLocation: SourceLocation = #_sourceLocation
) {
    // The smallest subnormal: gradual underflow rounds absolutely.
    let tolerances = expected.values.map { relative * abs($0) + absolute + 0x1p-149 }
    expectClose(
        actual.toArray(), expected.values, tolerances, what, sourceLocation: sourceLocation)
}
