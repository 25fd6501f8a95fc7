// What one pass through a decoder's layers reads: tokens of several sequences, packed one behind
// another. A call with many tokens is cut into passes of a bounded length, inside a sequence too.

import TensorCore

/// The tokens of one pass.
struct DecoderPass {
    private struct Part {
        let sequence: DecoderSequence
        let rows: Range<Int>
    }

    private(set) var tokens: [Int32] = []
    /// The rows whose states are wanted, ascending.
    private(set) var wantedRows: [Int] = []
    private var parts: [Part] = []

    /// Cuts inputs into passes of at most `limit` tokens, in order.
    static func passes(_ inputs: [DecoderInput], limit: Int) -> [DecoderPass] {
        var passes: [DecoderPass] = []
        var pass = DecoderPass()
        for input in inputs {
            var start = 0
            while start < input.tokens.count {
                if pass.tokens.count == limit {
                    passes.append(pass)
                    pass = DecoderPass()
                }
                let count = min(limit - pass.tokens.count, input.tokens.count - start)
                pass.append(input, start..<start + count)
                start += count
            }
        }
        if !pass.tokens.isEmpty { passes.append(pass) }
        return passes
    }

    private mutating func append(_ input: DecoderInput, _ range: Range<Int>) {
        let rows = tokens.count..<tokens.count + range.count
        tokens += input.tokens[range]
        parts.append(Part(sequence: input.sequence, rows: rows))
        switch input.wanted {
        case .none: break
        case .all: wantedRows += rows
        case .last:
            if range.upperBound == input.tokens.count { wantedRows.append(rows.upperBound - 1) }
        }
    }

    /// Makes room for the tokens in their sequences' caches.
    func extendCaches() -> [CachedAttentionJob] {
        parts.map { part in
            let position = part.sequence.cache.count
            part.sequence.cache.extend(by: part.rows.count)
            return CachedAttentionJob(
                cache: part.sequence.cache, firstPosition: position, rows: part.rows)
        }
    }
}
