// Linear layers, alone and with the function of elements that follows.
//
// The product's rows pass through the activation while they are in the cache. Of the two results only
// the argument is kept if the model discards the value: the backward pass makes it again, which costs
// less than its memory traffic.
//
// Shape legend: R rows of the batch, D and E widths.

import TensorCore

extension Tape {
    /// `x W^T + b`: `R x D` by `E x D` gives `R x E`.
    public func linear(_ x: Variable, weight: Variable, bias: Variable?) -> Variable {
        linear(x, .trained(weight: weight, bias: bias))
    }

    /// The same of any linear layer.
    public func linear(_ x: Variable, _ layer: LinearLayer) -> Variable {
        let output = fresh(rows: x.value.rows, columns: layer.width)
        let weights = compute.measured("linear") { multiply(x, layer, into: output) }
        return record(.linear(x: x, weights), output, axis: x.axis)
    }

    /// `f(x W^T + b)`: `R x D` by `E x D` gives `R x E`.
    public func linear(
        _ x: Variable, weight: Variable, bias: Variable?, activation: Activation
    ) -> Variable {
        linear(x, .trained(weight: weight, bias: bias), activation: activation)
    }

    /// The same of any linear layer.
    public func linear(
        _ x: Variable, _ layer: LinearLayer, activation: Activation
    ) -> Variable {
        let argument = fresh(rows: x.value.rows, columns: layer.width)
        let output =
            isRecording ? fresh(rows: argument.rows, columns: argument.columns) : argument
        let serial = compute.serial
        let weights = compute.measured("linear + activation") {
            multiply(x, layer, into: argument) { block in
                let (from, to) = (argument.rows(block).asRow, output.rows(block).asRow)
                switch activation {
                case .gelu: serial.gelu(from, into: to)
                case .relu: serial.relu(from, into: to)
                }
            }
        }
        return record(
            .activatedLinear(x: x, weights, activation, argument: keep(argument)), output,
            axis: x.axis)
    }

    /// The product of a layer, then a body over all rows; gives what the backward pass needs.
    func multiply(
        _ x: Variable, _ layer: LinearLayer, into output: Matrix,
        epilogue: ((_ rows: Range<Int>) -> Void)? = nil
    ) -> LinearWeights {
        switch layer {
        case .trained(let weight, let bias):
            multiply(x.value, weight, bias, into: output, epilogue: epilogue)
            return .trained(weight: weight, bias: bias)
        case .frozen(let frozen, let update):
            // The update comes first, for the product can be added to it and then still end with a
            // body over rows that are in the cache.
            let context = update.map { begin($0, x, bias: frozen.bias, into: output) }
            compute.gemm(
                x.value, stored: frozen.weight, into: output, accumulate: context != nil,
                bias: context == nil ? frozen.bias : nil, precision: precision, epilogue: epilogue)
            return .frozen(frozen, context)
        }
    }

    /// The product with a weight, through its packed panels if it is one of the model's, then a body
    /// over all rows.
    func multiply(
        _ x: Matrix, _ weight: Variable, _ bias: Variable?, into output: Matrix,
        epilogue: ((_ rows: Range<Int>) -> Void)? = nil
    ) {
        let packed = weights(weight).map {
            memory.panels.transposed($0, of: parameters, compute, precision)
        }
        switch (packed, epilogue) {
        case (let packed?, let epilogue?):
            compute.gemm(x, packed, into: output, bias: bias?.value, epilogue: epilogue)
        case (let packed?, nil):
            compute.gemm(x, packed, into: output, bias: bias?.value)
        case (nil, _):
            compute.gemm(
                x, transposed: false, weight.value, transposed: true, into: output,
                bias: bias?.value, precision: precision)
            epilogue?(0..<output.rows)
        }
    }

    /// dx = dy W, dW = dy^T x, db = the sum of dy's rows; of a frozen weight dx alone.
    func differentiateLinear(_ x: Variable, _ linear: LinearWeights, _ dy: Matrix) {
        switch linear {
        case .trained(let weight, let bias):
            accumulate(into: x) { dx, adding in
                compute.measured("input gradient") {
                    compute.gemm(
                        dy, weight.value, into: dx, accumulate: adding, precision: precision)
                }
            }
            compute.measured("weight gradient") {
                if let stash = stash(of: x) {
                    foldProduct(of: weight, axis: x.axis, dy) { stash.rows($0) }
                } else {
                    let input = value(of: x)
                    foldProduct(of: weight, axis: x.axis, dy) { input.rows($0) }
                }
            }
            if let bias {
                compute.measured("bias gradient") {
                    foldLeaves(of: bias, axis: x.axis) { rows, dBias in
                        compute.columnSum(dy.rows(rows), into: dBias)
                    }
                }
            }
        case .frozen(let frozen, let context):
            accumulate(into: x) { dx, adding in
                compute.measured("input gradient") {
                    compute.gemm(
                        dy, stored: frozen.weight, transposed: true, into: dx, accumulate: adding,
                        precision: precision)
                }
            }
            if let context {
                compute.measured("low rank") { differentiate(context, x, dy) }
            }
        }
    }

    /// Sums dy^T x over the leaves; `input` gives rows of x.
    func foldProduct(
        of weight: Variable, axis: RowAxis, _ dy: Matrix,
        _ input: (_ rows: Range<Int>) -> some ProductOperand
    ) {
        foldLeaves(
            of: weight, axis: axis,
            addsExactly: { compute.addsInOneRun($0, precision: precision) }
        ) { rows, dWeight, adding in
            compute.gemm(
                dy.rows(rows), transposed: true, input(rows), into: dWeight, accumulate: adding,
                precision: precision)
        }
    }

    /// As `differentiateLinear`, through the activation; `dy` is overwritten.
    func differentiateActivatedLinear(
        _ x: Variable, _ linear: LinearWeights, _ activation: Activation, argument: Kept,
        _ dy: Matrix
    ) {
        withKept(argument) { argument in
            compute.measured("activation") {
                switch activation {
                case .gelu: compute.geluBackward(argument, dy, into: dy)
                case .relu: compute.reluBackward(argument, dy, into: dy)
                }
            }
        }
        differentiateLinear(x, linear, dy)
    }

    /// Makes a discarded value again.
    func remake(_ activation: Activation, _ argument: Kept) -> Matrix {
        withKept(argument) { argument in
            let again = fresh(rows: argument.rows, columns: argument.columns)
            compute.measured("activation again") {
                switch activation {
                case .gelu: compute.gelu(argument, into: again)
                case .relu: compute.relu(argument, into: again)
                }
            }
            return again
        }
    }
}

extension Matrix {
    /// All elements of a matrix without gaps as one row.
    var asRow: Matrix { reshaped(rows: 1, columns: count) }
}
