// The checks on worlds of threads.

import Testing

@testable import Collectives

@Suite struct ThreadWorldTests {
    @Test(arguments: 1...8, CollectiveChecks.all.map(\.name))
    func check(ranks: Int, name: String) throws {
        guard let check = CollectiveChecks.all.first(where: { $0.name == name })?.check else {
            Issue.record("no check '\(name)'")
            return
        }
        _ = try ThreadWorld.run(ranks: ranks) { try check($0) }
    }

    @Test func resultsComeInRankOrder() throws {
        #expect(try ThreadWorld.run(ranks: 5) { $0.rank * 10 } == [0, 10, 20, 30, 40])
    }
}
