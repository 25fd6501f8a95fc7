// The reference itself: backward functions against differences of the forward ones, in double
// precision, and sums that hold by definition. What everything is compared with must not be wrong.

import TensorCore
import Testing

@Suite struct ReferenceTests {
    /// Checks a gradient of <f(x), dy> by central differences at every element of x.
    private func expectGradient(
        _ gradient: ReferenceMatrix, at x: ReferenceMatrix, _ name: String,
        _ value: (ReferenceMatrix) -> Double
    ) {
        let step = 1e-5
        for index in x.values.indices {
            var (more, less) = (x, x)
            more.values[index] += step
            less.values[index] -= step
            let difference = (value(more) - value(less)) / (2 * step)
            // The third derivative's share, step^2, and rounding, 1e-16 / step.
            #expect(abs(difference - gradient.values[index]) < 2e-9, "\(name), element \(index)")
        }
    }

    private func sample(_ seed: UInt64, _ rows: Int, _ columns: Int) -> ReferenceMatrix {
        var numbers = SampleNumbers(seed: seed)
        return ReferenceMatrix(
            rows: rows, columns: columns, values: (0..<rows * columns).map { _ in numbers.signed() }
        )
    }

    private func inner(_ a: ReferenceMatrix, _ b: ReferenceMatrix) -> Double {
        zip(a.values, b.values).reduce(0) { $0 + $1.0 * $1.1 }
    }

    @Test func derivativesOfElements() {
        let (x, dy) = (sample(81, 5, 8).map { 4 * $0 }, sample(82, 5, 8))
        typealias R = ReferenceOperations
        expectGradient(x.combined(dy) { $1 * R.geluDerivative($0) }, at: x, "gelu") {
            inner($0.map(R.gelu), dy)
        }
        expectGradient(
            x.combined(dy) { $1 * R.tanhDerivative(output: R.tanh($0)) }, at: x, "tanh"
        ) { inner($0.map(R.tanh), dy) }
        expectGradient(x.combined(dy) { $1 * R.reluDerivative($0) }, at: x, "relu") {
            inner($0.map(R.relu), dy)
        }
    }

    @Test func gradientsOfNormalisation() {
        let (x, dy) = (sample(83, 3, 7), sample(84, 3, 7))
        let (gamma, beta) = (sample(85, 1, 7), sample(86, 1, 7))
        func value(_ x: ReferenceMatrix, _ gamma: ReferenceMatrix, _ beta: ReferenceMatrix)
            -> Double
        {
            inner(
                ReferenceOperations.layerNorm(
                    x, gamma: gamma.values, beta: beta.values, epsilon: 1e-2
                ).values, dy)
        }
        let gradients = ReferenceOperations.layerNormBackward(
            x, gamma: gamma.values, epsilon: 1e-2, dy)
        expectGradient(gradients.x, at: x, "x") { value($0, gamma, beta) }
        expectGradient(
            ReferenceMatrix(rows: 1, columns: 7, values: gradients.gamma), at: gamma, "gamma"
        ) { value(x, $0, beta) }
        expectGradient(
            ReferenceMatrix(rows: 1, columns: 7, values: gradients.beta), at: beta, "beta"
        ) { value(x, gamma, $0) }
    }

    @Test func gradientsOfSoftmaxAndCrossEntropy() {
        let (x, dy) = (sample(87, 4, 6).map { 2 * $0 }, sample(88, 4, 6))
        let y = ReferenceOperations.softmaxRows(x)
        #expect((0..<4).allSatisfy { abs(y.row($0).reduce(0, +) - 1) < 1e-14 })
        let logs = ReferenceOperations.logSoftmaxRows(x).map(ReferenceOperations.exponential)
        #expect(zip(logs.values, y.values).allSatisfy { abs($0 - $1) < 1e-14 })
        expectGradient(ReferenceOperations.softmaxBackward(y, dy), at: x, "softmax") {
            inner(ReferenceOperations.softmaxRows($0), dy)
        }
        let targets = dy.map { abs($0) }
        let weights = [1, 0.5, 0, 2]
        expectGradient(
            ReferenceOperations.crossEntropy(
                x, softTargets: targets, rowWeights: weights, gradientScale: 3
            ).gradient, at: x, "soft targets"
        ) {
            3
                * ReferenceOperations.crossEntropy(
                    $0, softTargets: targets, rowWeights: weights
                ).losses.reduce(0, +)
        }
        let classes: [Int32] = [5, -100, 0, 2]
        expectGradient(
            ReferenceOperations.crossEntropy(x, targets: classes, rowWeights: weights).gradient,
            at: x, "hard targets"
        ) {
            ReferenceOperations.crossEntropy($0, targets: classes, rowWeights: weights)
                .losses.reduce(0, +)
        }
    }

    @Test func gradientsOfLookUpsAndProducts() {
        let (table, dy) = (sample(89, 4, 3), sample(90, 6, 3))
        let ids: [Int32] = [3, 0, 3, 1, 1, 3]
        let zero = ReferenceMatrix(rows: 4, columns: 3)
        expectGradient(
            ReferenceOperations.embeddingBackward(dy, ids: ids, onto: zero), at: table, "embedding"
        ) { inner(ReferenceOperations.embedding($0, ids: ids), dy) }
        let (a, b, c) = (sample(91, 4, 5), sample(92, 5, 3), sample(93, 4, 3))
        expectGradient(
            ReferenceOperations.gemm(c, transposed: false, b, transposed: true).values, at: a,
            "A of a product"
        ) { inner(ReferenceOperations.gemm($0, b).values, c) }
        expectGradient(
            ReferenceOperations.gemm(a, transposed: true, c).values, at: b, "B of a product"
        ) { inner(ReferenceOperations.gemm(a, $0).values, c) }
        expectGradient(
            ReferenceMatrix(rows: 1, columns: 3, values: ReferenceOperations.columnSum(c)),
            at: ReferenceMatrix(rows: 1, columns: 3, values: [0.1, 0.2, 0.3]), "bias"
        ) { inner(ReferenceOperations.gemm(a, b, bias: $0.values).values, c) }
    }
}
