// What a BPE model needs while it works and keeps from text to text, one for each thread at work.

internal import Synchronization

/// Room for merging and the words met lately; used by one thread at a time.
struct BPEWorkspace: Sendable {
    var work = MergeWork()
    var cache = WordCache()

    /// Keeps the tokens of the word that was merged last.
    mutating func keep(_ word: Range<Int>, _ bytes: [UInt8], hash: UInt64) {
        guard !word.isEmpty else { return }
        cache.insert(word, bytes, hash: hash, ids: work.ids, lengths: work.lengths)
    }
}

/// The workspaces at hand: as many as threads have been at work at once.
final class BPEWorkspaces: Sendable {
    private let free = Mutex<[BPEWorkspace]>([])

    func take() -> BPEWorkspace { free.withLock { $0.popLast() } ?? BPEWorkspace() }

    func give(_ workspace: consuming BPEWorkspace) {
        let workspace = workspace
        free.withLock { $0.append(workspace) }
    }
}
