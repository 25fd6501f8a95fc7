// What a rank's labelling has come to, counted from many tasks at once, and where its feeding thread
// waits for one of them to end.

import Foundation

/// Counts of outcomes.
public struct LabellingCounts: Sendable, Equatable {
    /// Records that got a label.
    public var labelled = 0
    /// Records that got none, with the reason in the ledger.
    public var failed = 0
    /// Records given back, since no server would answer this rank.
    public var returned = 0

    /// Counts of nothing.
    public init() {}
}

/// The tally of one round.
final class LabellingTally: @unchecked Sendable {
    private let condition = NSCondition()
    private var active = 0
    private var counts = LabellingCounts()
    private var returnedRows: [Int] = []
    private var deferredRows: [Int] = []
    private var unreachable: String?
    private var lastTrouble: String?
    private var overBudget = false
    private var error: TeacherError?

    /// A snapshot.
    struct State {
        var active: Int
        var counts: LabellingCounts
        var unreachable: String?
        /// What was said of a record on which servers failed.
        var lastTrouble: String?
        var isOverBudget: Bool
        var error: TeacherError?
    }

    var state: State {
        condition.withLock {
            State(
                active: active, counts: counts, unreachable: unreachable,
                lastTrouble: lastTrouble, isOverBudget: overBudget, error: error)
        }
    }

    /// The rows that another rank should try.
    var returned: [Int] { condition.withLock { returnedRows } }

    /// The rows that wait for an earlier row's answer.
    var deferred: [Int] { condition.withLock { deferredRows } }

    func began() {
        condition.withLock { active += 1 }
    }

    func ended(_ row: Int, _ outcome: LabellingOutcome) {
        condition.lock()
        defer {
            condition.signal()
            condition.unlock()
        }
        active -= 1
        switch outcome {
        case .labelled:
            counts.labelled += 1
            unreachable = nil
        case .failed:
            counts.failed += 1
            unreachable = nil
        case .unreachable(let reason):
            counts.returned += 1
            returnedRows.append(row)
            unreachable = reason
        case .exhausted(let reason, _):
            lastTrouble = reason
            counts.returned += 1
            returnedRows.append(row)
        case .deferred: deferredRows.append(row)
        case .overBudget: overBudget = true
        case .cancelled: break
        case .fatal(let error): self.error = self.error ?? error
        }
    }

    /// Sleeps until a record is done, or for `seconds`.
    func wait(seconds: Double) {
        condition.lock()
        _ = condition.wait(until: Date(timeIntervalSinceNow: seconds))
        condition.unlock()
    }
}
