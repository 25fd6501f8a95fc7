// Folders of before `tokenizer.json`: BERT's `vocab.txt`, with its settings in
// `tokenizer_config.json`. The stages made of them are those that `transformers` makes.

/// A folder with a BERT vocabulary.
struct BertFolder {
    let vocabularyPath: String
    /// The tokens in the order of their ids.
    let lines: [[UInt8]]
    let settings: Settings

    init(_ folder: String) throws(TokenizerError) {
        vocabularyPath = "\(folder)/vocab.txt"
        let bytes = try InputFile.read(vocabularyPath)
        if let position = UTF8Bytes.firstInvalidByte(in: bytes) {
            throw TokenizerError(
                .malformed, "\(vocabularyPath): not valid UTF-8 at byte \(position)")
        }
        var lines = bytes.split(separator: 0x0A, omittingEmptySubsequences: false).map { line in
            Array(line.last == 0x0D ? line.dropLast() : line)
        }
        if lines.last?.isEmpty == true { lines.removeLast() }
        self.lines = lines
        settings = try Settings(folder: folder)
    }

    /// What `tokenizer_config.json` says, or BERT's defaults.
    struct Settings {
        var normalizer = BertNormalizer(
            cleansText: true, handlesChinese: true, stripsAccents: nil, lowercases: true)
        var unknownToken = "[UNK]"
        var startToken = "[CLS]"
        var endToken = "[SEP]"
        var padToken = "[PAD]"
        var maskToken = "[MASK]"

        var specials: [String] { [unknownToken, endToken, padToken, startToken, maskToken] }

        init(folder: String) throws(TokenizerError) {
            let path = "\(folder)/tokenizer_config.json"
            guard InputFile.exists(path) else { return }
            let file = try JSONField(bytes: try InputFile.read(path), file: path)
            normalizer = BertNormalizer(
                cleansText: true,
                handlesChinese: try file.optional("tokenize_chinese_chars")?.boolean() ?? true,
                stripsAccents: try file.optional("strip_accents")?.boolean(),
                lowercases: try file.optional("do_lower_case")?.boolean() ?? true)
            func token(
                _ name: StaticString, _ fallback: String
            ) throws(TokenizerError) -> String {
                guard let field = try file.optional(name) else { return fallback }
                return field.kind == .object
                    ? try field.required("content").string() : try field.string()
            }
            unknownToken = try token("unk_token", unknownToken)
            startToken = try token("cls_token", startToken)
            endToken = try token("sep_token", endToken)
            padToken = try token("pad_token", padToken)
            maskToken = try token("mask_token", maskToken)
        }
    }
}
