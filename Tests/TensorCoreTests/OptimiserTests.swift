// AdamW and SGD against the reference, and against 40 steps that PyTorch recorded.

import Kernels
import TensorCore
import Testing

@Suite struct OptimiserTests {
    @Test(arguments: InstructionSet.available)
    func adamW(_ set: InstructionSet) {
        var numbers = SampleNumbers(seed: 71)
        for count in [0, 1, 15, 16, 67, 16_385] {
            for weightDecay in [0, 0.1] {
                withArena { arena in
                    let compute = Compute(threads: 2, instructionSet: set)
                    let parameters = Guarded(arena, 1, count, numbers.floats(count))
                    let gradients = Guarded(arena, 1, count)
                    let (m, v) = (Guarded(arena, 1, count), Guarded(arena, 1, count))
                    m.matrix.fill(0)
                    v.matrix.fill(0)
                    var reference = ReferenceOperations.AdamW(
                        parameters: ReferenceMatrix(parameters.matrix).values)
                    let (rate, scale) = (1e-2, Float(0.5))
                    for step in 1...6 {
                        gradients.matrix.assign(numbers.floats(count, scale: 3))
                        compute.adamW(
                            parameters: parameters.matrix, gradients: gradients.matrix,
                            firstMoment: m.matrix, secondMoment: v.matrix, step: step,
                            learningRate: rate, weightDecay: weightDecay, gradientScale: scale)
                        reference.step(
                            gradients: ReferenceMatrix(gradients.matrix).values,
                            learningRate: rate, weightDecay: weightDecay, gradientScale: 0.5)
                    }
                    let name = "\(count), decay \(weightDecay)"
                    // Six steps: each rounds the parameter three times and an update, at most a few
                    // learning rates long, some ten times.
                    expectClose(
                        parameters.matrix.toArray(), reference.parameters,
                        reference.parameters.map {
                            6 * unitRoundoff * (3 * (abs($0) + 6 * rate) + 30 * rate)
                        }, name)
                    expectClose(
                        m.matrix.toArray(), reference.firstMoment,
                        reference.firstMoment.map { _ in 6 * 4 * unitRoundoff * 1.5 }, name)
                    expectClose(
                        v.matrix.toArray(), reference.secondMoment,
                        reference.secondMoment.map { 6 * 6 * unitRoundoff * $0 }, name)
                    #expect(
                        parameters.isIntact && gradients.isIntact && m.isIntact && v.isIntact)
                }
            }
        }
    }

    @Test(arguments: InstructionSet.available)
    func sgd(_ set: InstructionSet) {
        typealias Settings = (
            momentum: Double, dampening: Double, weightDecay: Double, nesterov: Bool
        )
        let all: [Settings] = [
            (0, 0, 0, false), (0.9, 0, 0.01, false), (0.9, 0.25, 0, false), (0.8, 0, 0.1, true),
        ]
        var numbers = SampleNumbers(seed: 72)
        for settings in all {
            for count in [0, 1, 33, 16_400] {
                withArena { arena in
                    let compute = Compute(threads: 2, instructionSet: set)
                    let parameters = Guarded(arena, 1, count, numbers.floats(count))
                    let gradients = Guarded(arena, 1, count)
                    // The first step must not read what the buffer holds.
                    let buffer = Guarded(arena, 1, count)
                    buffer.matrix.fill(.nan)
                    var reference = ReferenceOperations.SGD(
                        parameters: ReferenceMatrix(parameters.matrix).values)
                    for step in 1...5 {
                        gradients.matrix.assign(numbers.floats(count))
                        compute.sgd(
                            parameters: parameters.matrix, gradients: gradients.matrix,
                            momentumBuffer: buffer.matrix, step: step, learningRate: 0.05,
                            momentum: settings.momentum, dampening: settings.dampening,
                            weightDecay: settings.weightDecay, nesterov: settings.nesterov,
                            gradientScale: 2)
                        reference.step(
                            gradients: ReferenceMatrix(gradients.matrix).values,
                            learningRate: 0.05, momentum: settings.momentum,
                            dampening: settings.dampening, weightDecay: settings.weightDecay,
                            nesterov: settings.nesterov, gradientScale: 2)
                    }
                    // Momentum sums gradients of 2 to at most 10; the step is a twentieth of that.
                    expectClose(
                        parameters.matrix.toArray(), reference.parameters,
                        reference.parameters.map {
                            5 * unitRoundoff * (2 * (abs($0) + 2) + 0.05 * 10 * 10)
                        }, "\(settings), \(count)")
                    if settings.momentum != 0 {
                        expectClose(
                            buffer.matrix.toArray(), reference.momentumBuffer,
                            reference.momentumBuffer.map { _ in 5 * 5 * unitRoundoff * 10 },
                            "\(settings), \(count): buffer")
                    }
                    #expect(parameters.isIntact && gradients.isIntact && buffer.isIntact)
                }
            }
        }
    }

    @Test(arguments: InstructionSet.available)
    func threadsDoNotMatter(_ set: InstructionSet) {
        let count = 60_001
        withArena { arena in
            var results: [[[UInt32]]] = []
            for threads in 1...4 {
                let compute = Compute(threads: threads, instructionSet: set)
                var numbers = SampleNumbers(seed: 73)
                let parameters = arena.vector(numbers.floats(count))
                let gradients = arena.vector(numbers.floats(count))
                let (m, v) = (arena.zeros(1, count), arena.zeros(1, count))
                compute.adamW(
                    parameters: parameters, gradients: gradients, firstMoment: m, secondMoment: v,
                    step: 1, learningRate: 1e-3)
                compute.sgd(
                    parameters: parameters, gradients: gradients, momentumBuffer: m, step: 2,
                    learningRate: 1e-3, momentum: 0.9)
                results.append([parameters.bits, m.bits, v.bits])
            }
            #expect(results.allSatisfy { $0 == results[0] })
        }
    }

    @Test(
        .enabled(
            if: RecordedTensors.exists("optimisers"),
            "../shared/reference/golden/optimisers is not there"),
        arguments: InstructionSet.available)
    func recordedRuns(_ set: InstructionSet) throws {
        let recorded = try RecordedTensors("optimisers")
        let compute = Compute(threads: 1, instructionSet: set)
        for optimiser in ["adamw", "sgd"] {
            for schedule in ["constant", "linear", "cosine"] {
                let name = "\(optimiser).\(schedule)"
                let path = try recorded.floats("\(name).parameters")
                let gradients = try recorded.floats("\(name).gradients")
                let rates = try recorded.doubles("\(name).learning_rate")
                let (count, steps) = (path.count / (rates.count + 1), rates.count)
                #expect(steps == 40 && count == 37)
                withArena { arena in
                    let parameters = arena.vector(Array(path[0..<count]))
                    let gradient = arena.vector(count)
                    let (m, v) = (arena.zeros(1, count), arena.zeros(1, count))
                    for step in 1...steps {
                        gradient.assign(Array(gradients[(step - 1) * count..<step * count]))
                        if optimiser == "adamw" {
                            compute.adamW(
                                parameters: parameters, gradients: gradient, firstMoment: m,
                                secondMoment: v, step: step, learningRate: rates[step - 1],
                                weightDecay: 0.1)
                        } else {
                            compute.sgd(
                                parameters: parameters, gradients: gradient, momentumBuffer: m,
                                step: step, learningRate: rates[step - 1], momentum: 0.9,
                                weightDecay: 0.01)
                        }
                        // Both sides round, in different orders: per step twice three roundings of
                        // the parameter and some twenty of the update (at most 10 learning rates).
                        let due = path[step * count..<(step + 1) * count].map(Double.init)
                        expectClose(
                            parameters.toArray(), due,
                            due.map {
                                Double(step) * unitRoundoff * (2 * abs($0) + 20 * 3e-3 * 10)
                            }, "\(name), step \(step)")
                    }
                }
            }
        }
    }
}
