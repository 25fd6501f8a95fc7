// Softmax attention inside the sequences of a packed batch.
//
// For each sequence and head: O = dropout(softmax(Q K^T / sqrt(K))) V. The score matrix of one
// (sequence, head) lives in scratch memory of the thread that works on it; only the logarithm of each
// row's sum of exponentials is kept, and the backward pass computes the probabilities again from it
// (Dao et al. 2022, arXiv 2205.14135, gives the algebra). So memory grows with N, not with T squared.
//
// Shape legend: N tokens, T tokens of one sequence, H heads, K head width, D = H K.

public import TensorCore

/// What attention keeps for its backward pass.
struct AttentionContext {
    let heads: Int
    let scale: Float
    /// `N x H`: logarithm of the sum of exponentials of each row of scores.
    let logSumExp: Matrix
    let dropout: DropoutStream?
    let probability: Float
}

extension Tape {
    /// Attention of every token to all tokens of its own sequence; all are `N x D`.
    ///
    /// - Parameters:
    ///   - query: Queries, the heads side by side.
    ///   - key: Keys.
    ///   - value: Values.
    ///   - heads: The count of heads; it divides the width.
    ///   - dropout: Dropout on the attention probabilities.
    public func attention(
        query: Variable, key: Variable, value: Variable, heads: Int, dropout: DropoutSite?
    ) -> Variable {
        let width = query.value.columns
        precondition(width % heads == 0, "width \(width) isn't a multiple of \(heads) heads")
        let active = isRecording ? dropout.flatMap { $0.probability > 0 ? $0 : nil } : nil
        let context = AttentionContext(
            heads: heads, scale: 1 / Float(width / heads).squareRoot(),
            logSumExp: arena.matrix(query.value.rows, heads),
            dropout: active?.stream(layout, axis: .tokens), probability: active?.probability ?? 0)
        let output = arena.matrix(query.value.rows, width)
        let (q, k, v) = (query.value, key.value, value.value)
        forEachHead(heads) { rows, head, columns, scratch in
            let probabilities = scratch.scores(0, rows.count)
            scratch.gemm(
                q.rows(rows).columns(columns), k.rows(rows).columns(columns), transposed: true,
                into: probabilities, scale: context.scale)
            for row in 0..<rows.count {
                let scores = probabilities.row(row)
                context.logSumExp[rows.lowerBound + row, head] =
                    scratch.softmaxRow(scores)
            }
            if let stream = context.dropout {
                scratch.dropout(
                    probabilities, context.probability, stream, firstRow: rows.lowerBound, head)
            }
            scratch.gemm(
                probabilities, v.rows(rows).columns(columns), into: output.rows(rows).columns(columns))
        }
        return record(
            .attention(query: query, key: key, value: value, context), output, axis: .tokens)
    }
}
