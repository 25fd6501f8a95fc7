// Few-shot distillation for multiple-choice question answering (arXiv 2412.09807 v2, Findings of EMNLP 2025).
// From five examples a subject to an encoder that answers: an LLM writes items, scores their choices, and
// the encoder learns the scores.
//
//   1. generate  from the examples, new items of each subject, in one of two ways           ItemGeneration
//                  direct       one call: question, choices, answer as JSON
//                  decomposed   three calls: question; right answer; wrong but plausible ones
//                gates: it parses; 2..K different choices; no example, no test item, no repeat
//   2. score     each choice's probability by the LLM: the soft label                       ChoiceScoring
//   3. distil    loss = (1 - alpha) T^2 KL(teacher_T || student_T) + alpha H(hard label)    ChoiceStudent
//                each (question, choice) pair encoded alone, softmax over the item's choices
//   4. measure   accuracy and calibration on the test, by subject                           ChoiceMeasures
//
// No code was published. Known are these steps, DeBERTa-v3-base as student, and that the decomposed way loses
// fewer items; prompts, gates, T and alpha are our choices, and options.
//
// Baselines are further students of the same run: one that learns one choice of each item (`hard`), one that
// has the five examples alone (`few_shot`).

import Corpus
import Foundation
import Teacher
import Training

/// The stages of a run, from the examples to the students' answers.
struct MCQA {
    let session: RunSession
    let data: MCQAData
    let files: MCQAFiles
    let fingerprint: String
    let student: ChoiceStudent
    /// Writes items; nil where they are given.
    let generation: ItemGeneration?
    let scoring: ChoiceScoring

    /// What a run came to.
    struct Results {
        var ways: [GenerationTally] = []
        var scoring = ScoringTally()
        /// Items of the second way that are the first one's too, or nearly.
        var merged = 0
        /// What students learnt from.
        var items: [ScoredItem] = []
        /// The students' answers to the test, in the order of the recipe.
        var students: [(name: Recipe.MCQAOptions.Student, answers: [ChoiceAnswer])] = []
    }

    /// How a call ended.
    enum Outcome {
        case stopped(String)
        case complete(Results)
    }

    private var options: Recipe.MCQAOptions { session.recipe.method.mcqa }
    private var console: RunConsole { session.console }

    func run() throws -> Outcome {
        var results = Results()
        let items = try generated(&results)
        results.items = try scored(items, &results)
        for name in options.students {
            guard let answers = try distilled(name, results.items) else {
                return .stopped("training the \(name.rawValue) student")
            }
            results.students.append((name, answers))
        }
        return .complete(results)
    }

    // MARK: - 1. Items

    /// The items of all ways together; of two that are nearly the same the first.
    private func generated(_ results: inout Results) throws -> [ChoiceItem] {
        guard let generation else { return data.items }
        var items: [ChoiceItem] = []
        for way in options.generation.ways {
            let (own, tally) = try generated(way, generation)
            results.ways.append(tally)
            guard !items.isEmpty else {
                items = own
                continue
            }
            var gate = OverlapGate(items, similarity: options.similarity)
            let new = own.filter { gate.overlap(of: $0) == nil }
            results.merged += own.count - new.count
            items += new
        }
        return items
    }

    private func generated(
        _ way: GenerationWay, _ generation: ItemGeneration
    ) throws -> ([ChoiceItem], GenerationTally) {
        if try session.isThere(files.tally(way)),
            let tally = try files.read(files.tally(way), as: GenerationTally.self),
            let items = try ItemFile.read(files.items(way), as: ChoiceItem.self)
        {
            return (items, tally)
        }
        let (items, tally) = try generation.items(way)
        let text = try ItemFile.text(items)
        try session.byLeader {
            try files.folder.write(text, to: files.items(way))
            try files.write(tally, to: files.tally(way))
        }
        console.say(
            "\(way.rawValue): \(items.count) of \(tally.wanted) items taken, of \(tally.begun) begun in "
                + "\(tally.calls) requests; \(tally.parseFailures) could not be read")
        return (items, tally)
    }

    // MARK: - 2. Scores

    private func scored(
        _ items: [ChoiceItem], _ results: inout Results
    ) throws -> [ScoredItem] {
        if try session.isThere(files.scoring),
            let tally = try files.read(files.scoring, as: ScoringTally.self),
            let scored = try ItemFile.read(files.scored, as: ScoredItem.self)
        {
            results.scoring = tally
            return scored
        }
        let (scored, tally) = try scoring.scored(items)
        guard !scored.isEmpty else {
            throw MethodError(
                .unusableLabels,
                "none of \(items.count) items can be learnt from: \(tally.unscored) without scores, "
                    + "\(tally.doubtful) below method.min_letter_mass, \(tally.dropped) disputed; look at "
                    + "\(session.folder.path)/data and the teacher's answers in "
                    + session.folder.labels)
        }
        let text = try ItemFile.text(scored)
        try session.byLeader {
            try files.folder.write(text, to: files.scored)
            try files.write(tally, to: files.scoring)
        }
        console.say(
            "scored: \(scored.count) of \(items.count) items; the teacher would answer \(tally.disputed) "
                + "otherwise")
        results.scoring = tally
        return scored
    }

    // MARK: - 3. and 4. Students

    /// A student's answers to the test; nil when stopped.
    private func distilled(
        _ name: Recipe.MCQAOptions.Student, _ items: [ScoredItem]
    ) throws -> [ChoiceAnswer]? {
        let lessons = lessons(name, items)
        guard !options.isJoint else { return try distilled(name, "", lessons, data.test) }
        // One student for each subject that there is something to learn of; answers in the test's order.
        var answers: [String: ChoiceAnswer] = [:]
        var subjects: [String] = []
        for lesson in lessons where !subjects.contains(lesson.item.subject) {
            subjects.append(lesson.item.subject)
        }
        for subject in subjects {
            guard
                let own = try distilled(
                    name, subject, lessons.filter { $0.item.subject == subject },
                    data.test.filter { $0.subject == subject })
            else { return nil }
            for answer in own { answers[answer.id] = answer }
        }
        return data.test.compactMap { answers[$0.id] }
    }

    /// What a student learns of each item.
    private func lessons(
        _ name: Recipe.MCQAOptions.Student, _ items: [ScoredItem]
    ) -> [ChoiceLesson] {
        func lesson(_ item: ChoiceItem, _ label: Int) -> ChoiceLesson {
            ChoiceLesson(
                item: item, target: item.choices.indices.map { $0 == label ? 1 : 0 }, label: label)
        }
        func hardLabel(_ item: ScoredItem) -> Int {
            options.hardLabelInUse == .answer ? item.answer : item.teacherChoice
        }
        switch name {
        case .soft:
            return items.map {
                ChoiceLesson(item: $0.item, target: $0.probabilities, label: hardLabel($0))
            }
        case .hard: return items.map { lesson($0.item, hardLabel($0)) }
        case .fewShot: return data.examples.map { lesson($0, $0.answer) }
        }
    }

    /// Trains a student of all subjects (`""`) or of one, and asks it.
    private func distilled(
        _ name: Recipe.MCQAOptions.Student, _ subject: String, _ lessons: [ChoiceLesson],
        _ test: [ChoiceItem]
    ) throws -> [ChoiceAnswer]? {
        let place = subject.isEmpty ? name.rawValue : "\(name.rawValue)-\(fileName(subject))"
        if try session.isThere(files.answers(place)),
            let known = try ItemFile.read(files.answers(place), as: ChoiceAnswer.self)
        {
            return known
        }
        console.say("student \(place): \(lessons.count) items")
        try session.byLeader { try files.createTraining(place) }
        let isSoft = name == .soft
        guard
            try student.train(
                ChoiceStudent.Course(
                    lessons: lessons,
                    loss: ChoiceLoss(
                        temperature: isSoft ? options.temperature : 1,
                        alpha: isSoft ? options.hardWeight : 1),
                    epochs: name == .fewShot
                        ? options.fewShotEpochs ?? session.recipe.train.epochs
                        : session.recipe.train.epochs,
                    selection: name == .fewShot
                        ? SelectionOptions(rule: .all) : options.selection),
                in: files.training(place), fingerprint: "\(fingerprint)-\(place)")
        else { return nil }
        let answers = try student.answers(to: test)
        if name == options.students.first {
            try student.export(
                to: session.folder.student + (subject.isEmpty ? "" : "/\(fileName(subject))"))
        }
        let text = try ItemFile.text(answers)
        try session.byLeader {
            try files.folder.write(text, to: files.answers(place))
            try files.training(place).removeCheckpoints()
        }
        if !answers.isEmpty {
            console.say(
                "student \(place): \(fixed(100 * ChoiceMeasures(answers).accuracy, 1)) % of "
                    + "\(answers.count) test items")
        }
        return answers
    }

    /// A subject as part of a file's name; two that would be alike are told apart by a hash.
    private func fileName(_ subject: String) -> String {
        let plain = String(
            subject.map { $0.isLetter || $0.isNumber || "_-".contains($0) ? $0 : "_" })
        return plain == subject ? plain : "\(plain)-\(ContentHash.id(of: subject).prefix(6))"
    }
}
