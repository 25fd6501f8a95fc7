// The losses of Divergence.swift where of the teacher only the most likely tokens are known: k tokens with
// their probabilities, and the mass of all others. Both sides become distributions over k + 1 symbols,
// the last of which is "any other token", and their divergence is exact.
//
// The symbols are formed at the temperature T0 at which the teacher's probabilities were recorded; a loss at
// another temperature T then flattens k + 1 symbols on both sides (scores over T / T0). The other order,
// flattening first, wants sum(p^(T0 / T)) over the teacher's other tokens, which isn't known: any guess
// would move the loss's minimum away from the teacher. With this order a student that equals the teacher
// has loss 0 and gradient 0 at every T, and with k = V the loss is the full one.
//
//     b_i = s_i / T0,  b_rest = log(sum of e^(s_j / T0), j not kept),  q = softmax(b T0 / T)
//     dL/ds_i = dL/db_i / T0,  dL/ds_j = dL/db_rest softmax(others' s / T0)_j / T0
//
// Shape legend: V vocabulary, k kept tokens; rows are tokens.

internal import Kernels

#if canImport(Glibc)
    internal import Glibc
#elseif canImport(Darwin)
    internal import Darwin
#endif

/// The kept tokens of some places, one behind another; who made them sees to it that they are sound.
public struct TopTargets: Sendable {
    /// Vocabulary ids, different within a place.
    public let ids: [Int32]
    /// Natural logarithms of their probabilities.
    public let logProbabilities: [Float]
    /// At each place the probability of the other tokens.
    public let restMasses: [Float]
    /// Where each place's tokens begin, and where the last ones end.
    public let starts: [Int]
    /// What the teacher's scores were divided by.
    public let temperature: Double

    /// Takes the parts together.
    public init(
        ids: [Int32], logProbabilities: [Float], restMasses: [Float], starts: [Int],
        temperature: Double
    ) {
        precondition(
            ids.count == logProbabilities.count && starts.count == restMasses.count + 1
                && starts.last == ids.count && temperature > 0,
            "\(ids.count) ids, \(logProbabilities.count) log-probabilities, \(starts.count) starts")
        self.ids = ids
        self.logProbabilities = logProbabilities
        self.restMasses = restMasses
        self.starts = starts
        self.temperature = temperature
    }
}

extension Compute {
    /// `softTargets` against the most likely tokens of a teacher.
    ///
    /// - Parameters:
    ///   - scores: The student's, `rows x V`.
    ///   - teacher: The teacher's places; every kept id is below V.
    ///   - places: Which of them each row meets: as many as rows, neighbours.
    ///   - targets: One id a row; rows of `ignoredTarget` have loss 0 and gradient 0.
    ///   - loss: What is added up.
    ///   - weights: One for each row; nil for 1.
    public func softTargets(
        _ scores: Matrix, teacher: TopTargets, places: Range<Int>, targets: [Int32],
        _ loss: SoftTargetLoss, weights: [Float]? = nil, gradientScale: Float = 1,
        into gradient: Matrix?
    ) -> [SoftTargetLosses] {
        precondition(
            places.count == scores.rows && places.lowerBound >= 0
                && places.upperBound <= teacher.restMasses.count,
            "places \(places) of \(teacher.restMasses.count) for \(scores.rows) rows")
        return softRows(scores, targets, loss, weights, gradientScale, gradient) {
            row, scratch, scale, gradient in
            topRow(
                scores.row(row), teacher, place: places.lowerBound + row, loss, scratch, scale,
                gradient)
        }
    }

    private func topRow(
        _ scores: Matrix, _ teacher: TopTargets, place: Int, _ loss: SoftTargetLoss,
        _ scratch: GEMMScratch, _ scale: Float, _ gradient: Matrix?
    ) -> Double {
        let n = scores.columns
        let kept = teacher.starts[place]..<teacher.starts[place + 1]
        let recorded = teacher.temperature
        let others = scratch.left.floats(n)
        let symbols = SymbolPair(
            count: kept.count + 1, memory: scratch.right.take(2 * (kept.count + 1), of: Double.self)
        )
        kernels.pointee.scale(Float(1 / recorded), scores.base, others, n)
        for (symbol, entry) in kept.enumerated() {
            let id = Int(teacher.ids[entry])
            precondition(id >= 0 && id < n, "kept token \(id) of \(n)")
            symbols.student[symbol] = Double(others[id])
            symbols.teacher[symbol] = Double(teacher.logProbabilities[entry])
        }
        for entry in kept { others[Int(teacher.ids[entry])] = -.infinity }
        let rest = kept.count
        let hasRest = rest < n
        symbols.student[rest] = hasRest ? logSumOfExponentials(others, n) : -.infinity
        symbols.teacher[rest] =
            hasRest ? naturalLogarithm(Double(teacher.restMasses[place])) : -.infinity
        let flattening = loss.temperature / recorded
        let divergence = symbols.divergence(loss.divergence, temperature: flattening)
        guard let gradient else { return divergence }
        // `student` now holds the gradient by the symbols' scores over `flattening`.
        let factor = Double(scale) / loss.temperature
        var (maximum, sum): (Float, Float) = (0, 0)
        kernels.pointee.softmax(others, gradient.base, n, &maximum, &sum)
        kernels.pointee.scale(
            Float(factor * symbols.student[rest]), gradient.base, gradient.base, n)
        for (symbol, entry) in kept.enumerated() {
            gradient.base[Int(teacher.ids[entry])] = Float(factor * symbols.student[symbol])
        }
        return divergence
    }

    /// log(sum(e^x)); minus infinity if all are.
    private func logSumOfExponentials(_ x: UnsafePointer<Float>, _ n: Int) -> Double {
        var (maximum, sum, weighted): (Float, Double, Double) = (0, 0, 0)
        kernels.pointee.entropy_terms(x, n, &maximum, &sum, &weighted)
        // Without a finite number `sum` is NaN; that of the numbers themselves is minus infinity or NaN.
        guard maximum > -.infinity else { return kernels.pointee.sum(x, n) }
        return Double(maximum) + naturalLogarithm(sum)
    }
}

/// Two distributions over a few symbols, in double precision and in the caller's memory.
private struct SymbolPair {
    let count: Int
    /// Scores; afterwards the gradient by them over the temperature.
    let student: UnsafeMutablePointer<Double>
    /// Scores or logarithms of masses; afterwards logarithms of probabilities.
    let teacher: UnsafeMutablePointer<Double>

    init(count: Int, memory: UnsafeMutablePointer<Double>) {
        self.count = count
        student = memory
        teacher = memory + count
    }

    /// The divergence of both sides over a temperature.
    func divergence(_ kind: Divergence, temperature: Double) -> Double {
        if kind == .reverse {
            for i in 0..<count where teacher[i] == -.infinity { student[i] = -.infinity }
        }
        normalise(teacher, temperature)
        normalise(student, temperature)
        switch kind {
        case .forward:
            var value = 0.0
            for i in 0..<count {
                let p = exp(teacher[i])
                if teacher[i] != -.infinity { value += p * (teacher[i] - student[i]) }
                student[i] = exp(student[i]) - p
            }
            return value
        case .reverse:
            return centred { $1 - $0 }
        case .jensenShannon(let beta):
            let (logBeta, logOwn) = (log(beta), log(1 - beta))
            var byTeacher = 0.0
            for i in 0..<count where teacher[i] != -.infinity {
                let mixture = Self.logSum(teacher[i] + logBeta, student[i] + logOwn)
                byTeacher += exp(teacher[i]) * (teacher[i] - mixture)
            }
            let bySelf = centred { $1 - Self.logSum($0 + logBeta, $1 + logOwn) }
            for i in 0..<count { student[i] *= 1 - beta }
            return beta * byTeacher + (1 - beta) * bySelf
        }
    }

    /// sum(q f(log p, log q)); leaves q (f - that sum) in `student`.
    private func centred(_ f: (Double, Double) -> Double) -> Double {
        var value = 0.0
        for i in 0..<count where student[i] != -.infinity {
            value += exp(student[i]) * f(teacher[i], student[i])
        }
        for i in 0..<count {
            student[i] =
                student[i] == -.infinity
                ? 0 : exp(student[i]) * (f(teacher[i], student[i]) - value)
        }
        return value
    }

    /// Scores to logarithms of softmax(scores / temperature).
    private func normalise(_ scores: UnsafeMutablePointer<Double>, _ temperature: Double) {
        var largest = -Double.infinity
        for i in 0..<count {
            scores[i] /= temperature
            largest = max(largest, scores[i])
        }
        var sum = 0.0
        for i in 0..<count { sum += exp(scores[i] - largest) }
        let logSum = log(sum)
        for i in 0..<count { scores[i] = (scores[i] - largest) - logSum }
    }

    /// log(e^a + e^b).
    private static func logSum(_ a: Double, _ b: Double) -> Double {
        let (low, high) = (min(a, b), max(a, b))
        return high == -.infinity ? high : high + log1p(exp(low - high))
    }
}
