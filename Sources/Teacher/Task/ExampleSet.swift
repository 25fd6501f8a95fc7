// Labelled examples to show to the teacher, and which of them a record gets: a pure function of the
// file, the seed and the record. A record is never shown itself: the answer would be given away.
//
// Nearest examples by embedding: Liu et al., What makes good in-context examples for GPT-3? (2022);
// as there, the nearest stands last, next to the question.

import Corpus
import Synchronization

/// Examples and how they are chosen.
final class ExampleSet: Sendable {
    typealias Embed = @Sendable ([String]) throws -> [[Float]]

    /// All examples, in the file's order.
    let records: [Record]
    private let options: LabelTaskOptions.Examples
    /// The drawn order of all examples, or of each class's, in the order of the classes.
    private let groups: [[Int]]
    private let embed: Embed?
    /// Of length 1 each; for `nearest`.
    private let vectors: [[Float]]
    /// What was found for a text, since a record is looked at several times.
    ///
    /// A cache alone: dropping it changes no answer.
    private let found = Mutex<[String: [Int]]>([:])
    private static let mostRemembered = 16384

    init(
        _ options: LabelTaskOptions.Examples, labels: [String], fields: [String], embed: Embed?
    ) throws {
        self.options = options
        self.embed = embed
        do throws(CorpusError) {
            let source = CorpusSource(
                paths: [options.path], textField: options.textField,
                labelField: options.labelField, fields: fields)
            records = try Corpus.read(source).records
        } catch {
            throw TeacherError(
                error.code == .unreadable ? .noInput : .configuration,
                "teacher.examples: \(error.message)")
        }
        if !labels.isEmpty {
            for record in records where !labels.contains(record.label ?? "") {
                throw TeacherError(
                    .configuration,
                    "\(record.source): the example's label '\(record.label ?? "")' isn't among the "
                        + "labels: \(labels.map { "'\($0)'" }.joined(separator: ", "))")
            }
        }
        groups = Self.groups(of: records, options, labels)
        try Self.requireEnough(groups, options, labels)
        guard options.choose == .nearest else {
            vectors = []
            return
        }
        guard let embed else {
            throw TeacherError(
                .configuration,
                "teacher.examples.choose: nearest wants an encoder to compare texts with; name one "
                    + "or choose by seed or class")
        }
        vectors = try Self.unitVectors(records.map(\.text), embed)
    }

    /// Fewer examples than the recipe says would be another prompt than its author has in mind.
    private static func requireEnough(
        _ groups: [[Int]], _ options: LabelTaskOptions.Examples, _ labels: [String]
    ) throws(TeacherError) {
        for (index, group) in groups.enumerated() where group.count < options.count {
            let which =
                options.choose == .class && index < labels.count ? " of '\(labels[index])'" : ""
            throw TeacherError(
                .configuration,
                "teacher.examples.count is \(options.count), and \(options.path) holds "
                    + "\(group.count) examples\(which): give more, or a smaller count")
        }
    }

    /// The examples for a record, in the order in which they are shown.
    func chosen(for record: Record) throws -> [Record] {
        switch options.choose {
        case .seed: return Array(take(from: groups[0], for: record))
        case .nearest: return take(from: try ranked(for: record), for: record).reversed()
        case .class:
            let chosen = groups.map { take(from: $0, for: record) }
            return (0..<options.count).flatMap { round in
                chosen.compactMap { round < $0.count ? $0[round] : nil }
            }
        }
    }

    /// The first ones that aren't the record itself.
    private func take(from ranked: [Int], for record: Record) -> [Record] {
        var chosen: [Record] = []
        for index in ranked where !isSame(records[index], record) {
            chosen.append(records[index])
            if chosen.count == options.count { break }
        }
        return chosen
    }

    /// Embeds records together, where that is wanted: one by one is slower.
    func prepare(for texts: [String]) throws {
        guard options.choose == .nearest, let embed else { return }
        let new = found.withLock { known in texts.filter { known[$0] == nil } }
        guard !new.isEmpty else { return }
        let ranks = try Self.unitVectors(new, embed).map(nearest)
        found.withLock { known in
            if known.count + new.count > Self.mostRemembered { known.removeAll() }
            for (text, rank) in zip(new, ranks) { known[text] = rank }
        }
    }

    private func ranked(for record: Record) throws -> [Int] {
        if let known = found.withLock({ $0[record.text] }) { return known }
        try prepare(for: [record.text])
        guard let known = found.withLock({ $0[record.text] }) else {
            // Another thread has emptied the cache meanwhile.
            guard let embed else { return [] }
            return nearest(to: try Self.unitVectors([record.text], embed)[0])
        }
        return known
    }

    private func isSame(_ example: Record, _ record: Record) -> Bool {
        example.id == record.id || example.text == record.text
    }

    private static func groups(
        of records: [Record], _ options: LabelTaskOptions.Examples, _ labels: [String]
    ) -> [[Int]] {
        let shuffle = Permutation(count: records.count, seed: options.seed, epoch: 0)
        let drawn = shuffle[0..<records.count]
        guard options.choose == .class else { return [drawn] }
        var names = labels
        for record in records {
            if let label = record.label, !names.contains(label) { names.append(label) }
        }
        return names.map { name in drawn.filter { records[$0].label == name } }
    }

    /// The examples by falling cosine, as many as can be needed; of equal ones the earlier first.
    private func nearest(to vector: [Float]) -> [Int] {
        let scores = vectors.map { Self.dot($0, vector) }
        // A few more, since the record itself may be among them, under several ids.
        return Array(
            scores.indices.sorted { (scores[$1], $0) < (scores[$0], $1) }
                .prefix(options.count + 16))
    }

    private static func unitVectors(_ texts: [String], _ embed: Embed) throws -> [[Float]] {
        let vectors = try embed(texts)
        guard vectors.count == texts.count, Set(vectors.map(\.count)).count <= 1 else {
            throw TeacherError(
                .configuration,
                "teacher.examples: the encoder gave \(vectors.count) vectors for \(texts.count) "
                    + "texts, or of several lengths")
        }
        return vectors.map { vector in
            let length = dot(vector, vector).squareRoot()
            return length > 0 ? vector.map { $0 / Float(length) } : vector
        }
    }

    private static func dot(_ left: [Float], _ right: [Float]) -> Double {
        var sum = 0.0
        for index in 0..<min(left.count, right.count) {
            sum += Double(left[index]) * Double(right[index])
        }
        return sum
    }
}
