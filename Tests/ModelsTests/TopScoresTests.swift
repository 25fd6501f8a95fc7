// The value of recorded top scores: what it takes, what it refuses.

import Foundation
import Models
import Testing

@Suite struct TopScoresTests {
    private func message(
        _ ids: [Int32], _ probabilities: [Float], _ rest: Float
    ) -> String? {
        var scores = TopScores()
        do throws(ModelError) {
            try scores.append(
                ids: ids, logProbabilities: probabilities.map { log($0) }, restMass: rest)
            return nil
        } catch {
            #expect(error.code == .invalidInput && scores.count == 0 && scores.ids.isEmpty)
            return error.message
        }
    }

    @Test func takesDistributions() throws {
        #expect(message([3], [1], 0) == nil)
        #expect(message([0, 9], [0.5, 0.2], 0.3) == nil)
        #expect(message([0, 1], [0, 1], 0) == nil)
        #expect(message([0, 1], [0.505, 0.505], 0) == nil)
    }

    @Test func refusesOthers() {
        let place = "top scores of place 0: "
        let advice = "; record them again"
        #expect(message([], [], 1) == place + "0 tokens with 0 log-probabilities" + advice)
        #expect(message([1, 2], [1], 0) == place + "2 tokens with 1 log-probabilities" + advice)
        #expect(message([2, 2], [0.5, 0.5], 0) == place + "token 2 after 2, not rising" + advice)
        #expect(message([-1], [1], 0) == place + "token -1 after -1, not rising" + advice)
        #expect(message([1], [1], -0.01) == place + "the rest's mass is -0.01" + advice)
        #expect(message([1], [1], .nan) == place + "the rest's mass is nan" + advice)
        #expect(message([1], [.nan], 0)?.contains("log-probability") == true)
        #expect(message([1], [2], 0)?.contains("log-probability 0.69") == true)
        #expect(message([1], [0.5], 0.25) == place + "its probabilities add up to 0.75" + advice)
    }

    @Test func places() throws {
        var scores = TopScores(temperature: 2)
        try scores.append(ids: [1], logProbabilities: [log(0.5)], restMass: 0.5)
        try scores.append(ids: [0, 7], logProbabilities: [log(0.5), log(0.25)], restMass: 0.25)
        var others = TopScores(temperature: 2)
        others.append(place: 1, of: scores)
        others.append(contentsOf: scores)
        #expect(others.count == 3 && others.starts == [0, 2, 3, 5])
        #expect(others.ids == [0, 7, 1, 0, 7] && others.restMasses == [0.25, 0.5, 0.25])
        #expect(others.entries(of: 2) == 3..<5)
        #expect(others.logProbabilities[4] == Float(log(0.25)))
    }
}
