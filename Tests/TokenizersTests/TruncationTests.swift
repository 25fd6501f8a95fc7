// How a pair is shared out: the reference's own table, and that nothing is ever too long.

import Testing

@testable import Tokenizers

@Suite struct TruncationTests {
    @Test(arguments: [
        (0, 0, 0, 0), (0, 2, 0, 2), (0, 4, 0, 4), (0, 8, 0, 7), (2, 0, 2, 0), (2, 2, 2, 2),
        (2, 4, 2, 4), (2, 8, 2, 5), (4, 0, 4, 0), (4, 2, 4, 2), (4, 4, 3, 4), (4, 8, 3, 4),
        (8, 0, 7, 0), (8, 2, 5, 2), (8, 4, 4, 3), (8, 8, 3, 4),
    ])
    func longestFirst(first: Int, second: Int, keptFirst: Int, keptSecond: Int) {
        let kept = Truncation(maximumLength: 7).keptCounts(first: first, second: second, room: 7)
        #expect(kept == (keptFirst, keptSecond))
    }

    @Test func everyStrategyFits() {
        var truncation = Truncation(maximumLength: 0)
        for strategy in [TruncationStrategy.longestFirst, .onlyFirst, .onlySecond] {
            truncation.strategy = strategy
            for room in 0..<9 {
                for first in 0..<9 {
                    #expect(
                        truncation.keptCounts(first: first, second: nil, room: room).first <= room)
                    for second in 0..<9 {
                        let kept = truncation.keptCounts(first: first, second: second, room: room)
                        #expect(kept.first + kept.second == min(room, first + second))
                    }
                }
            }
        }
    }
}
