// Many texts generated through one batch: as one ends, the next joins.

/// Generates texts with a decoder.
///
/// One caller at a time.
public struct Generator {
    private let decoder: Decoder
    private let decode: (@Sendable ([Int32]) -> String)?
    private let batchLimit: Int

    /// - Parameters:
    ///   - decoder: The model.
    ///   - batchLimit: The most texts at a time, at least 1; it changes speed and memory, not texts.
    ///   - decode: Tokens to text; without it results have no text.
    public init(
        _ decoder: Decoder, batchLimit: Int = 16,
        decode: (@Sendable ([Int32]) -> String)? = nil
    ) {
        precondition(batchLimit >= 1, "batches of \(batchLimit) texts")
        self.decoder = decoder
        self.batchLimit = batchLimit
        self.decode = decode
    }

    /// Continues every request's prompt.
    ///
    /// - Parameters:
    ///   - requests: What is asked.
    ///   - onEvent: Called for each token with the request's index, as it comes.
    /// - Returns: The results in the order of the requests.
    /// - Throws: `ModelError` for a request that the model can't read, naming its index.
    public func generate(
        _ requests: [GenerationRequest],
        onEvent: (_ request: Int, _ event: GenerationEvent) -> Void = { _, _ in }
    ) throws(ModelError) -> [Generation] {
        let batch = GenerationBatch(decoder, decode: decode)
        var results = [Generation?](repeating: nil, count: requests.count)
        var indices: [Int: Int] = [:]
        var next = 0
        while true {
            while next < requests.count, batch.count < batchLimit {
                do throws(ModelError) {
                    indices[try batch.add(requests[next])] = next
                } catch {
                    throw ModelError(error.code, "request \(next): \(error.message)")
                }
                next += 1
            }
            if batch.count == 0 { break }
            for event in try batch.step() {
                guard let index = indices[event.text] else { continue }
                if let result = event.finished { results[index] = result }
                onEvent(index, event)
            }
        }
        return results.compactMap { $0 }
    }
}
