// The terms that relative positions add to one head's scores (DeBERTa's disentangled attention, He et al.
// 2021, arXiv 2006.03654), and their gradient. With p(d) the place of the distance d = i - j among the
// columns of the terms:
//
//     scores[i, j] += query_terms[i, p(i - j)] + key_terms[j, p(i - j)]
//
// `places` points at p(0). Scalar: a row's places run backwards and, for far tokens, repeat, and the whole
// is a few hundredths of the products around it.

/// Adds both terms to the n x n scores; rows of the terms are `stride` apart.
@_alwaysEmitIntoClient @inline(__always)
public func relativeScores(
    _ scores: UnsafeMutablePointer<Float>, _ n: Int, queryTerms: UnsafePointer<Float>,
    keyTerms: UnsafePointer<Float>, stride: Int, places: UnsafePointer<Int32>
) {
    var i = 0
    while i < n {
        let row = scores.moved(i &* n)
        let query = queryTerms.moved(i &* stride)
        let own = places.advanced(by: i)
        var key = keyTerms
        var j = 0
        while j < n {
            let place = Int(own.advanced(by: 0 &- j).pointee)
            row.moved(j).pointee += query.moved(place).pointee + key.moved(place).pointee
            key = key.moved(stride)
            j &+= 1
        }
        i &+= 1
    }
}

/// The gradients of the terms, n x columns each, from that of the scores.
@_alwaysEmitIntoClient @inline(__always)
public func relativeScoresBackward(
    _ gradient: UnsafePointer<Float>, _ n: Int, queryTerms: UnsafeMutablePointer<Float>,
    keyTerms: UnsafeMutablePointer<Float>, stride: Int, columns: Int,
    places: UnsafePointer<Int32>
) {
    var i = 0
    while i < n {
        var column = 0
        let (query, key) = (queryTerms.moved(i &* stride), keyTerms.moved(i &* stride))
        while column < columns {
            query.moved(column).pointee = 0
            key.moved(column).pointee = 0
            column &+= 1
        }
        i &+= 1
    }
    i = 0
    while i < n {
        let row = gradient.moved(i &* n)
        let query = queryTerms.moved(i &* stride)
        let own = places.advanced(by: i)
        var key = keyTerms
        var j = 0
        while j < n {
            let place = Int(own.advanced(by: 0 &- j).pointee)
            let value = row.moved(j).pointee
            query.moved(place).pointee += value
            key.moved(place).pointee += value
            key = key.moved(stride)
            j &+= 1
        }
        i &+= 1
    }
}
