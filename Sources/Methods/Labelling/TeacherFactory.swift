// From a recipe's teacher section to a teacher.

import Corpus
import Foundation
import Models
import Teacher
import TensorCore
import Tokenizers

/// Who labels a run: something that answers in this process, or servers that are asked.
enum RunTeacher {
    case local(any Teacher)
    case servers(ServerTeacher)

    /// One line for people.
    var description: String {
        switch self {
        case .local(let teacher): teacher.description
        case .servers(let teacher): teacher.description
        }
    }
}

/// A model behind OpenAI's API, with what it is asked.
struct ServerTeacher {
    let task: LabelTask
    let options: ServiceOptions
    /// The name in the ledger's keys.
    let teacher: String
    let description: String

    /// The identity under which its labels are written.
    var identity: String { ServerLabeller.identity(teacher: teacher, task: task) }

    /// The names of a record.
    func keys(of record: Record) -> RecordKeys {
        ServerLabeller.keys(
            of: record, identity: identity, fields: task.usedFields, showsID: task.showsID)
    }
}

/// Makes the teacher that a recipe names.
enum TeacherFactory {
    static func make(_ recipe: Recipe, compute: Compute) throws -> RunTeacher {
        switch recipe.teacher.kind {
        case .encoder:
            let prototypes =
                recipe.teacher.prototypes.isEmpty
                ? []
                : try RunInputs.read(recipe.teacher.prototypes, recipe.data, labelRequired: true)
                    .records
            return .local(
                try EncoderTeacher(
                    folder: ModelFolder(path: recipe.teacher.model),
                    labelSentences: recipe.teacher.labelSentences, prototypes: prototypes,
                    temperature: recipe.teacher.temperature,
                    maximumLength: recipe.teacher.maximumLength, compute: compute))
        case .recorded:
            return .local(
                try RecordedTeacher(
                    path: recipe.teacher.path, ledgerTeacher: recipe.teacher.recordedTeacher))
        case .openai:
            return .servers(try servers(recipe, compute))
        case .local:
            return .local(try localTeacher(recipe, compute))
        }
    }

    private static func servers(_ recipe: Recipe, _ compute: Compute) throws -> ServerTeacher {
        let teacher = recipe.teacher
        var task = teacher.task
        task.labels = teacher.labels
        task.dataFields = recipe.data.fields
        var options = ServiceOptions(baseURLs: teacher.servers.baseURLs)
        if !teacher.servers.apiKey.isEmpty {
            options.apiKey = try APIKey(expanding: teacher.servers.apiKey)
        }
        options.timeout = teacher.servers.timeout
        options.connectTimeout = teacher.servers.connectTimeout
        options.maxRetries = teacher.servers.maxRetries
        options.giveUpSeconds = teacher.servers.giveUpSeconds
        options.proxy = teacher.servers.proxy
        options.caFile = teacher.servers.caFile
        options.prices = try prices(teacher.servers)
        try options.validate()
        let places = teacher.servers.baseURLs.joined(separator: ", ")
        return ServerTeacher(
            task: try LabelTask(task, embed: try embedding(teacher, compute)), options: options,
            teacher: teacher.identity, description: "\(task.model) at \(places)")
    }

    /// What tokens cost, if the recipe says it.
    static func prices(_ servers: Recipe.ServerOptions) throws -> TokenPrices? {
        guard let input = servers.inputPrice, let output = servers.outputPrice else { return nil }
        return try TokenPrices(inputPerMillion: input, outputPerMillion: output)
    }

    /// Embeds texts with the encoder that the recipe names for its examples.
    static func embedding(
        _ teacher: Recipe.TeacherOptions, _ compute: Compute
    ) throws -> (@Sendable ([String]) throws -> [[Float]])? {
        guard teacher.task.examples?.choose == .nearest else { return nil }
        let folder = try ModelFolder(path: teacher.exampleModel)
        let encoder = try LockedEncoder(folder, compute)
        return { try encoder.encode($0) }
    }
}

/// A sentence encoder that tasks on many threads share: its memory is for one pass at a time.
private final class LockedEncoder: @unchecked Sendable {
    private let lock = NSLock()
    private let encoder: SentenceEncoder
    private let tokenizer: Tokenizer
    private let maximumLength: Int

    init(_ folder: ModelFolder, _ compute: Compute) throws {
        encoder = try SentenceEncoder(folder, compute: compute)
        tokenizer = try Tokenizer(contentsOf: folder.path)
        maximumLength = folder.configuration.maximumLength
    }

    func encode(_ texts: [String]) throws -> [[Float]] {
        let sequences = texts.map {
            TokenSequence(ids: tokenizer.encodeIDs($0, maximumLength: maximumLength))
        }
        return try lock.withLock { try encoder.encode(sequences) }
    }
}
