// How honest a teacher's confidences are: one temperature, fitted on a small file of gold labels.

import Corpus
import Teacher

/// The teacher's confidences on records whose label is known.
enum TeacherCalibration {
    /// Fits a temperature; nil where the recipe names no gold records.
    static func fit(
        _ records: [Record], _ answers: [LabelRecord?], labels: LabelSet
    ) throws -> TemperatureScaling? {
        guard !records.isEmpty else { return nil }
        return try TemperatureScaling(fittedOn: pairs(records, answers), labels: labels)
    }

    /// Measures answers on the records with gold labels; nil where there are none.
    static func measure(
        _ records: [Record], _ answers: [LabelRecord?], labels: LabelSet
    ) throws -> Calibration? {
        let pairs = pairs(records, answers)
        return pairs.isEmpty ? nil : try Calibration(pairs, labels: labels)
    }

    private static func pairs(
        _ records: [Record], _ answers: [LabelRecord?]
    ) -> [(answer: LabelRecord, gold: String)] {
        zip(records, answers).compactMap { record, answer in
            guard let answer, let gold = record.label else { return nil }
            return (answer, gold)
        }
    }
}
