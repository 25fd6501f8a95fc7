// Distillation losses against recorded PyTorch values in double precision: each token's loss, the mean over
// the valid ones and its gradient, for every divergence and temperature.

import Foundation
import Models
import Safetensors
import TensorCore
import TestSupport
import Testing
import Training

/// Other variants of the recording are checked by naming their folder.
private let folder =
    ProcessInfo.processInfo.environment["RETORT_RECORDED_LOSSES"]
    ?? SharedData.path("reference/golden/losses")
private let recording = "\(folder)/golden.safetensors"

/// A recorded divergence: the names that it has there and here.
struct RecordedDivergence: Sendable, CustomTestStringConvertible {
    let name: String
    let loss: DistillationLoss
    var testDescription: String { name }

    static let all = [("1", 1.0), ("2", 2.0), ("5.94227", 5.942267335064758)].flatMap {
        name, temperature in
        [("forward_kl", .forwardKL, 0.5), ("reverse_kl", .reverseKL, 0.5)]
            .map { ($0, $1, $2) as (String, DistillationLoss.Kind, Double) }
            .appending([0.1, 0.5, 0.9].map { ("jsd_beta\($0)", .jensenShannon, $0) })
            .map { kind in
                RecordedDivergence(
                    name: "\(kind.0).T\(name)",
                    loss: DistillationLoss(kind.1, beta: kind.2, temperature: temperature))
            }
    }
}

extension Array {
    fileprivate func appending(_ others: [Element]) -> [Element] { self + others }
}

@Suite(
    .enabled(
        if: FileManager.default.fileExists(atPath: recording),
        "no recorded losses in ../shared/reference"))
struct RecordedLossTests {
    private let golden: SafetensorsFile
    private let arena = Arena()

    init() throws { golden = try SafetensorsFile(path: recording) }

    private func doubles(_ name: String) throws -> [Double] {
        let entry = try golden.entry(name)
        return (0..<entry.count).map {
            entry.bytes.loadUnaligned(fromByteOffset: $0 * 8, as: Double.self)
        }
    }

    private func matrix(_ name: String) throws -> Matrix {
        let entry = try golden.entry(name)
        let result = arena.matrix(entry.shape[0], entry.shape[1])
        result.assign(try doubles(name).map { Float($0) })
        return result
    }

    private func targets() throws -> [Int32] {
        let entry = try golden.entry("in.hard_labels")
        let valid = try doubles("in.valid")
        return (0..<entry.count).map {
            valid[$0] == 0
                ? Compute.ignoredTarget
                : Int32(entry.bytes.loadUnaligned(fromByteOffset: $0 * 8, as: Int64.self))
        }
    }

    /// Runs a loss over all tokens, three at a time.
    private func run(
        _ loss: DistillationLoss, _ teacher: TeacherScores? = nil
    ) throws -> (losses: [TokenLosses], gradient: Matrix) {
        let scores = try matrix("in.student_logits")
        let targets = try targets()
        let count = targets.count { $0 != Compute.ignoredTarget }
        let table = TokenLossTable(count: targets.count)
        let closure = loss.scoreLoss(
            targets: targets, teacher: try teacher ?? .full(matrix("in.teacher_logits")),
            normalizer: Double(count), compute: Compute(threads: 2), into: table)
        for start in stride(from: 0, to: targets.count, by: 3) {
            let part = start..<min(start + 3, targets.count)
            closure(part, scores.rows(part))
        }
        return (table.tokens, scores)
    }

    private func compare(
        _ actual: (losses: [TokenLosses], gradient: Matrix), _ loss: DistillationLoss,
        perToken: [Double]?, mean: Double, gradient: [Double], extra: Double = 0
    ) throws {
        let valid = try doubles("in.valid")
        let count = valid.reduce(0, +)
        let largest = try doubles("in.student_logits").map(abs).max() ?? 0
        // Inputs and their quotients are rounded to single precision, exponentials good to 1e-7.
        let unit = 5e-7 + 8 * (2 * largest / loss.temperature) * 0x1p-24 + extra
        let square = loss.alpha < 1 ? loss.temperature * loss.temperature : 1
        if let perToken {
            for (token, due) in perToken.enumerated() where valid[token] != 0 {
                let error = abs(actual.losses[token].total * count - due)
                #expect(error <= unit * (square + due), "token \(token)")
            }
        }
        let sum = actual.losses.reduce(TokenLosses(), +).total
        #expect(abs(sum - mean) <= unit * (square + mean))
        let tolerance = unit * square / loss.temperature * (2 + 2 * largest) / count
        var worst = 0.0
        for (ours, theirs) in zip(actual.gradient.toArray(), gradient) {
            worst = max(worst, abs(Double(ours) - theirs))
        }
        #expect(worst <= tolerance, "gradient off by \(worst), allowed \(tolerance)")
        for token in valid.indices where valid[token] == 0 {
            #expect(actual.losses[token] == TokenLosses())
        }
    }

    @Test(arguments: RecordedDivergence.all)
    func divergence(_ recorded: RecordedDivergence) throws {
        let (name, loss) = (recorded.name, recorded.loss)
        try loss.check()
        try compare(
            run(loss), loss, perToken: doubles("\(name).per_position"),
            mean: doubles("\(name).loss")[0], gradient: doubles("\(name).grad"))
    }

    /// The same from top scores that keep every token.
    @Test(arguments: RecordedDivergence.all)
    func everyTokenKept(_ recorded: RecordedDivergence) throws {
        let (name, loss) = (recorded.name, recorded.loss)
        let teacher = try matrix("in.teacher_logits")
        Compute(threads: 1).logSoftmaxRows(teacher, into: teacher)
        var top = TopScores()
        for row in 0..<teacher.rows {
            try top.append(
                ids: 0..<Int32(teacher.columns), logProbabilities: teacher.row(row).toArray(),
                restMass: 0)
        }
        try compare(
            run(loss, .top(top)), loss, perToken: doubles("\(name).per_position"),
            mean: doubles("\(name).loss")[0], gradient: doubles("\(name).grad"), extra: 1e-6)
    }

    @Test func crossEntropy() throws {
        let loss = DistillationLoss(alpha: 1)
        try compare(
            run(loss), loss, perToken: nil, mean: doubles("cross_entropy.loss")[0],
            gradient: doubles("cross_entropy.grad"))
    }

    /// alpha CE + (1 - alpha) T^2 KL, from both recorded parts.
    @Test func mixture() throws {
        let loss = DistillationLoss(temperature: 2, alpha: 0.3)
        let parts = try ["cross_entropy", "forward_kl.T2"].map {
            (try doubles("\($0).loss")[0], try doubles("\($0).grad"))
        }
        try compare(
            run(loss), loss, perToken: nil, mean: 0.3 * parts[0].0 + 0.7 * parts[1].0,
            gradient: zip(parts[0].1, parts[1].1).map { 0.3 * $0 + 0.7 * $1 })
    }

    /// TRL's meaning of beta 0 and 1; without the square of the temperature too.
    @Test func endsOfBeta() throws {
        for (beta, name) in [(0.0, "forward_kl.T2"), (1, "reverse_kl.T2")] {
            let loss = DistillationLoss(.jensenShannon, beta: beta, temperature: 2)
            let result = try run(loss)
            try compare(
                result, loss, perToken: doubles("\(name).per_position"),
                mean: doubles("\(name).loss")[0], gradient: doubles("\(name).grad"))
            var plain = loss
            plain.squaresTemperature = false
            for (a, b) in zip(result.losses, try run(plain).losses) {
                #expect(a.soft == b.soft && abs(a.total - 4 * b.total) <= 1e-15 * a.total)
            }
        }
    }
}
