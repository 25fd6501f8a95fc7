// A tiny BERT rewritten as an encoder of another family: the same weights under that family's names, and
// what the family has of its own.

extension TinyBert {
    /// As a RoBERTa: positions are counted from the number after that of padding.
    public func roberta(padding: Int = 0) -> TinyBert {
        var model = self
        model.configuration["model_type"] = "roberta"
        model.configuration["pad_token_id"] = padding
        model.configuration["type_vocab_size"] = 1
        model.rename { $0.replacing("bert.", with: "roberta.") }
        model.rename { $0.replacing("roberta.pooler.dense", with: "classifier.dense") }
        model.rename { name in
            guard name.hasPrefix("classifier."), !name.contains("dense") else { return name }
            return name.replacing("classifier.", with: "classifier.out_proj.")
        }
        for index in model.tensors.indices
        where model.tensors[index].name.contains("token_type_embeddings") {
            let width = model.tensors[index].shape[1]
            model.tensors[index].shape = [1, width]
            model.tensors[index].values = Array(model.tensors[index].values.prefix(width))
        }
        return model
    }

    /// As a DeBERTa-v3 of so many buckets of distances on each side.
    public func deberta(buckets: Int = 4) -> TinyBert {
        var model = self
        let width = model.tensors[0].shape[1]
        var numbers = SampleNumbers(seed: 77)
        model.configuration["model_type"] = "deberta-v2"
        model.configuration["type_vocab_size"] = 0
        model.configuration["relative_attention"] = true
        model.configuration["share_att_key"] = true
        model.configuration["position_biased_input"] = false
        model.configuration["position_buckets"] = buckets
        model.configuration["max_relative_positions"] = -1
        model.configuration["norm_rel_ebd"] = "layer_norm"
        model.configuration["pos_att_type"] = "p2c|c2p"
        model.configuration["layer_norm_eps"] = 1e-7
        model.tensors.removeAll {
            $0.name.contains("position_embeddings") || $0.name.contains("token_type_embeddings")
        }
        model.rename { $0.replacing("bert.pooler.dense", with: "pooler.dense") }
        model.rename { $0.replacing("bert.", with: "deberta.") }
        for part in ["query", "key", "value"] {
            model.rename { $0.replacing("self.\(part).", with: "self.\(part)_proj.") }
        }
        func add(_ name: String, _ shape: [Int], around center: Float) {
            model.tensors.append(
                (
                    "deberta.encoder.\(name)", shape,
                    numbers.floats(shape.reduce(1, *), scale: 0.3, around: center)
                ))
        }
        add("rel_embeddings.weight", [2 * buckets, width], around: 0)
        add("LayerNorm.weight", [width], around: 1)
        add("LayerNorm.bias", [width], around: 0)
        return model
    }

    private mutating func rename(_ change: (String) -> String) {
        for index in tensors.indices { tensors[index].name = change(tensors[index].name) }
    }
}
