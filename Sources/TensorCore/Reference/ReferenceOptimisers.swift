// The reference of optimiser steps, in PyTorch's sense.

#if canImport(Glibc)
    internal import Glibc
#elseif canImport(Darwin)
    internal import Darwin
#endif

extension ReferenceOperations {
    /// Parameters with the state of AdamW.
    public struct AdamW: Sendable {
        /// The parameters.
        public var parameters: [Double]
        /// The decaying mean of the gradients.
        public var firstMoment: [Double]
        /// The decaying mean of their squares.
        public var secondMoment: [Double]
        /// Steps taken.
        public private(set) var steps = 0

        /// Parameters before the first step.
        public init(parameters: [Double]) {
            self.parameters = parameters
            firstMoment = Array(repeating: 0, count: parameters.count)
            secondMoment = firstMoment
        }

        /// Takes one step.
        public mutating func step(
            gradients: [Double], learningRate: Double, beta1: Double = 0.9, beta2: Double = 0.999,
            epsilon: Double = 1e-8, weightDecay: Double = 0.01, gradientScale: Double = 1
        ) {
            steps += 1
            let correction1 = 1 - pow(beta1, Double(steps))
            let correction2 = 1 - pow(beta2, Double(steps))
            for index in parameters.indices {
                let gradient = gradients[index] * gradientScale
                parameters[index] -= learningRate * weightDecay * parameters[index]
                firstMoment[index] = beta1 * firstMoment[index] + (1 - beta1) * gradient
                secondMoment[index] =
                    beta2 * secondMoment[index] + (1 - beta2) * gradient * gradient
                let deviation = (secondMoment[index] / correction2).squareRoot() + epsilon
                parameters[index] -= learningRate / correction1 * firstMoment[index] / deviation
            }
        }
    }

    /// Parameters with the state of stochastic gradient descent.
    public struct SGD: Sendable {
        /// The parameters.
        public var parameters: [Double]
        /// The momentum buffer; the first step sets it.
        public var momentumBuffer: [Double]
        /// Steps taken.
        public private(set) var steps = 0

        /// Parameters before the first step.
        public init(parameters: [Double]) {
            self.parameters = parameters
            momentumBuffer = Array(repeating: 0, count: parameters.count)
        }

        /// Takes one step.
        public mutating func step(
            gradients: [Double], learningRate: Double, momentum: Double = 0, dampening: Double = 0,
            weightDecay: Double = 0, nesterov: Bool = false, gradientScale: Double = 1
        ) {
            steps += 1
            for index in parameters.indices {
                let gradient = gradients[index] * gradientScale + weightDecay * parameters[index]
                var update = gradient
                if momentum != 0 {
                    momentumBuffer[index] =
                        steps == 1
                        ? gradient
                        : momentum * momentumBuffer[index] + (1 - dampening) * gradient
                    update =
                        nesterov
                        ? gradient + momentum * momentumBuffer[index] : momentumBuffer[index]
                }
                parameters[index] -= learningRate * update
            }
        }
    }
}
