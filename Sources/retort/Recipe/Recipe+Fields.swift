// Every key of a recipe, once: what it is called, what it may be, which option it sets.

import Methods
import Models
import Training

extension Recipe {
    /// Visits every key, to read or to write it.
    mutating func visit(_ fields: RecipeFields) throws {
        try fields.text("name", &name)
        try fields.unsigned("seed", &seed)
        try fields.text("output_dir", &outputDirectory)
        try fields.section("data") { try data.visit($0) }
        try fields.section("teacher") { try teacher.visit($0) }
        try fields.section("budget") { try budget.visit($0) }
        try fields.section("rate") { try rate.visit($0) }
        try fields.section("student") { try student.visit($0) }
        try fields.section("method") { try method.visit($0) }
        try fields.section("train") { try train.visit($0) }
        try fields.section("checkpoint") {
            try $0.integer("save_steps", &checkpoint.saveSteps, 0...Int.max)
            try $0.integer("keep_latest_k", &checkpoint.keepLatest, 2...Int.max)
        }
        try fields.section("evaluate") {
            try $0.integer("eval_steps", &evaluate.evaluationSteps, 0...Int.max)
            try $0.integer("logging_steps", &evaluate.loggingSteps, 1...Int.max)
            try $0.integer("max_new_tokens", &evaluate.maximumNewTokens, 1...1_000_000)
            try $0.choice("compare", &evaluate.compare)
        }
        try fields.refuseUnknown()
    }
}

extension Recipe.DataOptions {
    fileprivate mutating func visit(_ fields: RecipeFields) throws {
        try fields.texts("pool", &pool)
        try fields.texts("test", &test)
        try fields.text("format", &format)
        try fields.text("text_field", &textField)
        try fields.text("label_field", &labelField)
        try fields.text("id_field", &idField)
        try fields.texts("fields", &self.fields)
        try fields.text("on_bad_row", &onBadRow)
    }
}

extension Recipe.StudentOptions {
    fileprivate mutating func visit(_ fields: RecipeFields) throws {
        try fields.text("model", &model)
        try fields.integer("max_seq_length", &maximumLength, 2...1_000_000)
        try fields.flag("new_head", &newHead)
        try fields.text("chat_template", &chatTemplate)
        try fields.text("system", &system)
        try fields.text("prompt_template", &promptTemplate)
        try fields.optionalSection("lora", &lora, LoRAOptions()) { fields, lora in
            try lora.visit(fields)
        }
    }
}

extension LoRAOptions {
    fileprivate mutating func visit(_ fields: RecipeFields) throws {
        try fields.integer("rank", &rank, 1...65_536)
        try fields.number("alpha", &alpha, 1e-6...1e6)
        var probability = Double(dropout)
        try fields.number("dropout", &probability, 0...0.999)
        dropout = Float(probability)
        var names = targets.names
        try fields.texts("targets", &names)
        targets = LoRATargets(names)
        try fields.flag("use_rslora", &usesRootScale)
    }
}

extension LoRATargets {
    /// As recipes write them.
    fileprivate var names: [String] {
        switch self {
        case .allLinear: ["all-linear"]
        case .names(let names): names
        case .pattern(let pattern): [pattern]
        }
    }
}

extension Recipe.MethodOptions {
    fileprivate mutating func visit(_ fields: RecipeFields) throws {
        try fields.choice("name", &name)
        switch name {
        case .priming: return try priming.visit(fields)
        case .llm2llm: return try llm2llm.visit(fields)
        case .mcqa: return try mcqa.visit(fields)
        case .sequence: return try sequence.visit(fields)
        case .llkd, .fineTune: break
        }
        try selection.visit(fields)
        try fields.choice("target", &target)
        try fields.number("temperature", &temperature, 1e-3...1e3)
    }
}

extension SelectionOptions {
    /// The keys stand beside those of the method whose samples are selected.
    mutating func visit(_ fields: RecipeFields) throws {
        try fields.choice("selection", &rule)
        try fields.number("random_ratio", &randomRatio, 0...1)
        try fields.number("ratio", &ratio, 0...1)
        try fields.number("momentum", &momentum, 0...0.999_999)
        try fields.integer("warmup_steps", &warmupSteps, 0...Int.max)
        try fields.flag("adapt_confidence", &adaptConfidence)
        try fields.flag("adapt_uncertainty", &adaptUncertainty)
        try fields.flag("weighted", &weighted)
        try fields.number("target_ratio", &targetRatio, 0...1)
    }
}

extension Recipe.SequenceOptions {
    fileprivate mutating func visit(_ fields: RecipeFields) throws {
        try fields.integer("answers", &answers, 1...1_000)
        try fields.number("temperature", &temperature, 0...2)
        try fields.integer("max_tokens", &maximumTokens, 1...1_000_000)
        try fields.text("system", &system)
        try selection.visit(fields)
    }
}

extension TrainingOptions {
    fileprivate mutating func visit(_ fields: RecipeFields) throws {
        let large = Double.greatestFiniteMagnitude
        try fields.integer("epochs", &epochs, 1...1_000_000)
        try fields.integer("global_batch_size", &globalBatchSize, 1...1_000_000)
        try fields.integer("micro_batches", &microBatches, 1...65_536)
        try fields.integer("max_tokens_per_pass", &maximumTokensPerPass, 1...Int.max)
        try fields.flag("gradient_checkpointing", &recomputesLayers)
        try fields.choice("precision", &precision)
        try fields.choice("optimizer", &optimizer)
        try fields.number("learning_rate", &learningRate, 0...1e3)
        try fields.choice("schedule", &schedule)
        try fields.number("warmup_ratio", &warmupRatio, 0...1)
        try fields.integer("warmup_steps", &warmupSteps, 0...Int.max)
        try fields.number("weight_decay", &weightDecay, 0...1e3)
        try fields.number("beta1", &beta1, 0...0.999_999_999)
        try fields.number("beta2", &beta2, 0...0.999_999_999)
        try fields.number("epsilon", &epsilon, 0...1)
        try fields.number("momentum", &momentum, 0...0.999_999_999)
        try fields.number("max_grad_norm", &maximumGradientNorm, 0...large)
    }
}
