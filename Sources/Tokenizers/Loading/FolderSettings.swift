// What lies beside a tokenizer in a folder: `tokenizer_config.json`, whatever class it names.
//
// A `tokenizer.json` is whole in itself; of these settings it takes the padding token alone. BERT's
// `vocab.txt` takes all of them.

/// The special tokens of a folder and BERT's settings; BERT's defaults where it says nothing.
struct FolderSettings {
    var normalizer = BertNormalizer(
        cleansText: true, handlesChinese: true, stripsAccents: nil, lowercases: true)
    var unknownToken = AddedToken(content: Array("[UNK]".utf8))
    var startToken = AddedToken(content: Array("[CLS]".utf8))
    var endToken = AddedToken(content: Array("[SEP]".utf8))
    var padToken = AddedToken(content: Array("[PAD]".utf8))
    var maskToken = AddedToken(content: Array("[MASK]".utf8))
    /// The tokens of `added_tokens_decoder` with their ids, in the order of these.
    var addedTokens: [(id: Int, token: AddedToken)] = []
    var listsAddedTokens = false

    /// The tokens that a BERT vocabulary must have.
    var specials: [AddedToken] { [unknownToken, endToken, padToken, startToken, maskToken] }

    init(folder: String) throws(TokenizerError) {
        // Folders of before 2020 have their special tokens in a file of their own.
        let older = "\(folder)/special_tokens_map.json"
        if InputFile.exists(older) {
            try readTokens(try JSONField(bytes: try InputFile.read(older), file: older))
        }
        let path = "\(folder)/tokenizer_config.json"
        guard InputFile.exists(path) else { return }
        let file = try JSONField(bytes: try InputFile.read(path), file: path)
        normalizer = BertNormalizer(
            cleansText: true,
            handlesChinese: try file.optional("tokenize_chinese_chars")?.boolean() ?? true,
            stripsAccents: try file.optional("strip_accents")?.boolean(),
            lowercases: try file.optional("do_lower_case")?.boolean() ?? true)
        try readTokens(file)
        guard let added = try file.optional("added_tokens_decoder") else { return }
        listsAddedTokens = true
        for (key, field) in try added.members() {
            guard let id = Int(key), 0...Int(Int32.max) ~= id else {
                throw field.error(.malformed, "must have an id for its key")
            }
            var token = try Self.token(field)
            token.isSpecial = try field.optional("special")?.boolean() ?? false
            addedTokens.append((id, token))
        }
        addedTokens.sort { $0.id < $1.id }
    }

    /// Takes the special tokens that a file names.
    private mutating func readTokens(_ file: JSONField) throws(TokenizerError) {
        unknownToken = try file.optional("unk_token").map(Self.token) ?? unknownToken
        startToken = try file.optional("cls_token").map(Self.token) ?? startToken
        endToken = try file.optional("sep_token").map(Self.token) ?? endToken
        padToken = try file.optional("pad_token").map(Self.token) ?? padToken
        maskToken = try file.optional("mask_token").map(Self.token) ?? maskToken
    }

    /// A token written as a string, or as an object with its flags.
    private static func token(_ field: JSONField) throws(TokenizerError) -> AddedToken {
        guard field.kind == .object else {
            return AddedToken(content: Array(try field.string().utf8))
        }
        return AddedToken(
            content: Array(try field.required("content").string().utf8),
            isSingleWord: try field.optional("single_word")?.boolean() ?? false,
            stripsLeft: try field.optional("lstrip")?.boolean() ?? false,
            stripsRight: try field.optional("rstrip")?.boolean() ?? false,
            isNormalized: try field.optional("normalized")?.boolean() ?? false)
    }
}
