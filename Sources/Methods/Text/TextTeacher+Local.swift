// Teachers in this process: from the recipe's section to a decoder that labels, or that writes texts.

import Corpus
import Reporting
import Teacher
import TensorCore

extension TeacherFactory {
    /// The decoder that a recipe names.
    static func localModel(_ recipe: Recipe, _ compute: Compute) throws -> LocalModel {
        let teacher = recipe.teacher
        return try LocalModel(
            folder: teacher.model, chatTemplate: teacher.chatTemplate,
            maximumLength: teacher.contextLength, compute: compute)
    }

    /// The same as teacher of labels.
    static func localTeacher(_ recipe: Recipe, _ compute: Compute) throws -> LocalTeacher {
        let model = try localModel(recipe, compute)
        var task = recipe.teacher.task
        task.model = LocalTeacher.modelName
        task.route = LocalTeacher.route(for: model.template)
        task.labels = recipe.teacher.labels
        task.dataFields = recipe.data.fields
        return try LocalTeacher(
            model, task: LabelTask(task, embed: try embedding(recipe.teacher, compute)))
    }
}

/// Texts of a decoder in this process.
struct LocalTexts: TextSource {
    private let place: TextPlace
    private let job: LocalTextJob

    var description: String { job.model.description }
    var identity: String { job.model.identity }
    var usesLedger: Bool { true }

    init(_ place: TextPlace, _ compute: Compute) throws {
        self.place = place
        job = LocalTextJob(
            try TeacherFactory.localModel(place.recipe, compute), folder: place.folder,
            communicator: place.communicator, isStopRequested: place.isStopRequested)
    }

    func key(of request: TextRequest) throws -> LabelKey { try job.key(of: request) }

    func recorded(_ request: TextRequest) throws -> TextAnswer { .failed("it isn't recorded") }

    func ask(_ requests: [TextRequest]) throws {
        let progress = place.console.progress("asking", total: requests.count, unit: "texts")
        let isWhole = try job.ask(requests) { progress?.update(done: $0) }
        progress?.finish(done: requests.count)
        guard isWhole else { throw TextsStopped() }
    }
}
