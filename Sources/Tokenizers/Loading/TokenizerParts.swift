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
    var padToken: String?
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
            padToken = try BertFolder.Settings(folder: folder).padToken
        } else if InputFile.exists("\(folder)/vocab.txt") {
            try self.init(bert: BertFolder(folder))
        } else {
            throw TokenizerError(
                .unreadable, "\(folder): no tokenizer.json (nor a BERT vocab.txt) in this folder")
        }
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
        model = try Model(try file.required("model"))
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
        decoder = .wordPiece(prefix: "##", cleansUp: true)
        padToken = folder.settings.padToken
        let vocabulary = try Vocabulary(lines: folder.lines, file: folder.vocabularyPath)
        func error(_ reason: String) -> TokenizerError {
            TokenizerError(.inconsistent, "\(folder.vocabularyPath): \(reason)")
        }
        model = .wordPiece(
            try WordPiece(
                vocabulary: vocabulary, unknownToken: folder.settings.unknownToken,
                continuingPrefix: "##", longestWord: 100, missing: error))
        for content in folder.settings.specials {
            guard vocabulary.id(of: Array(content.utf8)) != nil else {
                throw error("the special token '\(content)' is not in the vocabulary")
            }
            _ = addedVocabulary.add(AddedToken(content: Array(content.utf8)), to: vocabulary)
        }
        _ = try addedVocabulary.prepare(normalizer, error: error)
        func special(_ content: String) -> (token: String, id: Int32) {
            (content, vocabulary.id(of: Array(content.utf8)) ?? 0)
        }
        postProcessor = PostProcessor(
            bertWithStart: special(folder.settings.startToken),
            end: special(folder.settings.endToken))
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
            let written = try entry.required("id").id()
            let id = addedVocabulary.add(token, to: model.vocabulary)
            if let id, id != written {
                // The reference counts on from its vocabulary and says so too.
                notes.append(
                    "\(entry.file): \(entry.path) '\(token.text)' says id \(written), "
                        + "but gets id \(id), as in Hugging Face tokenizers")
            }
        }
        let clashes = try addedVocabulary.prepare(normalizer) { field.error(.unsupported, $0) }
        for (found, hidden) in clashes {
            notes.append(
                "\(field.file): \(field.path) hold '\(found.text)' and '\(hidden.text)', which the "
                    + "normalizer makes the same; the first is found")
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
