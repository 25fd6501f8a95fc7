// The most likely tokens at some places of a teacher's texts, and the probability of all the others
// together: what a recorded teacher keeps of its scores. A plain value; how it is stored on disk and
// what a student makes of it are other files' business.
//
// Shape legend: M places, k tokens kept at a place (not the same number at each), V vocabulary.

internal import Foundation

/// For each of M places: the kept tokens with their log-probabilities, and the rest's mass.
///
/// The kept tokens' probabilities and the rest's mass add up to 1, as far as their storage rounds. All
/// are those of softmax(scores / temperature).
public struct TopScores: Sendable, Equatable {
    /// What the teacher's scores were divided by before the softmax.
    public let temperature: Double
    /// Where each place's tokens begin in `ids` and `logProbabilities`, and where the last ones end:
    /// M + 1 offsets.
    public private(set) var starts = [0]
    /// Vocabulary ids, rising within a place.
    public private(set) var ids: [Int32] = []
    /// Natural logarithms of the probabilities of `ids`; minus infinity for a token that can't be.
    public private(set) var logProbabilities: [Float] = []
    /// At each place the probability of all tokens that aren't kept.
    public private(set) var restMasses: [Float] = []

    /// How far the masses of a place may be off 1: log-probabilities of 16 bits round by 0.4 per cent.
    public static let massTolerance = 0.02

    /// No places yet.
    public init(temperature: Double = 1) {
        precondition(
            temperature > 0 && temperature.isFinite, "top scores at temperature \(temperature)")
        self.temperature = temperature
    }

    /// M.
    public var count: Int { restMasses.count }

    /// Where a place's tokens are in `ids` and `logProbabilities`.
    public func entries(of place: Int) -> Range<Int> { starts[place]..<starts[place + 1] }

    /// Adds a place.
    ///
    /// - Parameters:
    ///   - ids: The kept tokens, rising, at least one.
    ///   - logProbabilities: As many natural logarithms.
    ///   - restMass: The probability of all others; 0 where there are none.
    /// - Throws: `invalidInput` unless that is a distribution.
    public mutating func append(
        ids: some Collection<Int32>, logProbabilities: some Collection<Float>, restMass: Float
    ) throws(ModelError) {
        func refuse(_ what: String) -> ModelError {
            ModelError(.invalidInput, "top scores of place \(count): \(what); record them again")
        }
        guard !ids.isEmpty, ids.count == logProbabilities.count else {
            throw refuse("\(ids.count) tokens with \(logProbabilities.count) log-probabilities")
        }
        var last: Int32 = -1
        for id in ids {
            guard id > last else { throw refuse("token \(id) after \(last), not rising") }
            last = id
        }
        guard restMass >= 0, restMass <= 1 else { throw refuse("the rest's mass is \(restMass)") }
        var mass = Double(restMass)
        for value in logProbabilities {
            // Not `value > 0`: NaN is refused here.
            guard value <= Float(Self.massTolerance) else {
                throw refuse("log-probability \(value)")
            }
            mass += Double(exp(value))
        }
        guard abs(mass - 1) <= Self.massTolerance else {
            throw refuse("its probabilities add up to \(mass)")
        }
        self.ids.append(contentsOf: ids)
        self.logProbabilities.append(contentsOf: logProbabilities)
        restMasses.append(restMass)
        starts.append(self.ids.count)
    }

    /// Adds a place of others at the same temperature.
    public mutating func append(place: Int, of others: TopScores) {
        precondition(
            others.temperature == temperature,
            "top scores at temperature \(others.temperature) after \(temperature)")
        let entries = others.entries(of: place)
        ids.append(contentsOf: others.ids[entries])
        logProbabilities.append(contentsOf: others.logProbabilities[entries])
        restMasses.append(others.restMasses[place])
        starts.append(ids.count)
    }

    /// Adds the places of others at the same temperature.
    public mutating func append(contentsOf others: TopScores) {
        precondition(
            others.temperature == temperature,
            "top scores at temperature \(others.temperature) after \(temperature)")
        let offset = ids.count
        ids.append(contentsOf: others.ids)
        logProbabilities.append(contentsOf: others.logProbabilities)
        restMasses.append(contentsOf: others.restMasses)
        starts.append(contentsOf: others.starts.dropFirst().map { offset + $0 })
    }
}
