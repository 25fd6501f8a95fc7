// The tape: runs operations forward, records them, and walks them backward.
//
// One tape serves one pass over one packed batch. Activations come from the step's arena and are
// gone when it is reset; gradients of activations are recycled as soon as the operation that made
// the activation has been differentiated, so their memory is that of the widest few.
//
// Not here: what a gradient is (GradientRules.swift), how a weight's gradient is summed over the
// batch (LeafFold.swift), what a loss is (the caller starts the backward pass with the gradient of
// the logits).

public import TensorCore

/// The memory of passes, kept from step to step: after the first steps nothing is allocated.
public final class TapeMemory {
    let arena = Arena()
    let scratch = ScratchPool()
    let panels = WeightPanels()

    /// Memory for one tape at a time.
    public init() {}

    /// Takes back everything that the last tape handed out.
    public func reset() { arena.reset() }

    /// A matrix that lives until the next reset.
    public func matrix(_ rows: Int, _ columns: Int) -> Matrix { arena.matrix(rows, columns) }

    /// Bytes taken from the system so far.
    public var allocatedBytes: Int { arena.allocatedBytes }
}

/// Records operations on one packed batch and differentiates them.
public final class Tape {
    /// Where the arithmetic runs.
    public let compute: Compute
    /// How the rows of the batch lie.
    public let layout: BatchLayout
    let parameters: ParameterSet
    let memory: TapeMemory
    var arena: Arena { memory.arena }
    /// The precision of products; what is kept for the backward pass takes it too.
    public let precision: Precision
    /// Where weight gradients go; nil when nothing is recorded.
    let sink: GradientSink?

    private(set) var nodes: [Node] = []
    private var gradients: [Matrix?] = []
    /// Whether anything behind a variable is trained.
    private var isTrained: [Bool] = []
    private var recycled: [Int: [Matrix]] = [:]
    private var variableCount = 0
    private var parameterVariables: [Range<Int>: Variable] = [:]
    private var weightIndices: [Int: Range<Int>] = [:]
    /// Values that the model has no more use for, by their place on the tape.
    var discarded: [Int: Discarded] = [:]
    var differentiatedParameters: Set<Int> = []
    /// Output layers that are token tables as well.
    var tiedHeads: [Range<Int>: TiedHead] = [:]
    /// The buckets of relative positions, once their embeddings have been read.
    var relative: RelativePositions?
    /// The gradient of the input of a part that is recomputed.
    var inputGradient: Matrix?

    /// A tape over one packed batch.
    ///
    /// - Parameters:
    ///   - compute: The rank's compute context.
    ///   - memory: Memory of the pass; the caller resets it between passes.
    ///   - parameters: The model's weights.
    ///   - layout: The packed batch.
    ///   - precision: In what precision products take their operands.
    ///   - sink: Where weight gradients go; nil for inference, which records nothing.
    public init(
        compute: Compute, memory: TapeMemory, parameters: ParameterSet, layout: BatchLayout,
        precision: Precision = .float32, sink: GradientSink? = nil
    ) {
        self.compute = compute
        self.memory = memory
        self.parameters = parameters
        self.layout = layout
        self.precision = precision
        self.sink = sink
    }

    /// Whether dropout happens although nothing is recorded: in the first run of a part that is recomputed.
    var drops = false

    /// True when operations are recorded, so that `backward` can be called.
    public var isRecording: Bool { sink != nil }

    /// The weight of that index as a variable.
    public func parameter(_ index: Int) -> Variable { parameters(index..<index + 1) }

    /// Neighbouring weights that are joined, as one variable (see `ParameterSet.view(_:of:)`).
    public func parameters(_ indices: Range<Int>) -> Variable {
        if let known = parameterVariables[indices] { return known }
        let variable = record(
            .parameter(indices), parameters.view(indices, of: parameters.values),
            axis: .sequences)
        parameterVariables[indices] = variable
        weightIndices[variable.index] = indices
        return variable
    }

    /// A value that needs no gradient.
    public func constant(_ value: Matrix, axis: RowAxis) -> Variable {
        record(.constant, value, axis: axis)
    }

    /// A value that needs no gradient, written into memory of the tape's own.
    public func constant(
        rows: Int, columns: Int, axis: RowAxis, _ fill: (Matrix) throws -> Void
    ) rethrows -> Variable {
        let value = fresh(rows: rows, columns: columns)
        try fill(value)
        return constant(value, axis: axis)
    }

    func record(_ operation: Operation, _ value: Matrix, axis: RowAxis) -> Variable {
        let variable = Variable(index: variableCount, value: value, axis: axis)
        variableCount += 1
        if isRecording {
            nodes.append(Node(operation: operation, output: variable))
            gradients.append(nil)
            isTrained.append(operation.isTrained(isTrained))
        }
        return variable
    }

    /// The indices of weights in the parameter set, if the variable stands for some.
    func weights(_ variable: Variable) -> Range<Int>? { weightIndices[variable.index] }

    // MARK: - Backward

    /// Differentiates everything recorded, starting with the loss's gradient by `root`.
    ///
    /// - Parameters:
    ///   - root: The variable whose gradient is given, as a rule the logits.
    ///   - gradient: The gradient of the loss by `root`, of the same shape; it is only read.
    public func backward(from root: Variable, gradient: Matrix) {
        walk(from: root, gradient: gradient)
        zeroUntouchedParameters()
    }

    /// The same without a word on weights that took no part.
    func walk(from root: Variable, gradient: Matrix) {
        precondition(isRecording, "backward on a tape that records nothing")
        precondition(
            gradient.rows == root.value.rows && gradient.columns == root.value.columns,
            "gradient \(gradient.rows)x\(gradient.columns) of a "
                + "\(root.value.rows)x\(root.value.columns) value")
        // A copy, for gradients are reused as scratch memory and the caller's must stay as it is.
        let start = fresh(rows: gradient.rows, columns: gradient.columns)
        start.copy(from: gradient)
        gradients[root.index] = start
        for node in nodes.reversed() {
            guard let outputGradient = gradients[node.output.index] else { continue }
            aliased = nil
            compute.measured(node.operation.name) { differentiate(node, outputGradient) }
            gradients[node.output.index] = nil
            if !isAliased(outputGradient) { recycle(outputGradient) }
            forget(node.output)
        }
    }

    /// Adds a contribution to the gradient of `variable`.
    ///
    /// - Parameters:
    ///   - variable: The variable.
    ///   - alwaysRuns: True for a contribution that has other gradients to compute as well, and so
    ///     must run, into memory that is thrown away, for a variable that needs no gradient.
    ///   - contribution: Writes the contribution into the matrix, or adds to it when the flag says.
    func accumulate(
        into variable: Variable, alwaysRuns: Bool = false,
        _ contribution: (_ into: Matrix, _ adding: Bool) -> Void
    ) {
        guard needsGradient(variable) else {
            guard alwaysRuns else { return }
            let unused = fresh(rows: variable.value.rows, columns: variable.value.columns)
            contribution(unused, false)
            return recycle(unused)
        }
        if let gradient = gradients[variable.index] {
            contribution(gradient, true)
        } else {
            let gradient = fresh(rows: variable.value.rows, columns: variable.value.columns)
            contribution(gradient, false)
            gradients[variable.index] = gradient
        }
    }

    /// As `accumulate(into:_:)` for contributions that can only be written, not added.
    func accumulate(into variable: Variable, writing contribution: (_ into: Matrix) -> Void) {
        accumulate(into: variable) { gradient, adding in
            guard adding else { return contribution(gradient) }
            let extra = fresh(rows: gradient.rows, columns: gradient.columns)
            contribution(extra)
            compute.add(gradient, extra, into: gradient)
            recycle(extra)
        }
    }

    /// Hands the gradient of an output on to `variable` unchanged.
    ///
    /// The first taker gets the buffer itself: the output's gradient is dead after its own rule.
    func forward(_ outputGradient: Matrix, to variable: Variable, mayAlias: Bool) {
        guard needsGradient(variable) else { return }
        if let gradient = gradients[variable.index] {
            compute.add(gradient, outputGradient, into: gradient)
        } else if mayAlias && !isAliased(outputGradient) {
            gradients[variable.index] = outputGradient
            aliased = outputGradient
        } else {
            let gradient = fresh(rows: outputGradient.rows, columns: outputGradient.columns)
            gradient.copy(from: outputGradient)
            gradients[variable.index] = gradient
        }
    }

    /// Makes a matrix of the tape's own the gradient of `variable`, or adds it to that.
    func give(_ gradient: Matrix, to variable: Variable) {
        if needsGradient(variable), gradients[variable.index] == nil {
            gradients[variable.index] = gradient
        } else {
            accumulate(into: variable) { sum, _ in compute.add(sum, gradient, into: sum) }
            recycle(gradient)
        }
    }

    /// The output gradient that lives on as the gradient of an input of the current node.
    private var aliased: Matrix?

    private func isAliased(_ gradient: Matrix) -> Bool {
        guard let aliased else { return false }
        return unsafe aliased.base == gradient.base
    }

    func needsGradient(_ variable: Variable) -> Bool { isTrained[variable.index] }

    /// A matrix of the tape's own, uninitialised.
    func fresh(rows: Int, columns: Int) -> Matrix {
        if let matrix = recycled[rows * columns]?.popLast() {
            return matrix.reshaped(rows: rows, columns: columns)
        }
        return arena.matrix(rows, columns)
    }

    func recycle(_ matrix: Matrix) {
        recycled[matrix.rows * matrix.columns, default: []].append(matrix)
    }
}
