// Work on many things, each rank its part, put together in order on all of them.

import Collectives
import Foundation

extension Communicator {
    /// What the ranks make of their parts of `0..<count`; a collective.
    func inParts<Value: Codable>(
        of count: Int, _ body: (Range<Int>) throws -> [Value]
    ) throws -> [Value] {
        let own = try JSONEncoder().encode(body(rank * count / size..<(rank + 1) * count / size))
        let parts = try allGather([UInt8](own))
        return try parts.flatMap { try JSONDecoder().decode([Value].self, from: Data($0)) }
    }
}
