// What an LLM2LLM run reads: the seeds (`data.pool`), the test, and for some baselines a pool of unseen
// items. The seeds are `D_0`.

import Corpus

/// The items of a run.
struct LLM2LLMData {
    let task: LLM2LLMTask
    let seeds: [LLM2LLMItem]
    let test: [LLM2LLMItem]
    /// Real items that the student hasn't seen; empty where none are wanted.
    let pool: [LLM2LLMItem]
    /// Seeds that are test items too.
    let overlap: Int
    let inputs: RunInputs

    init(_ recipe: Recipe) throws {
        let options = recipe.method.llm2llm
        var reading = recipe
        for field in options.choices where !reading.data.fields.contains(field) {
            reading.data.fields.append(field)
        }
        inputs = try RunInputs(reading)
        let records = inputs.pool.records
        let tests = inputs.test?.records ?? []
        let pooled =
            options.augmentation.takesFromPool
            ? try RunInputs.read(options.pool, reading.data, labelRequired: true).records : []
        var labels: [String] = []
        if options.task == .classification {
            labels =
                recipe.teacher.labels.isEmpty
                ? try LabelSet(discoveredIn: records + tests + pooled).names
                : try LabelSet(recipe.teacher.labels).names
        }
        let task = LLM2LLMTask(
            kind: options.task, labels: labels, choiceFields: options.choices)
        self.task = task
        seeds = try records.map { try task.item($0) }
        test = try tests.map { try task.item($0) }
        // A pool's ids may be those of seeds: both may count their lines.
        pool = try pooled.map { record in
            let item = try task.item(record)
            return LLM2LLMItem(
                id: "pool:\(item.id)", question: item.question, choices: item.choices,
                answer: item.answer, source: item.source)
        }
        overlap = inputs.overlap
    }
}
