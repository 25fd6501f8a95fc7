// Lion: Adversarial Distillation of Proprietary Large Language Models (Jiang, Chan, Chen, Wang, arXiv
// 2305.12870, EMNLP 2023). A teacher answers, judges, and writes instructions; a student learns from the
// answers, and what it is bad at decides which instructions are written next.
//
//   Train Pool = Cache Pool = the instructions that were read
//   for i in 0 ..< n:
//     1. imitation       the teacher answers the Train Pool; the student, which starts from the one before,
//                        is fine-tuned on the answers
//     2. discrimination  both answer the Cache Pool; the referee scores each pair in both orders;
//                        d = teacher's mean - student's mean; hard where d >= 1, else easy          Referee
//     3. generation      the generator writes instructions like hard ones, and rarer ones than easy
//                        ones, 1:1                                                            LionGeneration
//        Train Pool = the new ones;   Cache Pool = Cache Pool + the new ones
//   imitation of the last Train Pool
//
// So n times new instructions, and n + 1 trainings of one student that learns on (LLM2LLM begins anew).
//
// Our choices: the teacher's answers to the Cache Pool are those that the student learnt from, not new ones;
// an answer that was cut or never came is left out of lessons and judging, and counted; tries are capped; a
// pair without scores is asked for again, then left out and counted; `judge_limit` bounds what is judged.
// The exported student is the last one: the test chooses nothing.
//
// The baseline is step 1 alone, at as many calls as one likes.

import Corpus
import Foundation
import Teacher

/// The iterations of a run, from what is read to the last student.
struct Lion {
    let session: RunSession
    let data: LionData
    let files: LionFiles
    let fingerprint: String
    let student: LionStudent
    let roles: LionRoles

    /// How a call ended.
    enum Outcome {
        case stopped(String)
        case complete([LionIteration])
    }

    private struct Stopped: Error {
        let place: String
    }

    private var options: Recipe.LionOptions { session.recipe.method.lion }
    private var console: RunConsole { session.console }

    func run() throws -> Outcome {
        var iterations: [LionIteration] = []
        var trainPool = data.instructions
        var cachePool: [Lesson] = []
        do {
            for number in 0..<options.students {
                var figures = try files.read(number) ?? LionIteration(number: number)
                let lessons = try imitation(of: trainPool, &figures)
                cachePool += lessons
                if number < options.students - 1 {
                    let verdicts = try discrimination(of: cachePool, &figures)
                    trainPool = try generation(from: cachePool, verdicts, &figures)
                }
                iterations.append(figures)
                if trainPool.isEmpty { break }
            }
        } catch let stopped as Stopped {
            return .stopped(stopped.place)
        }
        return .complete(iterations)
    }

    /// An instruction with the teacher's answer.
    struct Lesson: Codable, Equatable {
        let instruction: LionInstruction
        let answer: String
    }

    // MARK: - Step 1

    /// The teacher answers, the student learns.
    private func imitation(
        of pool: [LionInstruction], _ figures: inout LionIteration
    ) throws -> [Lesson] {
        let number = figures.number
        let lessons = try lessons(of: pool, &figures)
        guard !figures.isTrained else {
            try student.forget(before: number)
            return lessons
        }
        guard !lessons.isEmpty else {
            throw MethodError(
                .unusableLabels,
                "Train Pool \(number): the teacher gave no whole answer to any of \(pool.count) "
                    + "instructions; raise method.decoding.teacher.max_tokens or look into the ledger"
            )
        }
        console.say("student \(number): \(lessons.count) lessons")
        let examples = lessons.map {
            TextExample(id: $0.instruction.id, prompt: $0.instruction.text, answer: $0.answer)
        }
        guard
            let tooLong = try student.train(number, on: examples, fingerprint: fingerprint)
        else { throw Stopped(place: "training student \(number)") }
        figures.tooLong = tooLong
        if !data.test.isEmpty {
            let answers = try student.testAnswers(number, to: data.test.map(\.prompt))
            let score = try AnswerScore(
                answers, wanted: data.test, by: session.recipe.evaluate.compare)
            (figures.tests, figures.testsRight) = (score.right.count, score.correct)
            console.say(
                "student \(number): right on \(percentText(score.accuracy)) of "
                    + "\(score.right.count) test instructions")
        }
        figures.isTrained = true
        try write(figures)
        try student.forget(before: number)
        return lessons
    }

    /// The teacher's answers to a Train Pool.
    private func lessons(
        of pool: [LionInstruction], _ figures: inout LionIteration
    ) throws -> [Lesson] {
        let path = files.lessons(figures.number)
        if figures.imitation.wanted > 0, let known = try LionLines.read(path, of: Lesson.self) {
            return known
        }
        // Imitation alone asks again for the same instructions until its calls are used up.
        let count = options.arm == .imitation && options.calls > 0 ? options.calls : pool.count
        let answers = try roles.teacher(
            (0..<count).map { index in
                options.decoding.teacher.request(
                    id: pool[index % pool.count].id,
                    messages: roles.prompts.answer.messages(text: pool[index % pool.count].text),
                    seed: session.recipe.seed, attempt: index / pool.count)
            })
        figures.imitation = LionIteration.Imitation(wanted: count)
        var lessons: [Lesson] = []
        for (index, answer) in answers.enumerated() {
            switch answer {
            case .text(let text, _) where !text.trimmed.isEmpty:
                lessons.append(
                    Lesson(instruction: pool[index % pool.count], answer: text.trimmed))
            case .cut: figures.imitation.cut += 1
            case .text, .failed: figures.imitation.failed += 1
            }
        }
        try session.byLeader { try files.write(lessons, to: path) }
        try note(&figures)
        return lessons
    }

    // MARK: - Step 2

    /// Both answer, the referee judges.
    private func discrimination(
        of cache: [Lesson], _ figures: inout LionIteration
    ) throws -> [LionVerdict] {
        let number = figures.number
        let path = files.verdicts(number)
        if figures.discrimination != nil, let known = try LionLines.read(path, of: LionVerdict.self)
        {
            return known
        }
        let lessons = drawn(cache, iteration: number)
        guard
            let answers = try student.answers(number, to: lessons.map(\.instruction.text))
        else { throw Stopped(place: "while student \(number) answers the Cache Pool") }
        let (judged, tally) = try roles.referee.verdicts(
            on: zip(lessons, answers).map { lesson, answer in
                AnswerPair(
                    id: lesson.instruction.id, task: lesson.instruction.text,
                    reference: lesson.answer, candidate: answer)
            })
        let verdicts = judged.compactMap { verdict in
            verdict.map {
                LionVerdict(
                    id: $0.id, kind: $0.gap >= options.threshold ? .hard : .easy, verdict: $0)
            }
        }
        figures.discrimination = sums(verdicts, of: lessons, cache: cache.count, tally)
        try session.byLeader { try files.write(verdicts, to: path) }
        try note(&figures)
        if let sums = figures.discrimination {
            console.say(
                "student \(number): \(sums.hard) of \(sums.judged) instructions are hard "
                    + "(\(percentText(sums.hardShare))), \(tally.leftOut) without scores")
        }
        return verdicts
    }

    /// What is judged: the whole Cache Pool, or a drawn part in the pool's order.
    private func drawn(_ cache: [Lesson], iteration: Int) -> [Lesson] {
        guard let limit = options.judgeLimit, limit < cache.count else { return cache }
        let order = Permutation(
            count: cache.count, seed: session.recipe.seed, epoch: 1_000_000 + iteration)
        return order[0..<limit].sorted().map { cache[$0] }
    }

    private func sums(
        _ verdicts: [LionVerdict], of lessons: [Lesson], cache: Int, _ tally: RefereeTally
    ) -> LionIteration.Discrimination {
        let read = Set(lessons.filter { $0.instruction.kind == nil }.map(\.instruction.id))
        var sums = LionIteration.Discrimination(cache: cache, referee: tally)
        sums.judged = verdicts.count
        sums.hard = verdicts.count { $0.kind == .hard }
        sums.judgedSeeds = verdicts.count { read.contains($0.id) }
        sums.hardSeeds = verdicts.count { read.contains($0.id) && $0.kind == .hard }
        guard !verdicts.isEmpty else { return sums }
        let judged = JudgeFigures(verdicts.map(\.verdict))
        sums.teacherScore = judged.referenceMean
        sums.studentScore = judged.candidateMean
        sums.quality = judged.quality
        return sums
    }

    // MARK: - Step 3

    /// The generator writes the next Train Pool.
    private func generation(
        from cache: [Lesson], _ verdicts: [LionVerdict], _ figures: inout LionIteration
    ) throws -> [LionInstruction] {
        let number = figures.number
        let path = files.pool(number + 1)
        if figures.generation != nil,
            let known = try LionLines.read(path, of: LionInstruction.self)
        {
            return known
        }
        let kinds = Dictionary(verdicts.map { ($0.id, $0.kind) }) { first, _ in first }
        func seeds(_ kind: LionKind) -> [LionInstruction] {
            cache.map(\.instruction).filter { kinds[$0.id] == kind }
        }
        let (instructions, tally) = try roles.generation.instructions(
            hard: seeds(.hard), easy: seeds(.easy), iteration: number,
            cache: cache.map(\.instruction.text))
        figures.generation = tally
        try session.byLeader { try files.write(instructions, to: path) }
        try note(&figures)
        console.say(
            "iteration \(number): \(instructions.count) new instructions of "
                + "\(tally.allRequests) requests, \(tally.accepted(.hard)) from hard ones"
                + (tally.missing > 0 ? ", \(tally.missing) missing" : ""))
        return instructions
    }

    // MARK: - Files

    /// Writes the figures, with what has been spent until now.
    private func note(_ figures: inout LionIteration) throws {
        figures.spentMicro = try roles.spent()
        try write(figures)
    }

    private func write(_ figures: LionIteration) throws {
        try session.byLeader { try files.write(figures) }
    }
}
