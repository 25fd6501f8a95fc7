// Optimisers and schedules against 40 recorded PyTorch steps, whole and cut into the parts of ranks.

import Autograd
import Collectives
import Foundation
import Safetensors
import TensorCore
import TestSupport
import Testing

@testable import Training

private let recording = "reference/golden/optimisers/golden.safetensors"

@Suite(.enabled(if: SharedData.has(recording), "no recorded optimisers in ../shared/reference"))
struct RecordedOptimiserTests {
    private func options(_ kind: TrainingOptions.OptimizerKind) -> TrainingOptions {
        var options = TrainingOptions()
        options.optimizer = kind
        options.learningRate = 3e-3
        options.weightDecay = kind == .adamw ? 0.1 : 0.01
        options.momentum = 0.9
        return options
    }

    private func rates(_ golden: SafetensorsFile, _ name: String) throws -> [Double] {
        let entry = try golden.entry("\(name).learning_rate")
        return (0..<entry.count).map {
            entry.bytes.loadUnaligned(fromByteOffset: $0 * 8, as: Double.self)
        }
    }

    @Test(
        arguments: TrainingOptions.OptimizerKind.allCases, LearningRateSchedule.Shape.allCases)
    func schedule(
        kind: TrainingOptions.OptimizerKind, shape: LearningRateSchedule.Shape
    ) throws {
        let golden = try SafetensorsFile(path: SharedData.path(recording))
        var options = options(kind)
        options.schedule = shape
        // The recording's constant rate has no warm-up.
        options.warmupSteps = shape == .constant ? 0 : 5
        let schedule = options.schedule(totalSteps: 40)
        for (step, theirs) in try rates(golden, "\(kind.rawValue).\(shape.rawValue)").enumerated() {
            #expect(abs(schedule.rate(at: step) - theirs) <= 1e-15, "step \(step)")
        }
    }

    /// Each step starts from our own weights: errors of all 40 steps add up, one rounding each.
    @Test(
        arguments: TrainingOptions.OptimizerKind.allCases, LearningRateSchedule.Shape.allCases)
    func trajectory(
        kind: TrainingOptions.OptimizerKind, shape: LearningRateSchedule.Shape
    ) throws {
        let name = "\(kind.rawValue).\(shape.rawValue)"
        let golden = try SafetensorsFile(path: SharedData.path(recording))
        let parameters = try golden.floats("\(name).parameters")
        let gradients = try golden.floats("\(name).gradients")
        let rates = try rates(golden, name)
        var trajectories: [[UInt32]] = []
        for ranks in 1...4 {
            let ours = trajectory(
                options(kind), ranks: ranks, start: Array(parameters[..<37]),
                gradients: gradients, rates: rates)
            for (mine, theirs) in zip(ours, parameters[37...]) {
                #expect(abs(mine - theirs) <= 40 * 0x1p-23 * max(1, abs(theirs)))
            }
            trajectories.append(ours.map(\.bitPattern))
        }
        #expect(trajectories.allSatisfy { $0 == trajectories[0] })
    }

    /// The weights after each step, each part of the buffer moved by the rank that owns it.
    private func trajectory(
        _ options: TrainingOptions, ranks: Int, start: [Float], gradients: [Float],
        rates: [Double]
    ) -> [Float] {
        let arena = Arena()
        let weights = arena.matrix(1, 37)
        weights.assign(start)
        let gradient = arena.matrix(1, 37)
        let layout = BucketLayout(count: 37, ranks: ranks, bucketSize: 16, blockSize: 4)
        let optimizers = (0..<ranks).map {
            ShardedOptimizer(
                options, layout: layout, rank: $0, compute: Compute(threads: 1))
        }
        var trajectory: [Float] = []
        for (step, rate) in rates.enumerated() {
            // Clipping scales the gradient: here it undoes a doubling.
            gradient.assign(gradients[(step * 37)..<((step + 1) * 37)].map { 2 * $0 })
            for optimizer in optimizers {
                optimizer.step(
                    parameters: weights, gradients: gradient, update: step + 1, rate: rate,
                    gradientScale: 0.5)
            }
            trajectory += weights.toArray()
        }
        return trajectory
    }
}
