// What labelling over servers will take: requests, tokens, money, time, from the pool's real rows, the
// requests that would be sent for a sample of them, and the ledger. Nothing is asked of a server here.

import Corpus
import Foundation
import Teacher
import Tokenizers

/// The plan of labelling a pool.
struct LabellingPlan {
    /// A low guess, the likeliest, and one that won't be passed.
    struct Estimate {
        let low: Double
        let likely: Double
        let high: Double

        func times(_ factor: Double) -> Estimate {
            Estimate(low: low * factor, likely: likely * factor, high: high * factor)
        }
    }

    /// What one record's requests come to.
    private struct Sampled {
        /// Tokens that its prompts may have at most, and have by the tokenizer, if there is one.
        let promptBound: Int
        let promptTokens: Int?
        let completionBound: Int
        let requests: Int
    }

    /// What earlier calls have spent.
    let spent: LedgerTotals
    /// The pool's rows; those that have labels; those that ask the same as an earlier one.
    private(set) var rows = 0
    private(set) var cached = 0
    private(set) var repeats = 0
    /// The first row's requests.
    private(set) var first: [TeacherRequest] = []
    private var sample: [Sampled] = []
    private var stride = 1
    private let recipe: Recipe
    private let teacher: ServerTeacher

    /// Records whose requests are looked at; they stand for all.
    private static let sampleSize = 512
    /// Seconds of an answer where nothing is known of the server.
    private static let assumedSeconds = 1.0
    /// Bytes of a token in running text, where no tokenizer is given: low, likely and high guess.
    private static let bytesOfToken = (few: 3.0, likely: 4.0, many: 4.8)

    init(_ recipe: Recipe, _ teacher: ServerTeacher) throws {
        self.recipe = recipe
        self.teacher = teacher
        let labels = RunFolder(path: recipe.outputDirectory, labels: recipe.labelDirectory).labels
        spent = try LedgerTotals(folder: labels)
        let known = try KeySet(
            labelsIn: labels, teacher: teacher.identity,
            countingFailures: !recipe.teacher.retryFailed)
        let reader = try PoolReader(
            CorpusSource(recipe.data, paths: recipe.data.pool, labelRequired: false))
        let tokenizer =
            recipe.teacher.tokenizer.isEmpty
            ? nil : try Tokenizer(contentsOf: recipe.teacher.tokenizer)
        var contents = KeySet()
        while let record = try reader.next() {
            let keys = teacher.keys(of: record)
            let isRepeat = !contents.insert(keys.content)
            rows += 1
            if known.contains(keys.label) {
                cached += 1
            } else if isRepeat {
                repeats += 1
            } else if rows % stride == 0 || sample.isEmpty {
                look(at: record, tokenizer)
            }
        }
    }

    /// Takes a record into the sample; when that is full, every second goes and fewer come.
    private mutating func look(at record: Record, _ tokenizer: Tokenizer?) {
        let requests = teacher.task.firstRequests(for: record)
        if first.isEmpty { first = requests }
        sample.append(
            Sampled(
                promptBound: requests.reduce(0) { $0 + $1.promptTokenBound },
                promptTokens: tokenizer.map { tokenizer in
                    requests.reduce(0) { $0 + Self.tokens(of: $1, tokenizer) }
                },
                completionBound: requests.reduce(0) { $0 + $1.completionTokenBound },
                requests: requests.count))
        guard sample.count >= 2 * Self.sampleSize else { return }
        sample = sample.enumerated().filter { $0.offset % 2 == 0 }.map(\.element)
        stride *= 2
    }

    /// Tokens of what a request says, and four for the marks that a chat template puts around a turn.
    private static func tokens(of request: TeacherRequest, _ tokenizer: Tokenizer) -> Int {
        turns(of: request).reduce(0) { $0 + tokenizer.encodeIDs($1).count + 4 }
    }

    /// The texts of a request: its turns, or its prompt.
    static func turns(of request: TeacherRequest) -> [String] {
        let body = try? JSONSerialization.jsonObject(with: Data(request.body)) as? [String: Any]
        if let prompt = body?["prompt"] as? String { return [prompt] }
        let messages = body?["messages"] as? [[String: Any]] ?? []
        return messages.compactMap { $0["content"] as? String }
    }

    /// Records that must be asked for.
    var records: Int { rows - cached - repeats }

    /// Requests, from the first of each record to all that an unusable answer may cause.
    var requests: Estimate {
        let each = mean { Double($0.requests) }
        let asked = Double(recipe.teacher.task.reAsk)
        return Estimate(low: each, likely: each * (asked > 0 ? 1.02 : 1), high: each * (1 + asked))
            .times(Double(records))
    }

    /// Tokens that are sent.
    func promptTokens(_ probe: LabellingProbe?) -> Estimate {
        let high = mean { Double($0.promptBound) } * Double(1 + recipe.teacher.task.reAsk)
        if let probe {
            let measured = Double(probe.promptTokens) / Double(max(1, probe.records))
            return Estimate(low: measured * 0.9, likely: measured, high: max(high, measured))
                .times(Double(records))
        }
        if sample.first?.promptTokens != nil {
            let counted = mean { Double($0.promptTokens ?? 0) }
            return Estimate(low: counted * 0.95, likely: counted, high: max(high, counted))
                .times(Double(records))
        }
        let bytes = mean { Double($0.promptBound) }
        return Estimate(
            low: bytes / Self.bytesOfToken.many, likely: bytes / Self.bytesOfToken.likely,
            high: high
        ).times(Double(records))
    }

    /// Tokens that come back.
    func completionTokens(_ probe: LabellingProbe?) -> Estimate {
        let task = recipe.teacher.task
        let high = mean { Double($0.completionBound) } * Double(1 + task.reAsk)
        let requests = mean { Double($0.requests * task.samples) }
        if let probe {
            let measured = Double(probe.completionTokens) / Double(max(1, probe.records))
            return Estimate(low: measured * 0.9, likely: measured, high: max(high, measured))
                .times(Double(records))
        }
        let labelBytes = recipe.teacher.labels.map(\.utf8.count)
        let words = Double(labelBytes.reduce(0, +)) / Double(max(1, labelBytes.count)) / 4 + 1
        let likely =
            switch task.answer {
            case .label: min(words, Double(task.answerTokens))
            case .json: min(words + 16, Double(task.answerTokens))
            case .text: Double(task.answerTokens) / 2
            }
        return Estimate(low: requests, likely: requests * likely, high: high)
            .times(Double(records))
    }

    /// Money, in millionths; nil without prices.
    func money(_ probe: LabellingProbe?) -> Estimate? {
        guard let input = recipe.teacher.servers.inputPrice,
            let output = recipe.teacher.servers.outputPrice
        else { return nil }
        let sent = promptTokens(probe)
        let back = completionTokens(probe)
        return Estimate(
            low: sent.low * input + back.low * output,
            likely: sent.likely * input + back.likely * output,
            high: sent.high * input + back.high * output)
    }

    /// Seconds at the rates of the recipe, and what decides them.
    func time(_ probe: LabellingProbe?) -> (seconds: Double, by: String) {
        let requests = requests.likely
        let seconds = probe?.seconds ?? Self.assumedSeconds
        var bounds = [
            (
                requests * seconds / Double(recipe.rate.maxInFlight),
                "max_in_flight \(recipe.rate.maxInFlight) at \(fixed(seconds, 2)) s an answer"
                    + (probe == nil ? ", assumed" : "")
            )
        ]
        if let limit = recipe.rate.requestsPerMinute {
            bounds.append((requests / Double(limit) * 60, "requests_per_minute \(limit)"))
        }
        if let limit = recipe.rate.tokensPerMinute {
            let tokens = promptTokens(probe).likely + completionTokens(probe).likely
            bounds.append((tokens / Double(limit) * 60, "tokens_per_minute \(limit)"))
        }
        return bounds.max { $0.0 < $1.0 } ?? (0, "")
    }

    /// Bytes of the ledgers when all is labelled.
    var ledgerBytes: Double {
        let task = recipe.teacher.task
        let alternatives = task.confidenceSource == .logprobs ? Double(task.topLogprobs) * 80 : 0
        let answer = 500 + Double(task.answerTokens) * (4 + min(alternatives, 1600) / 4)
        return (answer * mean { Double($0.requests) } + 400) * Double(records)
    }

    /// Bytes that a rank holds of the pool while it labels: two fingerprints a row.
    var residentBytes: Double { Double(rows) * 2 * 8 / 0.6 + 40 * 1_048_576 }

    private func mean(_ value: (Sampled) -> Double) -> Double {
        sample.isEmpty ? 0 : sample.map(value).reduce(0, +) / Double(sample.count)
    }
}
