// The terms of relative positions in one head's scores: the kernels' calls, checked.
//
// Shape legend: T tokens of a sequence, R distinct places of their distances.

internal import Kernels

/// Where the distance of two tokens of a sequence is found among R columns.
public struct RelativePlaces: Sendable {
    /// T.
    public let length: Int
    /// R.
    public let count: Int
    /// The place of the distances -(T - 1) to T - 1.
    private let places: [Int32]

    /// The places of the distances of a sequence of `length` tokens, from a function of a distance.
    public init(length: Int, count: Int, place: (_ distance: Int) -> Int) {
        precondition(length > 0, "a sequence of \(length) tokens")
        self.length = length
        self.count = count
        places = (1 - length..<length).map { distance in
            let place = place(distance)
            precondition(
                (0..<count).contains(place), "distance \(distance) at \(place) of \(count)")
            return Int32(place)
        }
    }

    /// Runs a body with a pointer at the place of distance 0.
    func withPlaces(_ body: (UnsafePointer<Int32>) -> Void) {
        places.withUnsafeBufferPointer {
            guard let base = $0.baseAddress else { return }
            body(base + (length - 1))
        }
    }
}

extension SerialKernels {
    /// `scores[i, j] += queryTerms[i, p(i - j)] + keyTerms[j, p(i - j)]`.
    ///
    /// - Parameters:
    ///   - scores: `T x T`, without gaps between rows.
    ///   - queryTerms: `T x R`: a query's products with the keys of positions.
    ///   - keyTerms: `T x R`, its rows as far apart: a key's products with the queries of positions.
    ///   - places: p.
    public func relativeScores(
        _ scores: Matrix, queryTerms: Matrix, keyTerms: Matrix, places: RelativePlaces
    ) {
        check(scores, queryTerms, keyTerms, places, "relativeScores")
        places.withPlaces {
            kernels.pointee.relative_scores(
                scores.base, scores.rows, queryTerms.base, keyTerms.base, queryTerms.stride, $0)
        }
    }

    /// The gradients of both terms from that of the scores; see `relativeScores`.
    public func relativeScoresBackward(
        _ gradient: Matrix, queryTerms: Matrix, keyTerms: Matrix, places: RelativePlaces
    ) {
        check(gradient, queryTerms, keyTerms, places, "relativeScoresBackward")
        places.withPlaces {
            kernels.pointee.relative_scores_backward(
                gradient.base, gradient.rows, queryTerms.base, keyTerms.base, queryTerms.stride,
                queryTerms.columns, $0)
        }
    }

    private func check(
        _ scores: Matrix, _ queryTerms: Matrix, _ keyTerms: Matrix, _ places: RelativePlaces,
        _ operation: StaticString
    ) {
        queryTerms.checkShape(keyTerms, operation)
        precondition(
            scores.isContiguous && scores.rows == places.length && scores.columns == places.length
                && queryTerms.rows == places.length && queryTerms.columns == places.count
                && queryTerms.stride == keyTerms.stride,
            "\(operation): \(scores.rows) x \(scores.columns) scores, \(queryTerms.rows) x "
                + "\(queryTerms.columns) terms, \(places.length) x \(places.count) places")
    }
}
