// A judge that compares two answers to each of many tasks: every pair in both orders, for judges favour a
// place; a reply without two scores is asked for again, as another request, a few times; then the pair is
// left out and counted. The published code counts such a pair as if it were judged equal.
//
// All ranks do this together with the same pairs and get the same verdicts.

import Teacher

/// Two answers to a task: the one that is measured against, and the one that is measured.
struct AnswerPair {
    let id: String
    let task: String
    let reference: String
    let candidate: String
}

/// What a judge said of a pair: the scores in both orders.
struct Verdict: Codable, Equatable {
    /// The pair's.
    let id: String
    /// The reference's score where it was shown first, and where it was shown second.
    let reference: [Double]
    /// The candidate's in the same two replies.
    let candidate: [Double]

    var referenceMean: Double { reference.reduce(0, +) / Double(reference.count) }
    var candidateMean: Double { candidate.reduce(0, +) / Double(candidate.count) }
    /// How much better the reference is: d = teacher - student.
    var gap: Double { referenceMean - candidateMean }
}

/// Counts of a round of judging.
struct RefereeTally: Codable, Equatable {
    /// Requests, those that were asked again among them.
    var requests = 0
    /// Replies without two scores.
    var unparsed = 0
    /// Pairs that were left out: one of their orders never had two scores.
    var leftOut = 0
}

/// Judges pairs.
struct Referee {
    let prompt: JudgePrompt
    let decoding: Recipe.DecodingOptions
    /// Times that a reply without scores is asked for again.
    let reAsks: Int
    let seed: UInt64
    /// The judge: all ranks together, answers in the order of the requests.
    let ask: ([TextRequest]) throws -> [TextAnswer]

    /// The verdicts, in the order of the pairs; nil for those that are left out.
    func verdicts(
        on pairs: [AnswerPair]
    ) throws -> (verdicts: [Verdict?], tally: RefereeTally) {
        var tally = RefereeTally()
        // Pair 2i and 2i + 1 are pair i with the reference first, and second.
        var scores = [JudgeScores?](repeating: nil, count: 2 * pairs.count)
        for attempt in 0...reAsks {
            let open = scores.indices.filter { scores[$0] == nil }
            if open.isEmpty { break }
            let replies = try ask(open.map { request(pairs[$0 / 2], $0 % 2, attempt: attempt) })
            tally.requests += open.count
            for (place, reply) in zip(open, replies) {
                scores[place] = Self.scores(reply)
                if scores[place] == nil { tally.unparsed += 1 }
            }
        }
        let verdicts = pairs.enumerated().map { index, pair -> Verdict? in
            guard let ahead = scores[2 * index], let behind = scores[2 * index + 1] else {
                return nil
            }
            return Verdict(
                id: pair.id, reference: [ahead.first, behind.second],
                candidate: [ahead.second, behind.first])
        }
        tally.leftOut = verdicts.count { $0 == nil }
        return (verdicts, tally)
    }

    private func request(_ pair: AnswerPair, _ order: Int, attempt: Int) -> TextRequest {
        let (first, second) =
            order == 0 ? (pair.reference, pair.candidate) : (pair.candidate, pair.reference)
        return decoding.request(
            id: "\(pair.id):judge\(order + 1)", messages: prompt.messages(pair.task, first, second),
            seed: seed, attempt: attempt)
    }

    private static func scores(_ reply: TextAnswer) -> JudgeScores? {
        switch reply {
        case .text(let text, _): JudgeScores(text, isCut: false)
        case .cut(let text): JudgeScores(text, isCut: true)
        case .failed: nil
        }
    }
}

extension Recipe {
    /// How texts are drawn.
    public struct DecodingOptions: Sendable, Equatable {
        /// Divides the scores; 0 takes the best token.
        public var temperature: Double
        /// Keeps the best tokens up to this sum of probabilities.
        public var topP = 1.0
        /// Longest text in tokens.
        public var maximumTokens: Int

        /// Options with the whole nucleus.
        public init(temperature: Double, maximumTokens: Int) {
            self.temperature = temperature
            self.maximumTokens = maximumTokens
        }
    }
}

extension Recipe.DecodingOptions {
    /// A text that is wanted of a teacher.
    func request(
        id: String, messages: [TextRequest.Message], seed: UInt64, attempt: Int = 0
    ) -> TextRequest {
        TextRequest(
            id: id, messages: messages,
            sampling: .init(temperature: temperature, topP: topP < 1 ? topP : nil, seed: seed),
            maximumTokens: maximumTokens, attempt: attempt)
    }
}
