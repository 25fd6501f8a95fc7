// What a run reads before it does anything: the texts, their gold labels, and the hash by which a
// folder is known to belong to this run.

public import Corpus
import Crypto
import Foundation

/// The texts of a run.
public struct RunInputs: Sendable {
    /// The unlabeled pool.
    public let pool: Corpus
    /// Texts with gold labels; nil when the recipe names none.
    public let test: Corpus?
    /// Test texts that are in the pool too: what is measured on them says little.
    public let overlap: Int

    /// Reads the files that a recipe names.
    ///
    /// - Parameter poolLabelRequired: Whether the pool's rows must have labels too.
    public init(_ recipe: Recipe, poolLabelRequired: Bool = false) throws {
        pool = try Self.read(recipe.data.pool, recipe.data, labelRequired: poolLabelRequired)
        test =
            recipe.data.test.isEmpty
            ? nil : try Self.read(recipe.data.test, recipe.data, labelRequired: true)
        let texts = Set(pool.records.map(\.text))
        overlap = test?.records.count { texts.contains($0.text) } ?? 0
    }

    static func read(
        _ paths: [String], _ options: Recipe.DataOptions, labelRequired: Bool
    ) throws -> Corpus {
        try Corpus.read(try CorpusSource(options, paths: paths, labelRequired: labelRequired))
    }

    /// A hash of everything that decides the run's results: resolved recipe, texts and gold labels.
    ///
    /// - Parameters:
    ///   - recipe: The resolved recipe's text, without what may change between calls.
    ///   - files: A hash of the models and recorded answers that the recipe names.
    public func fingerprint(recipe: String, files: String) -> String {
        var hash = SHA256()
        hash.update(data: Data((recipe + files).utf8))
        for record in pool.records + (test?.records ?? []) {
            let parts = [record.id, record.text, record.label ?? ""]
            hash.update(data: Data(parts.map { "\u{0}\($0)" }.joined().utf8))
        }
        return ContentHash.hexadecimal(hash.finalize().prefix(16))
    }
}
