// The training loop: evaluate, save, stop, select, step, log; resumed from any checkpoint.
//
// Everything that it carries from step to step is in `TrainingProgress`, the weights and the moments;
// order and random numbers are functions of seed and step. So a run that was killed and resumed, on
// any number of ranks, goes on as if nothing had happened.

public import Checkpoint
import Collectives
import Foundation
import TensorCore

/// What the loop carries from step to step, besides weights and moments.
public struct TrainingProgress<SelectorState: Codable>: Codable {
    /// Batches seen.
    public var step = 0
    /// Batches of which nothing was kept: no update was made.
    public var emptyBatches = 0
    /// What has been used of the pool.
    public var usage: SampleUsage
    /// The best evaluation so far.
    public var best: BestEvaluation?
    /// The method's state.
    public var selector: SelectorState
    /// Updates made: what AdamW's bias corrections count.
    public var updates = 0
    /// Hash of what the run must have in common with its checkpoints.
    public let fingerprint: String
}

/// The best evaluation of a run and what it had cost.
public struct BestEvaluation: Sendable, Codable, Equatable {
    /// Batches seen.
    public let step: Int
    /// Its accuracy.
    public let accuracy: Double
    /// Sample visits until then.
    public let visits: Int
}

/// What the loop tells its caller.
public enum TrainingEvent: Sendable {
    /// Training goes on from a checkpoint of that many steps.
    case resumed(step: Int, path: String)
    /// A checkpoint was passed over.
    case skippedCheckpoint(path: String, reason: String)
    /// A batch was done; `report` is nil if nothing of it was kept.
    case step(StepRecord)
    /// A checkpoint was saved.
    case saved(step: Int, seconds: Double)
}

/// What a batch did.
public struct StepRecord: Sendable {
    /// Batches done with this one.
    public let step: Int
    /// Batches of the run.
    public let totalSteps: Int
    /// Passes over the pool so far.
    public let epoch: Double
    /// Loss and norm; nil if nothing was kept.
    public let report: StepReport?
    /// The learning rate.
    public let learningRate: Double
    /// Samples of the batch.
    public let offered: Int
    /// Samples trained on.
    public let kept: Int
    /// The method's own numbers.
    public let metrics: [(name: String, value: Double)]
    /// Wall-clock seconds of the step.
    public let seconds: Double
}

/// How training is to be carried out.
public struct TrainingSchedulePoints: Sendable {
    /// Evaluate every so many steps; 0 for the end alone.
    public let evaluationSteps: Int
    /// Save every so many steps; 0 for the end alone.
    public let saveSteps: Int

    /// When to evaluate and save.
    public init(evaluationSteps: Int, saveSteps: Int) {
        self.evaluationSteps = evaluationSteps
        self.saveSteps = saveSteps
    }
}

/// Where training resumes.
public enum ResumePoint: Sendable, Equatable {
    /// The newest good checkpoint, or the start.
    case automatic
    /// The start.
    case never
    /// That checkpoint.
    case path(String)
}

/// Trains a student on the batches that a method selects.
public final class TrainingLoop<Task: StudentTask, Selector: BatchSelector> {
    /// What the caller provides.
    public struct Hooks {
        /// A sample of the pool with its weight; what only passes need may be left out where it isn't
        /// this rank's to compute.
        public let sample: (_ index: Int, _ weight: Float, _ isOwn: Bool) throws -> Task.Sample
        /// The student's normalised entropies on pool samples, for selectors that ask for them; called
        /// by all ranks together.
        public let uncertainties: (_ samples: [Int]) throws -> [Double]
        /// The accuracy of the current weights; called by all ranks together.
        public let evaluate: (_ step: Int) throws -> Double?
        /// Told what happens.
        public let event: (TrainingEvent) throws -> Void
        /// True when this rank was asked to stop.
        public let isStopRequested: () -> Bool

        /// A set of hooks.
        public init(
            sample:
                @escaping (_ index: Int, _ weight: Float, _ isOwn: Bool) throws -> Task.Sample,
            uncertainties: @escaping (_ samples: [Int]) throws -> [Double] = { samples in
                preconditionFailure("no uncertainties of \(samples.count) samples")
            },
            evaluate: @escaping (_ step: Int) throws -> Double?,
            event: @escaping (TrainingEvent) throws -> Void,
            isStopRequested: @escaping () -> Bool
        ) {
            self.sample = sample
            self.uncertainties = uncertainties
            self.evaluate = evaluate
            self.event = event
            self.isStopRequested = isStopRequested
        }
    }

    /// The method.
    public private(set) var selector: Selector
    /// How far training is.
    public private(set) var progress: TrainingProgress<Selector.State>
    private let trainer: ParallelStudent<Task>
    private let store: CheckpointStore
    private let points: TrainingSchedulePoints
    private let hooks: Hooks
    private let schedule: LearningRateSchedule
    private var order: BatchOrder

    /// A loop at its start.
    public init(
        trainer: ParallelStudent<Task>, order: BatchOrder, selector: Selector,
        store: CheckpointStore, points: TrainingSchedulePoints, fingerprint: String, hooks: Hooks
    ) {
        self.trainer = trainer
        self.order = order
        self.selector = selector
        self.store = store
        self.points = points
        self.hooks = hooks
        schedule = trainer.options.schedule(totalSteps: order.totalSteps)
        progress = TrainingProgress(
            usage: SampleUsage(poolSize: order.poolSize), selector: selector.state,
            fingerprint: fingerprint)
    }

    /// Trains to the end, or until a rank is asked to stop.
    ///
    /// - Parameter resume: Where to go on from.
    /// - Returns: True at the end of training, false when stopped; then a checkpoint was saved.
    public func run(resume: ResumePoint) throws -> Bool {
        var lastSaved = try restore(resume)
        while true {
            let step = progress.step
            let isEnd = step >= order.totalSteps
            let isStopping = try isStopAgreed()
            if step != lastSaved {
                if isEnd || isDue(step, every: points.evaluationSteps) {
                    try trainer.compute.measured("evaluate") { try evaluate() }
                }
                if isEnd || isStopping || isDue(step, every: points.saveSteps) {
                    try save()
                    lastSaved = step
                }
            }
            if isEnd { return true }
            if isStopping { return false }
            try advance()
        }
    }

    private func isDue(_ step: Int, every interval: Int) -> Bool {
        interval > 0 && step > 0 && step % interval == 0
    }

    /// Ranks are asked to stop by signals, at different moments; they agree at the step's edge.
    private func isStopAgreed() throws -> Bool {
        let asked: Int64 = hooks.isStopRequested() ? 1 : 0
        return try trainer.communicator.allReduce([asked], .maximum)[0] != 0
    }

    private func evaluate() throws {
        guard let accuracy = try hooks.evaluate(progress.step) else { return }
        if accuracy > (progress.best?.accuracy ?? -1) {
            progress.best = BestEvaluation(
                step: progress.step, accuracy: accuracy, visits: progress.usage.visits)
        }
    }

    private func advance() throws {
        let start = ContinuousClock.now
        let step = progress.step
        let samples = order.samples(ofStep: step)
        let compute = trainer.compute
        let uncertainty =
            selector.needsUncertainty
            ? try compute.measured("score") { try hooks.uncertainties(samples) } : nil
        let selection = selector.select(
            GlobalBatch(
                step: step, samples: samples,
                firstVisit: UInt64(step) * UInt64(order.batchSize), uncertainty: uncertainty))
        let rate = schedule.rate(at: step)
        let kept = try compute.measured("data") { try batch(samples, selection) }
        let report = kept.isEmpty ? nil : try trainer.train(on: kept, step: step, rate: rate)
        progress.step += 1
        progress.emptyBatches += selection.kept.isEmpty ? 1 : 0
        progress.usage.add(kept: selection.kept.map { samples[$0] }, offered: samples.count)
        try hooks.event(
            .step(
                StepRecord(
                    step: progress.step, totalSteps: order.totalSteps,
                    epoch: Double(progress.step) / Double(order.stepsPerEpoch), report: report,
                    learningRate: rate, offered: samples.count, kept: selection.kept.count,
                    metrics: selection.metrics, seconds: (ContinuousClock.now - start).inSeconds)))
    }

    private func batch(_ samples: [Int], _ selection: BatchSelection) throws -> [Task.Sample] {
        let share = trainer.share(of: selection.kept.count)
        return try selection.kept.enumerated().map { index, place in
            try hooks.sample(
                samples[place], Float(selection.weights[index]), share.contains(index))
        }
    }

    // MARK: - Checkpoints

    private func save() throws {
        let start = ContinuousClock.now
        progress.selector = selector.state
        progress.updates = trainer.updates
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.sortedKeys]
        let state = try encoder.encode(progress)
        try trainer.compute.measured("checkpoint") {
            try trainer.save(to: store, step: progress.step, state: state)
        }
        try hooks.event(
            .saved(step: progress.step, seconds: (ContinuousClock.now - start).inSeconds))
    }

    /// Returns the step that is on disk already, if any.
    private func restore(_ resume: ResumePoint) throws -> Int? {
        let reader: CheckpointReader?
        switch resume {
        case .never: reader = nil
        case .automatic: reader = try store.latest(communicator: trainer.communicator)
        case .path(let path): reader = try store.open(path)
        }
        for skipped in reader?.skipped ?? [] {
            try hooks.event(.skippedCheckpoint(path: skipped.path, reason: skipped.reason))
        }
        guard let reader else { return nil }
        let restored: TrainingProgress<Selector.State>
        do {
            restored = try JSONDecoder().decode(
                TrainingProgress<Selector.State>.self, from: reader.state)
        } catch {
            throw TrainingError(
                .foreignCheckpoint,
                "\(reader.path): not a checkpoint of this method; use another output_dir, or "
                    + "--resume never")
        }
        guard restored.fingerprint == progress.fingerprint else {
            throw TrainingError(
                .foreignCheckpoint,
                "\(reader.path): saved by a run with another recipe or data; use another "
                    + "output_dir, or --resume never to start again")
        }
        progress = restored
        selector.state = restored.selector
        try trainer.restore(from: reader, updates: restored.updates)
        try hooks.event(.resumed(step: restored.step, path: reader.path))
        return restored.step
    }
}

extension Duration {
    /// The duration as a number of seconds.
    public var inSeconds: Double {
        Double(components.seconds) + Double(components.attoseconds) * 1e-18
    }
}
