// Which known name a slip was meant to be.

import Testing

@testable import retort

@Suite struct NearestNameTests {
    @Test(arguments: [
        ("", "", 0), ("abc", "abc", 0), ("abc", "", 3), ("kitten", "sitting", 3),
        ("flaw", "lawn", 2), ("epochs", "epoch", 1), ("ä", "a", 1),
    ])
    func distance(left: String, right: String, expected: Int) {
        #expect(NearestName.distance(left, right) == expected)
        #expect(NearestName.distance(right, left) == expected)
    }

    @Test func nearest() {
        let known = ["epochs", "learning_rate", "schedule", "momentum", "seed"]
        #expect(NearestName.of("epoch", among: known) == "epochs")
        #expect(NearestName.of("learningrate", among: known) == "learning_rate")
        // Cut short: nearer to `seed` by letters, but not what was meant.
        #expect(NearestName.of("sched", among: known) == "schedule")
        #expect(NearestName.of("sede", among: known) == "seed")
        #expect(NearestName.of("something_else", among: known) == nil)
        #expect(NearestName.of("x", among: []) == nil)
        // Of equally near ones, the first.
        #expect(NearestName.of("ab", among: ["ac", "ad"]) == "ac")
    }
}
