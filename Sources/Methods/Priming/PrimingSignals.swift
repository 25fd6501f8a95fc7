// A teacher's scores of gold answers, arm by arm: what the teacher reads, whose vocabulary it must have, and
// which examples can't be read.
//
// The scores are recorded at the loss's temperature: there the kept tokens and the mass of all others are
// exact, whatever the temperature.

import Corpus
import Models
import Teacher
import TensorCore
import Tokenizers
import Training

/// A teacher in this process that scores gold answers.
struct PrimingSignals {
    let loss: DistillationLoss
    /// How the student reads examples.
    let student: ExampleFormat
    /// Rows of the student's output layer.
    let vocabularySize: Int
    /// How the teacher reads questions.
    let teacher: ExampleFormat
    /// The teacher's scores of some answers, recorded; nil when stopped.
    let record: ([SignalSample]) throws -> SignalStore?

    /// Opens the recipe's teacher.
    ///
    /// - Throws: `MethodError` where the recipe's loss has no meaning; `TrainingError` where the teacher
    ///   has another vocabulary than the student; what opening models throws.
    init(_ session: RunSession, _ student: GenerativeStudent) throws {
        let recipe = session.recipe
        let options = recipe.method.priming
        try options.loss.check()
        let model = try LocalModel(
            folder: recipe.teacher.model, chatTemplate: recipe.teacher.chatTemplate,
            maximumLength: recipe.teacher.contextLength, compute: session.compute)
        try VocabularyMatch(teacher: model.tokenizer, student: student.tokenizer).check()
        session.console.say("teacher: \(model.description)")
        var form = recipe.student
        form.model = recipe.teacher.model
        form.chatTemplate = recipe.teacher.chatTemplate
        // A teacher without a chat format reads as the student does.
        form.promptTemplate = model.template == nil ? form.promptTemplate ?? "{{prompt}}" : nil
        form.maximumLength = model.maximumLength
        let recorder = SignalRecorder(
            model, folder: session.folder.labels, communicator: session.communicator,
            isStopRequested: session.isStopRequested)
        loss = options.loss
        self.student = student.format
        vocabularySize = student.folder.configuration.vocabularySize
        teacher = try ExampleFormat(
            form, folder: DecoderFolder(path: recipe.teacher.model), tokenizer: model.tokenizer)
        record = { samples in
            try recorder.record(
                samples, count: options.topCount, temperature: options.loss.temperature)
        }
    }

    /// Why an example is left out.
    private enum Reason {
        static let student = "too long for the student"
        static let teacher = "too long for the teacher"
    }

    /// Gold answers with the teacher's scores of them; nil when stopped.
    func lesson(
        _ prompt: PrimingPrompt, _ examples: [TextExample]
    ) throws -> Priming.Lesson? {
        var lesson = Priming.Lesson(examples: [])
        var samples: [SignalSample] = []
        for example in examples {
            // Training would leave it out, and then the numbers of all behind it would be others.
            guard try student.sample(example, index: 0) != nil else {
                lesson.leftOut[Reason.student, default: 0] += 1
                continue
            }
            let sample = try SignalSample(
                id: example.id, teacherPrompt: teacher.prompt(prompt.text(example.prompt)),
                student: student.example(example))
            guard sample.prompt.count + sample.answer.count <= teacher.maximumLength else {
                lesson.leftOut[Reason.teacher, default: 0] += 1
                continue
            }
            lesson.examples.append(example)
            samples.append(sample)
        }
        guard !samples.isEmpty else {
            throw MethodError(
                .invalidRecipe,
                "arm \(prompt.arm.rawValue): all \(examples.count) examples are longer than student or "
                    + "teacher read; raise student.max_seq_length, or shorten the prompt")
        }
        guard let store = try record(samples) else { return nil }
        var signals = RecordedSignals()
        for (index, (example, sample)) in zip(lesson.examples, samples).enumerated() {
            guard let learnt = try student.sample(example, index: index) else { continue }
            try signals.add(
                store.signal(of: sample.id, answer: sample.answer), for: learnt,
                vocabulary: vocabularySize)
        }
        lesson.rule = try DistillationRule(loss, signals: signals)
        return lesson
    }
}
