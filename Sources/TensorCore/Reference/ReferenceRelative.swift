// The reference of the scores of disentangled attention (He et al. 2021, arXiv 2006.03654, equation 4).

extension ReferenceOperations {
    /// Content to content, content to position and position to content of one head.
    ///
    /// The scores, `T x T`, are
    ///
    ///     (q_i . k_j + q_i . pk_{r(i-j)} + k_j . pq_{r(i-j)}) scale
    ///
    /// - Parameters:
    ///   - query: `T x K`.
    ///   - key: `T x K`.
    ///   - positionQuery: pq, a row a bucket of distances.
    ///   - positionKey: pk, likewise.
    ///   - scale: Factor on each score.
    ///   - row: r, the bucket of a distance.
    public static func disentangledScores(
        query: ReferenceMatrix, key: ReferenceMatrix, positionQuery: ReferenceMatrix,
        positionKey: ReferenceMatrix, scale: Double, row: (_ distance: Int) -> Int
    ) -> ReferenceMatrix {
        func product(_ a: ReferenceMatrix, _ i: Int, _ b: ReferenceMatrix, _ j: Int) -> Double {
            (0..<a.columns).reduce(0) { $0 + a[i, $1] * b[j, $1] }
        }
        var scores = ReferenceMatrix(rows: query.rows, columns: key.rows)
        for i in 0..<query.rows {
            for j in 0..<key.rows {
                let bucket = row(i - j)
                scores[i, j] =
                    scale
                    * (product(query, i, key, j) + product(query, i, positionKey, bucket)
                        + product(key, j, positionQuery, bucket))
            }
        }
        return scores
    }
}
