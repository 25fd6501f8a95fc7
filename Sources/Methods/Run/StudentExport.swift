// The student of a checkpoint as a model folder.

import Autograd
import Checkpoint
import Corpus
import Models
import Teacher
import Training

/// Exports students from checkpoints.
public enum StudentExport {
    /// Writes the student of a run's checkpoint.
    ///
    /// - Parameters:
    ///   - recipe: The run's recipe.
    ///   - checkpoint: A checkpoint's folder; nil for the newest good one.
    ///   - target: The folder to write.
    /// - Returns: The checkpoint's path.
    public static func write(
        recipe: Recipe, checkpoint: String?, to target: String
    ) throws -> String {
        var folder = RunFolder(path: recipe.outputDirectory, labels: recipe.labelDirectory)
        if recipe.method.name == .mcqa, let first = recipe.method.mcqa.students.first {
            // A finished student's checkpoints are gone, and the student is in its folder.
            folder = MCQAFiles(folder: folder).training(first.rawValue)
        }
        let store = CheckpointStore(
            directory: folder.checkpoints, keep: recipe.checkpoint.keepLatest)
        guard let reader = try checkpoint.map({ try store.open($0) }) ?? store.latest() else {
            throw MethodError(
                .unusableFolder, "\(folder.checkpoints): no checkpoint; run the recipe first")
        }
        if try DecoderFolder.isDecoder(recipe.student.model) {
            let student = try recipe.student.decoder(seed: recipe.seed)
            try student.parameters.restore(from: reader)
            try student.export(to: target)
        } else if recipe.method.name == .mcqa {
            let student = try MultipleChoiceModel(
                ModelFolder(path: recipe.student.model), newHead: true)
            try student.parameters.restore(from: reader)
            try student.export(to: target)
        } else {
            let student = try EncoderClassifier(
                ModelFolder(path: recipe.student.model), labels: labels(recipe, folder),
                newHead: true)
            try student.parameters.restore(from: reader)
            try student.export(to: target)
        }
        return reader.path
    }

    private static func labels(_ recipe: Recipe, _ folder: RunFolder) throws -> [String] {
        if !recipe.teacher.labels.isEmpty { return recipe.teacher.labels }
        if recipe.teacher.kind == .encoder { return recipe.teacher.labelSentences.map(\.label) }
        return try LabelSet(
            discoveredIn: LedgerContents(folder: folder.labels).answersByRecord()
        ).names
    }
}

extension Recipe.StudentOptions {
    /// The decoder at its original weights: all of them to be trained, or adapters.
    func decoder(seed: UInt64) throws -> any CausalStudent {
        let folder = try DecoderFolder(path: model)
        guard let lora else { return try DecoderModel(folder) }
        return try LoRAModel(base: folder, options: lora, seed: seed)
    }
}
