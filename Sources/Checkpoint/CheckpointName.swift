// The names of checkpoint folders.

/// The name of a checkpoint's folder and what it tells.
struct CheckpointName: Equatable {
    enum State: Equatable {
        /// `step-000100`: committed.
        case committed
        /// `step-000100.replaced`: committed, and set aside for a newer one of the same step.
        case replaced
        /// `step-000100.tmp`: a save that is under way or was broken off.
        case unfinished
    }

    let step: Int
    let state: State

    init(step: Int, state: State = .committed) {
        precondition(step >= 0, "step \(step)")
        self.step = step
        self.state = state
    }

    /// Reads a folder's name; nil for one that isn't a checkpoint's.
    init?(_ text: String) {
        let parts = text.split(separator: ".", omittingEmptySubsequences: false)
        guard let head = parts.first, head.hasPrefix("step-"), parts.count <= 2,
            let step = Int(head.dropFirst(5)), step >= 0
        else { return nil }
        switch parts.count == 2 ? parts[1] : "" {
        case "": self.init(step: step)
        case "replaced": self.init(step: step, state: .replaced)
        case "tmp": self.init(step: step, state: .unfinished)
        default: return nil
        }
        guard text == self.text else { return nil }
    }

    var text: String {
        let digits = String(step)
        let name = "step-" + String(repeating: "0", count: max(0, 6 - digits.count)) + digits
        switch state {
        case .committed: return name
        case .replaced: return name + ".replaced"
        case .unfinished: return name + ".tmp"
        }
    }
}
