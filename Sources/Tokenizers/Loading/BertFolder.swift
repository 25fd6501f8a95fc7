// Folders of before `tokenizer.json`: BERT's `vocab.txt`, with its settings in
// `tokenizer_config.json`. The stages made of them are those that `transformers` makes.

/// A folder with a BERT vocabulary.
struct BertFolder {
    let vocabularyPath: String
    /// The tokens in the order of their ids.
    let lines: [[UInt8]]
    let settings: FolderSettings

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
        settings = try FolderSettings(folder: folder)
        let older = "\(folder)/added_tokens.json"
        if !settings.listsAddedTokens, InputFile.exists(older) {
            throw TokenizerError(
                .unsupported,
                "\(older): not supported; save the tokenizer anew, so that it has a tokenizer.json")
        }
    }
}
