// The embedded teacher: a sentence encoder that compares a text with one sentence a label.
//
//     p_c = softmax_c( <e(text), e(sentence_c)> / temperature ),   e(.) of length 1
//
// Zero-shot classification by embedding similarity. With labelled examples (prototypes), a class's
// vector is the mean of its sentence's and its examples' vectors, scaled to length 1 again.
//
// It costs no money, but is a teacher like any other: asked through the ledger, its confidence named.

public import Corpus
import Crypto
import Foundation
public import Models
public import TensorCore
import Tokenizers

/// A sentence encoder as teacher.
public final class EncoderTeacher: Teacher, @unchecked Sendable {
    /// `encoder:` and a hash of weights, sentences and settings.
    public let identity: String
    /// The folder and what it was told.
    public let description: String
    private let encoder: SentenceEncoder
    private let tokenizer: Tokenizer
    private let labels: [String]
    private let classVectors: [[Float]]
    private let temperature: Double
    private let maximumLength: Int

    /// Texts that go through the encoder together.
    private static let batchSize = 64

    /// A teacher out of an encoder's folder.
    ///
    /// - Parameters:
    ///   - folder: The model folder; its files go into the teacher's identity.
    ///   - labelSentences: A sentence for each label, in the order of the classes.
    ///   - prototypes: Labelled examples; may be none.
    ///   - temperature: Divides the cosines before the softmax.
    ///   - maximumLength: Longest input in tokens; longer texts are cut.
    ///   - compute: Where it runs.
    public init(
        folder: ModelFolder, labelSentences: [(label: String, sentence: String)],
        prototypes: [Record] = [], temperature: Double, maximumLength: Int, compute: Compute
    ) throws {
        encoder = try SentenceEncoder(folder, compute: compute)
        tokenizer = try Tokenizer(contentsOf: folder.path)
        labels = labelSentences.map(\.label)
        self.temperature = temperature
        self.maximumLength = min(maximumLength, folder.configuration.maximumLength)
        let labelSet = try LabelSet(labels)
        var grouped = labelSentences.map { [$0.sentence] }
        for example in prototypes {
            guard let label = example.label else {
                throw TeacherError(
                    .badAnswer, "\(example.source): a prototype without a label")
            }
            grouped[try labelSet.index(of: label, at: example.source)].append(example.text)
        }
        classVectors = try Self.means(
            of: grouped, encoder, tokenizer, maximumLength: self.maximumLength)
        let settings = try JSONEncoder.sorted.encode(
            Settings(
                weights: Self.digest(ofFilesIn: folder.path), sentences: grouped, labels: labels,
                temperature: temperature, maximumLength: self.maximumLength))
        let hash = ContentHash.hexadecimal(SHA256.hash(data: settings).prefix(8))
        identity = "encoder:\(hash)"
        description =
            "sentence encoder \(folder.path), \(labels.count) labels, temperature \(temperature)"
    }

    /// Everything that decides an answer, besides the text.
    private struct Settings: Encodable {
        let weights: String
        let sentences: [[String]]
        let labels: [String]
        let temperature: Double
        let maximumLength: Int
    }

    /// The text's bytes: all else is in the identity.
    public func requestBytes(for record: Record) -> [UInt8] { Array(record.text.utf8) }

    /// The class probabilities of each text.
    public func label(_ records: [Record]) throws -> [LabelRecord] {
        var answers: [LabelRecord] = []
        answers.reserveCapacity(records.count)
        for start in stride(from: 0, to: records.count, by: Self.batchSize) {
            let batch = records[start..<min(start + Self.batchSize, records.count)]
            let vectors = try Self.vectors(
                of: batch.map(\.text), encoder, tokenizer, maximumLength: maximumLength)
            for (record, vector) in zip(batch, vectors) {
                let probabilities = softmax(
                    classVectors.map { Self.dot($0, vector) / temperature })
                answers.append(
                    LabelRecord(
                        id: record.id,
                        labelProbabilities: Dictionary(
                            uniqueKeysWithValues: zip(labels, probabilities)),
                        confidenceMethod: "softmax_similarity"))
            }
        }
        return answers
    }

    private static func means(
        of groups: [[String]], _ encoder: SentenceEncoder, _ tokenizer: Tokenizer,
        maximumLength: Int
    ) throws -> [[Float]] {
        try groups.map { texts in
            let vectors = try vectors(of: texts, encoder, tokenizer, maximumLength: maximumLength)
            var mean = [Double](repeating: 0, count: vectors[0].count)
            for vector in vectors {
                for (index, value) in vector.enumerated() { mean[index] += Double(value) }
            }
            let length = mean.reduce(0) { $0 + $1 * $1 }.squareRoot()
            return mean.map { Float($0 / max(length, 1e-12)) }
        }
    }

    private static func vectors(
        of texts: [String], _ encoder: SentenceEncoder, _ tokenizer: Tokenizer,
        maximumLength: Int
    ) throws -> [[Float]] {
        try encoder.encode(
            texts.map {
                TokenSequence(ids: tokenizer.encodeIDs($0, maximumLength: maximumLength))
            })
    }

    private static func dot(_ left: [Float], _ right: [Float]) -> Double {
        zip(left, right).reduce(0) { $0 + Double($1.0) * Double($1.1) }
    }

    private func softmax(_ scores: [Double]) -> [Double] {
        let largest = scores.max() ?? 0
        let powers = scores.map { exp($0 - largest) }
        let sum = powers.reduce(0, +)
        return powers.map { $0 / sum }
    }

    private static func digest(ofFilesIn folder: String) throws -> String {
        var hash = SHA256()
        for name in ["config.json", "tokenizer.json", "model.safetensors"] {
            let url = URL(fileURLWithPath: "\(folder)/\(name)")
            // Mapped, not read: the weights are large, and in the page cache already.
            if let data = try? Data(contentsOf: url, options: .alwaysMapped) {
                hash.update(data: data)
            }
        }
        return ContentHash.hexadecimal(hash.finalize())
    }
}

extension JSONEncoder {
    fileprivate static var sorted: JSONEncoder {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.sortedKeys]
        return encoder
    }
}
