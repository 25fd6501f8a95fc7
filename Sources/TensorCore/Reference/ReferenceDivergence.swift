// The reference of divergences: from their definitions, through probabilities and the softmax's Jacobian.

#if canImport(Glibc)
    internal import Glibc
#elseif canImport(Darwin)
    internal import Darwin
#endif

extension ReferenceOperations {
    /// A divergence of softmax(scores / T) from softmax(teacher / T), and its gradient by the scores.
    ///
    /// The reverse one leaves tokens out that the teacher gives minus infinity.
    public static func divergence(
        _ kind: Divergence, scores: [Double], teacher: [Double], temperature: Double = 1
    ) -> (value: Double, gradient: [Double]) {
        var student = scores
        if kind == .reverse {
            for index in student.indices where teacher[index] == -.infinity {
                student[index] = -.infinity
            }
        }
        let p = probabilities(teacher, temperature)
        let q = probabilities(student, temperature)
        var value = 0.0
        // The derivative by each of q's elements.
        var slope = [Double](repeating: 0, count: q.count)
        for index in q.indices {
            let (p, q) = (p[index], q[index])
            switch kind {
            case .forward:
                value += p == 0 ? 0 : p * log(p / q)
                slope[index] = p == 0 ? 0 : -p / q
            case .reverse:
                value += q == 0 ? 0 : q * log(q / p)
                slope[index] = q == 0 ? 0 : log(q / p) + 1
            case .jensenShannon(let beta):
                let mixture = beta * p + (1 - beta) * q
                value += p == 0 ? 0 : beta * p * log(p / mixture)
                value += q == 0 ? 0 : (1 - beta) * q * log(q / mixture)
                slope[index] = q == 0 ? 0 : (1 - beta) * log(q / mixture)
            }
        }
        let mean = zip(q, slope).reduce(0) { $0 + $1.0 * $1.1 }
        return (value, zip(q, slope).map { $0 * ($1 - mean) / temperature })
    }

    /// The same where of the teacher some tokens' log-probabilities and the mass of the rest are known,
    /// recorded at a temperature of their own.
    public static func topDivergence(
        _ kind: Divergence, scores: [Double], ids: [Int32], logProbabilities: [Double],
        restMass: Double, recordedAt recorded: Double = 1, temperature: Double = 1
    ) -> (value: Double, gradient: [Double]) {
        let kept = Set(ids.map { Int($0) })
        let others = scores.indices.filter { !kept.contains($0) }
        let largest = others.map { scores[$0] }.max() ?? 0
        let exponentials = others.map { exp((scores[$0] - largest) / recorded) }
        let sum = exponentials.reduce(0, +)
        var symbols = ids.map { scores[Int($0)] / recorded }
        var teacher = logProbabilities
        if !others.isEmpty {
            symbols.append(largest / recorded + log(sum))
            teacher.append(log(restMass))
        }
        let inner = divergence(
            kind, scores: symbols, teacher: teacher, temperature: temperature / recorded)
        var gradient = [Double](repeating: 0, count: scores.count)
        for (symbol, id) in ids.enumerated() {
            gradient[Int(id)] = inner.gradient[symbol] / recorded
        }
        for (place, index) in others.enumerated() {
            gradient[index] = inner.gradient[ids.count] * exponentials[place] / sum / recorded
        }
        return (inner.value, gradient)
    }

    private static func probabilities(_ scores: [Double], _ temperature: Double) -> [Double] {
        let row = ReferenceMatrix(
            rows: 1, columns: scores.count, values: scores.map { $0 / temperature })
        return softmaxRows(row).values
    }
}
