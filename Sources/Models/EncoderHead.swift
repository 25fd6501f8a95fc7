// The head of an encoder: the first token's row through a dense layer and a function, then the scores.
//
// All families and tasks have this form; they differ in names, in the function, and in where dropout is:
//
//     pooled = f(dropout(x[first]) W^T + b)        scores = dropout(pooled) V^T + c
//
// Shape legend: S sequences, D width, C scores of a sequence.
// Reference: transformers, `BertPooler`, `RobertaClassificationHead`, DeBERTa-v2's `ContextPooler`.

import Autograd

/// A head's weights by place, as indices into the parameter set.
struct EncoderHead {
    /// What a head's parts are called, and how it drops out.
    struct Form {
        /// The dense layer; nil where token rows are averaged instead.
        let dense: String?
        /// The layer that gives the scores.
        let output: String
        let outputs: Int
        let function: EncoderConfiguration.PoolerFunction
        /// Dropout before the dense layer and before the scores.
        let dropouts: (dense: Float, output: Float)
    }

    private let form: Form
    private let dense: Encoder.Linear?
    private let output: Encoder.Linear

    /// The names of a family's head for a task.
    static func form(_ configuration: EncoderConfiguration, _ task: EncoderTask) -> Form {
        let before = configuration.classifierDropout
        func form(
            _ dense: String?, dropouts: (Float, Float), output: String = "classifier"
        ) -> Form {
            Form(
                dense: dense, output: output, outputs: task.outputs,
                function: configuration.poolerFunction, dropouts: dropouts)
        }
        switch (configuration.family, task) {
        case (.bert, .classification):
            return form(
                configuration.pooling == .pooler ? "bert.pooler.dense" : nil, dropouts: (0, before))
        case (.bert, .multipleChoice):
            return form("bert.pooler.dense", dropouts: (0, before))
        case (.roberta, .classification):
            return form(
                "classifier.dense", dropouts: (before, before), output: "classifier.out_proj")
        case (.roberta, .multipleChoice):
            return form("roberta.pooler.dense", dropouts: (0, configuration.hiddenDropout))
        case (.deberta, _):
            return form("pooler.dense", dropouts: (configuration.poolerDropout, before))
        }
    }

    /// The names and shapes of a head's weights, in the order of the flat buffer.
    static func layout(_ form: Form, width: Int) -> [(name: String, shape: [Int])] {
        let dense = form.dense.map { [("\($0).weight", [width, width]), ("\($0).bias", [width])] }
        return (dense ?? []).map { (name: $0.0, shape: $0.1) } + [
            ("\(form.output).weight", [form.outputs, width]),
            ("\(form.output).bias", [form.outputs]),
        ]
    }

    /// Finds the head's weights in a parameter set laid out with `layout(_:width:)`.
    init(_ form: Form, in parameters: ParameterSet) {
        let find = NamedWeights(parameters: parameters, prefix: "")
        self.form = form
        dense = form.dense.map { find.linear($0) }
        output = find.linear(form.output)
    }

    /// The scores of each sequence, `S x C`, from the last token rows.
    ///
    /// - Parameter site: The first of two dropout sites that nothing else uses.
    func scores(_ last: Variable, _ tape: Tape, _ dropout: DropoutPlan?, site: Int) -> Variable {
        var pooled: Variable
        if let dense {
            let first = tape.dropout(
                tape.firstToken(last), dropout?.site(site + 1, form.dropouts.dense))
            pooled = tape.linear(first, dense)
            switch form.function {
            case .tanh: pooled = tape.tanh(pooled)
            case .gelu: pooled = tape.gelu(pooled)
            case .relu: pooled = tape.relu(pooled)
            }
        } else {
            pooled = tape.meanPool(last)
        }
        return tape.linear(
            tape.dropout(pooled, dropout?.site(site, form.dropouts.output)), output)
    }
}
