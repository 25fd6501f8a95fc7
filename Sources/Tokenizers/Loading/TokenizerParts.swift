// Loading: from a path to the stages, each of which reads its own part of the file.

import Foundation

/// The stages of a tokenizer, read and checked.
struct TokenizerParts {
    var normalizer: Normalizer?
    var preTokenizer: PreTokenizer?
    var model: Model
    var postProcessor: PostProcessor?
    var decoder: Decoder?
    var addedVocabulary = AddedVocabulary()
    var truncation: Truncation?
    var padding: Padding?
    var padToken: [UInt8]?
    var notes: [String] = []

    /// The parts of a tokenizer given by a file or a folder.
    init(contentsOf path: String) throws(TokenizerError) {
        guard InputFile.isFolder(path) else {
            try self.init(json: try InputFile.read(path), file: path)
            return
        }
        let folder = path.hasSuffix("/") ? String(path.dropLast()) : path
        let file = "\(folder)/tokenizer.json"
        if InputFile.exists(file) {
            try self.init(json: try InputFile.read(file), file: file)
            padToken = try FolderSettings(folder: folder).padToken.content
        } else if InputFile.exists("\(folder)/vocab.txt") {
            try self.init(bert: BertFolder(folder))
        } else {
            throw Self.noTokenizer(in: folder)
        }
    }

    /// What is wrong with a folder without a tokenizer that this module reads.
    private static func noTokenizer(in folder: String) -> TokenizerError {
        // Other families' own files, of which the Python library makes a tokenizer.json.
        let others = [
            "spm.model", "spiece.model", "sentencepiece.bpe.model", "tokenizer.model", "vocab.json",
        ]
        if let found = others.first(where: { InputFile.exists("\(folder)/\($0)") }) {
            let name = found == "vocab.json" ? "vocab.json with merges.txt" : found
            return TokenizerError(
                .unsupported,
                "\(folder): has \(name) but no tokenizer.json; make one: python3 -c \"from "
                    + "transformers import AutoTokenizer as T; "
                    + "T.from_pretrained('\(folder)').save_pretrained('\(folder)')\"")
        }
        return TokenizerError(
            .unreadable, "\(folder): no tokenizer.json (nor a BERT vocab.txt) in this folder")
    }

    /// The parts that the JSON of a `tokenizer.json` describes.
    init(json: [UInt8], file name: String) throws(TokenizerError) {
        let file = try JSONField(bytes: json, file: name)
        if let version = try file.optional("version"), try version.string() != "1.0" {
            throw version.error(.unsupported, "'\(try version.string())' is not supported")
        }
        if let field = try file.optional("normalizer") { normalizer = try Normalizer(field) }
        if let field = try file.optional("pre_tokenizer") { preTokenizer = try PreTokenizer(field) }
        if let field = try file.optional("decoder") { decoder = try Decoder(field) }
        if let field = try file.optional("truncation") { truncation = try Truncation(field) }
        if let field = try file.optional("padding") { padding = try Padding(field) }
        model = try Model(
            try file.required("model"), isByteLevel: preTokenizer?.isByteLevel == true)
        if let field = try file.optional("added_tokens") { try addTokens(field) }
        if let field = try file.optional("post_processor") {
            postProcessor = try PostProcessor(field)
            try checkSpecials { field.error(.inconsistent, $0) }
        }
        if let field = try file.optional("truncation") { try checkRoom(field) }
    }

    /// The parts of a BERT tokenizer given by its vocabulary and settings.
    private init(bert folder: BertFolder) throws(TokenizerError) {
        normalizer = .bert(folder.settings.normalizer)
        preTokenizer = .bert
        decoder = .bert
        let settings = folder.settings
        padToken = settings.padToken.content
        let vocabulary = try Vocabulary(lines: folder.lines, file: folder.vocabularyPath)
        func error(_ reason: String) -> TokenizerError {
            TokenizerError(.inconsistent, "\(folder.vocabularyPath): \(reason)")
        }
        model = .wordPiece(
            try WordPiece(
                vocabulary: vocabulary, unknownToken: settings.unknownToken.text,
                continuingPrefix: "##", longestWord: 100, missing: error))
        for (written, token) in settings.addedTokens {
            add(token, written: written, named: "\(folder.vocabularyPath): the added token")
        }
        for token in settings.specials {
            guard let id = addedVocabulary.id(of: token.content, in: vocabulary) else {
                throw error("the special token '\(token.text)' is not in the vocabulary")
            }
            // Those that the folder lists with their flags keep them.
            if !addedVocabulary.has(id) { _ = addedVocabulary.add(token, to: vocabulary) }
        }
        try prepareAddedTokens("\(folder.vocabularyPath): the added tokens") { error($0) }
        func special(_ token: AddedToken) -> (token: String, id: Int32) {
            (token.text, addedVocabulary.id(of: token.content, in: vocabulary) ?? 0)
        }
        postProcessor = PostProcessor(
            bertWithStart: special(settings.startToken), end: special(settings.endToken))
    }

    private mutating func addTokens(_ field: JSONField) throws(TokenizerError) {
        for entry in try field.elements() {
            let token = AddedToken(
                content: Array(try entry.required("content").string().utf8),
                isSingleWord: try entry.required("single_word").boolean(),
                stripsLeft: try entry.required("lstrip").boolean(),
                stripsRight: try entry.required("rstrip").boolean(),
                isNormalized: try entry.required("normalized").boolean(),
                isSpecial: try entry.required("special").boolean())
            let written = try entry.required("id").count()
            add(token, written: written, named: "\(entry.file): \(entry.path)")
        }
        try prepareAddedTokens("\(field.file): \(field.path)") { field.error(.unsupported, $0) }
    }

    /// Adds a token that a file gives an id; the reference too goes by its own count, and says so.
    private mutating func add(_ token: AddedToken, written: Int, named name: String) {
        if let id = addedVocabulary.add(token, to: model.vocabulary), Int(id) != written {
            notes.append(
                "\(name) '\(token.text)' says id \(written), "
                    + "but gets id \(id), as in Hugging Face tokenizers")
        }
    }

    private mutating func prepareAddedTokens(
        _ name: String, _ error: (String) -> TokenizerError
    ) throws(TokenizerError) {
        for (found, hidden) in try addedVocabulary.prepare(normalizer, error: error) {
            notes.append(
                "\(name) hold '\(found.text)' and '\(hidden.text)', which the normalizer makes "
                    + "the same; the first is found")
        }
    }

    /// The ids that the template puts into texts have to be there.
    private func checkSpecials(_ error: (String) -> TokenizerError) throws(TokenizerError) {
        for (token, id) in postProcessor?.specials ?? [] {
            if addedVocabulary.name(of: id) == nil, model.vocabulary.token(of: id) == nil {
                throw error("puts in '\(token)' with id \(id), which the vocabulary doesn't have")
            }
        }
    }

    private func checkRoom(_ field: JSONField) throws(TokenizerError) {
        guard let truncation, let postProcessor else { return }
        let specials = postProcessor.specialCount(isPair: false)
        if truncation.maximumLength < specials {
            throw field.error(
                .inconsistent,
                "has max_length \(truncation.maximumLength), less than \(specials) special tokens")
        }
    }
}
