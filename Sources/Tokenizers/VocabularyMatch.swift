// Whether two tokenizers give every id the same token: what distributions over ids need to be comparable.
// It says nothing of how texts are split; nor of the rows that a model has beyond its tokenizer's ids
// (Qwen's tables are padded), which no text uses.

/// A comparison of two tokenizers' vocabularies, id by id.
public struct VocabularyMatch: Sendable, Equatable {
    /// An id with different tokens; nil is an id without one.
    public struct Difference: Sendable, Equatable {
        /// The id.
        public let id: Int32
        /// The teacher's token.
        public let teacher: String?
        /// The student's token.
        public let student: String?
    }

    /// How many ids differ.
    public let differenceCount: Int
    /// How many ids were compared: those of the larger vocabulary.
    public let idCount: Int
    /// The first ids that differ, `shown` at most.
    public let first: [Difference]

    /// How many differences are kept.
    public static let shown = 3

    /// Compares two tokenizers.
    public init(teacher: Tokenizer, student: Tokenizer) {
        var first: [Difference] = []
        var count = 0
        idCount = max(teacher.idBound, student.idBound)
        for id in 0..<Int32(idCount) {
            let (theirs, ours) = (teacher.tokenBytes(of: id), student.tokenBytes(of: id))
            guard theirs != ours else { continue }
            count += 1
            guard first.count < Self.shown else { continue }
            let texts = [theirs, ours].map { bytes in
                bytes.map { String(decoding: $0, as: UTF8.self) }
            }
            first.append(Difference(id: id, teacher: texts[0], student: texts[1]))
        }
        self.first = first
        differenceCount = count
    }

    /// Whether no id differs.
    public var isSame: Bool { differenceCount == 0 }

    /// What differs, in one line without an end: `2 of 100 token ids differ (id 5: "a" against "b")`.
    public var summary: String {
        guard !isSame else { return "all \(idCount) token ids are the same" }
        func quoted(_ token: String?) -> String { token.map { $0.debugDescription } ?? "no token" }
        let shown = first.map { "id \($0.id): \(quoted($0.teacher)) against \(quoted($0.student))" }
        let more = differenceCount > first.count ? ", ..." : ""
        let list = shown.joined(separator: ", ") + more
        return "\(differenceCount) of \(idCount) token ids differ (\(list))"
    }
}
