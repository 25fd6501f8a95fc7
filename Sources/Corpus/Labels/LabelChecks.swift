// What a teacher's probabilities must be before anything is trained on them.

extension LabelRecord {
    /// How far a sum of class probabilities may be from 1: rounded ones are; where more is missing,
    /// a class is.
    public static let sumTolerance = 0.02
    /// The least sum of choice probabilities.
    ///
    /// All choices are there, so what is missing went to other words than their letters; a model
    /// that says hardly any of the letters has no opinion.
    public static let leastChoiceSum = 0.05
    /// Nearer than this to 1, probabilities are left as they are, so that reading what was written
    /// changes nothing.
    static let exactSumTolerance = 1e-9

    /// The answer with its probabilities scaled to the sum 1.
    ///
    /// Refused where they are no probabilities (negative, not finite, a sum that isn't near 1), and
    /// where there are neither a label nor probabilities nor text.
    public func validated() throws(CorpusError) -> LabelRecord {
        do throws(LabelTrouble) { return try checked() } catch {
            throw CorpusError(.badLabel, "record '\(id)': \(error.reason)")
        }
    }

    func checked() throws(LabelTrouble) -> LabelRecord {
        guard !id.isEmpty else { throw LabelTrouble(reason: "the id is empty") }
        guard label != "" else { throw LabelTrouble(reason: "the label is empty") }
        guard
            label != nil || labelProbabilities != nil || choiceProbabilities != nil || text != nil
        else {
            throw LabelTrouble(
                reason: "there is neither label_probabilities nor choice_probabilities nor text "
                    + "nor label")
        }
        var answer = self
        if let given = labelProbabilities {
            // In one order, so that the sum has the same bits everywhere.
            let ordered = given.sorted { JSONText.precedes($0.key, $1.key) }
            let scale = try Self.scale(
                ordered.map(\.value), least: 1 - Self.sumTolerance
            ) { ordered[$0].key }
            if scale != 1 { answer.labelProbabilities = given.mapValues { $0 * scale } }
        }
        if let given = choiceProbabilities {
            let scale = try Self.scale(given, least: Self.leastChoiceSum) { "choice \($0)" }
            if scale != 1 { answer.choiceProbabilities = given.map { $0 * scale } }
        }
        return answer
    }

    private static func scale(
        _ values: [Double], least: Double, name: (Int) -> String
    ) throws(LabelTrouble) -> Double {
        for (index, value) in values.enumerated() where !value.isFinite || value < 0 {
            throw LabelTrouble(
                reason: "the probability of '\(name(index))' is \(value)")
        }
        let sum = values.reduce(0, +)
        guard sum >= least, sum <= 1 + sumTolerance else {
            throw LabelTrouble(reason: "the probabilities add up to \(sum), not to 1")
        }
        return abs(sum - 1) <= exactSumTolerance ? 1 : 1 / sum
    }
}

/// Why an answer cannot be used.
struct LabelTrouble: Error {
    let reason: String
}
