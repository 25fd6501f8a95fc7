// Adapters against values that peft recorded: scores, the loss, every gradient, ten AdamW steps; against the
// same model with merged weights; and the same bits for any threads, cut into subtrees, and recomputation,
// dropout included.

import Autograd
import Kernels
import Models
import Safetensors
import TensorCore
import TestSupport
import Testing

@Suite(.enabled(if: RecordedLoRA.isThere, "no recorded adapters in ../shared/reference"))
struct LoRATrainingTests {
    private let recorded: RecordedLoRA

    init() throws { recorded = try RecordedLoRA() }

    @Test(arguments: InstructionSet.available)
    func scoresOfMergedWeights(_ set: InstructionSet) throws {
        let decoder = try recorded.model().decoder(
            compute: Compute(threads: 2, instructionSet: set))
        let theirs = try recorded.rows("out.logits")
        let ours = try decoder.scores(recorded.texts)
        #expect(worstDifference(ours, theirs) <= advisedTolerance(theirs))
    }

    @Test(arguments: InstructionSet.available)
    func everyGradient(_ set: InstructionSet) throws {
        let (model, golden) = (try recorded.model(), recorded.golden)
        let arena = Arena()
        let gradients = arena.matrix(1, model.parameters.elementCount)
        gradients.fill(.nan)
        let loss = recorded.loss(model, [gradients], Compute(threads: 2, instructionSet: set))
        #expect(abs(loss - Double(try golden.floats("out.loss")[0])) <= 1e-5)
        let names = golden.names.filter { $0.hasPrefix("grad.") }
        let due = model.parameters.parameters.map(recordedName)
        #expect(Set(names) == Set(due))
        let whole = try norm(names.flatMap { try golden.floats($0).map(Double.init) })
        for (index, parameter) in model.parameters.parameters.enumerated() {
            let theirs = try golden.floats(recordedName(parameter)).map(Double.init)
            let ours = model.parameters.view(index, of: gradients).toArray().map(Double.init)
            let error = norm(zip(ours, theirs).map { $0 - $1 })
            let floor = 1e-7 + Double(Float.ulpOfOne) * whole
            #expect(error <= 1e-4 * norm(theirs) + floor, "\(parameter.name)")
        }
    }

    private func recordedName(_ parameter: Parameter) -> String {
        "grad.\(parameter.name.dropLast(".weight".count)).default.weight"
    }

    @Test func tenSteps() throws {
        let (model, golden) = (try recorded.model(), recorded.golden)
        let (compute, arena) = (Compute(threads: 2), Arena())
        let parameters = model.parameters
        let gradients = arena.zeros(1, parameters.elementCount)
        let (first, second) = (
            arena.zeros(1, parameters.elementCount), arena.zeros(1, parameters.elementCount)
        )
        let losses = try golden.doubles("curve.loss")
        let norms = try golden.doubles("curve.grad_norm")
        for step in 0..<losses.count {
            let loss = recorded.loss(model, [gradients], compute)
            let size = compute.sumOfSquares(gradients).squareRoot()
            #expect(abs(loss - losses[step]) <= 1e-4 * abs(losses[step]), "step \(step)")
            #expect(abs(size - norms[step]) <= 1e-4 * norms[step], "step \(step)")
            compute.adamW(
                parameters: parameters.values, gradients: gradients, firstMoment: first,
                secondMoment: second, step: step + 1, learningRate: 1e-3, weightDecay: 0.01,
                gradientScale: Float(min(1, 1 / (size + 1e-6))))
            parameters.noteChange()
        }
    }

    /// All layers and some, with dropout and without: the gradients of subtrees add up to the same bits
    /// on any number of threads, kept or made again.
    @Test(arguments: [0, 0.3] as [Float], ["all-linear", "down_proj", #".*\.1\..*(q|v|up)_proj"#])
    func theSameBits(dropout: Float, targets: String) throws {
        let model = try recorded.model(
            LoRAOptions(
                rank: 3, alpha: 7, dropout: dropout,
                targets: targets.hasPrefix(".") ? .pattern(targets) : LoRATargets([targets])))
        let plan = DropoutPlan(seed: 11, step: 4)
        let count = model.parameters.elementCount
        let arena = Arena()
        let leaves = recorded.leaves(8)
        let due = arena.zeros(1, count)
        let loss = recorded.loss(
            model, [due], Compute(threads: 1), layout: leaves, dropout: plan)
        let expected = due.toArray()
        let isGradient = expected.allSatisfy(\.isFinite) && expected.contains { $0 != 0 }
        #expect(isGradient)
        for threads in [1, 3] {
            let compute = Compute(threads: threads)
            for recomputes in [false, true] {
                let parts = [arena.matrix(1, count), arena.matrix(1, count)]
                for part in parts { part.fill(.nan) }
                let again = recorded.loss(
                    model, parts, compute, layout: leaves, recomputes: recomputes, dropout: plan)
                #expect(again == loss)
                compute.add(parts[0], parts[1], into: parts[0])
                let same = parts[0].toArray() == expected
                #expect(same, "\(threads) threads, recomputed: \(recomputes)")
            }
        }
        let other = recorded.loss(
            model, [due], Compute(threads: 1), layout: leaves,
            dropout: DropoutPlan(seed: 11, step: 5))
        #expect((other == loss) == (dropout == 0), "another step has another mask")
    }

    /// New adapters change nothing; others give what a model of merged weights gives, in the loss too.
    @Test func againstMergedWeights() throws {
        let folder = try TemporaryFolder()
        let compute = Compute(threads: 2)
        let plain = try DecoderModel(recorded.base)
        let arena = Arena()
        func loss(_ model: some CausalStudent) -> Double {
            recorded.loss(model, [arena.matrix(1, model.parameters.elementCount)], compute)
        }
        let start = try LoRAModel(
            base: recorded.base, options: LoRAOptions(rank: 4), seed: 1)
        #expect(abs(loss(start) - loss(plain)) <= 1e-6 * loss(plain))
        let model = try recorded.model(LoRAOptions(rank: 4, alpha: 4, usesRootScale: true))
        #expect(abs(loss(model) - loss(plain)) > 1e-3)
        try model.export(to: folder.file("merged"))
        let merged = try DecoderModel(DecoderFolder(path: folder.file("merged")))
        #expect(abs(loss(merged) - loss(model)) <= 1e-5 * loss(model))
        let scores = try model.decoder(compute: compute).scores(recorded.texts)
        let again = try merged.decoder(compute: compute).scores(recorded.texts)
        #expect(scores == again, "an export's scores are those of the model in memory")
    }

    /// A base held as bfloat16, and products in bfloat16, stay near.
    @Test func bfloat16() throws {
        let arena = Arena()
        let exact = Double(try recorded.golden.floats("out.loss")[0])
        for precision in Precision.allCases {
            let model = try recorded.model(holdsHalves: true)
            let count = model.parameters.elementCount
            let (kept, again) = (arena.zeros(1, count), arena.zeros(1, count))
            let compute = Compute(threads: 2)
            let loss = recorded.loss(model, [kept], compute, precision: precision)
            #expect(loss != exact)
            #expect(abs(loss - exact) <= 0.05 * exact)
            let recomputed = recorded.loss(
                model, [again], compute, recomputes: true, precision: precision)
            #expect(recomputed == loss)
            let (a, b) = (kept.toArray().map(Double.init), again.toArray().map(Double.init))
            #expect(norm(zip(a, b).map { $0 - $1 }) <= 0.05 * norm(a))
        }
    }
}
