// What a model needs while it works and keeps from text to text, one for each thread at work.

internal import Synchronization

/// Room for a model's work and the words met lately; used by one thread at a time.
struct ModelWorkspace: Sendable {
    /// BPE's symbols.
    var work = MergeWork()
    /// Unigram's best paths.
    var paths = BestPaths()
    var cache = WordCache()
}

extension TokenSequence {
    /// Appends the tokens of a word met lately; false where it isn't known.
    @inline(__always)
    mutating func appendKnown(_ text: NormalizedText, _ word: Range<Int>, hash: UInt64) -> Bool {
        guard let known = workspace.cache.tokens(of: word, text.bytes, hash: hash) else {
            return false
        }
        var start = word.lowerBound
        for index in known {
            let end = start + Int(workspace.cache.lengths[index])
            append(workspace.cache.ids[index], text, start..<end)
            start = end
        }
        return true
    }
}

/// The workspaces at hand: as many as threads have been at work at once.
final class ModelWorkspaces: Sendable {
    private let free = Mutex<[ModelWorkspace]>([])

    /// Calls `body` with tokens that have room for a model's work.
    func with(_ tokens: inout TokenSequence, _ body: (inout TokenSequence) -> Void) {
        tokens.workspace = free.withLock { $0.popLast() } ?? ModelWorkspace()
        body(&tokens)
        let workspace = tokens.workspace
        tokens.workspace = ModelWorkspace()
        free.withLock { $0.append(workspace) }
    }
}
