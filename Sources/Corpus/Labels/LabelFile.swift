// The recorded form written: sorted by id, so that the same answers are the same file whoever made
// them and in whatever order; put in place by renaming, so that nobody sees half of it.

/// Writes answers in the recorded form.
public enum LabelFile {
    /// Writes answers, sorted by id, to a JSONL file; a path that ends in `.gz` is compressed.
    public static func write(_ answers: [LabelRecord], to path: String) throws(CorpusError) {
        let ordered = answers.sorted { JSONText.precedes($0.id, $1.id) }
        for (first, second) in zip(ordered, ordered.dropFirst()) where first.id == second.id {
            throw CorpusError(.conflict, "\(path): two answers for id '\(first.id)'")
        }
        let file = try OutputFile(path: path, compressed: path.lowercased().hasSuffix(".gz"))
        for answer in ordered {
            try file.write(answer.jsonLine)
            try file.write("\n")
        }
        try file.commit()
    }
}
