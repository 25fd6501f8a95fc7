// What only DeBERTa's `config.json` has. Of the forms of disentangled attention that the file can ask for,
// those of the published v2 and v3 models are supported: both terms, keys shared.
// Reference: transformers, models/deberta_v2.

import Autograd
import Foundation

extension EncoderConfiguration {
    /// Takes what is DeBERTa's own and refuses what isn't done.
    mutating func readDeberta(_ json: JSONFields) throws(ModelError) {
        func refuse(_ key: String, _ reason: String) -> ModelError {
            ModelError(.unsupported, "\(json.path): \(key) \(reason)")
        }
        guard try json.flag("relative_attention", default: false) else {
            throw refuse("relative_attention", "is not set; DeBERTa without it is not supported")
        }
        guard try json.flag("share_att_key", default: false) else {
            throw refuse(
                "share_att_key", "is not set; position keys of their own are not supported")
        }
        let terms = try positionTerms(json)
        guard terms == ["c2p", "p2c"] else {
            throw refuse("pos_att_type", "'\(terms.joined(separator: "|"))' is not 'p2c|c2p'")
        }
        if try json.number("conv_kernel_size") ?? 0 > 0 {
            throw refuse("conv_kernel_size", "is set; a convolution is not supported")
        }
        for key in ["embedding_size", "pooler_hidden_size"] {
            if let width = try json.number(key), width != Double(hiddenSize) {
                throw refuse(key, "is not hidden_size \(hiddenSize)")
            }
        }
        if let width = try json.number("attention_head_size"),
            width != Double(hiddenSize / headCount)
        {
            throw refuse("attention_head_size", "is not hidden_size / num_attention_heads")
        }
        poolerFunction = try json.choice("pooler_hidden_act") ?? .gelu
        poolerDropout = try json.probability("pooler_dropout") ?? 0
        classifierDropout = try json.probability("cls_dropout") ?? hiddenDropout
        let norms = (try json.string("norm_rel_ebd") ?? "none").lowercased().split(separator: "|")
        relative = Relative(
            buckets: try buckets(json),
            normalises: norms.contains { $0.trimmingCharacters(in: .whitespaces) == "layer_norm" })
        // The table of absolute positions is there for models that add them to their input.
        if try !json.flag("position_biased_input", default: true) { positionCount = 0 }
    }

    private func buckets(_ json: JSONFields) throws(ModelError) -> RelativeBuckets {
        let given = try json.number("max_relative_positions") ?? -1
        let farthest = given >= 1 ? Int(given) : maximumLength
        let wanted = try json.number("position_buckets") ?? -1
        let count = wanted >= 1 ? Int(wanted) : 0
        guard count != 1, farthest > count / 2 + 1 else {
            throw ModelError(
                .malformed,
                "\(json.path): position_buckets \(count) of distances to \(farthest)")
        }
        return RelativeBuckets(count: count, maximumDistance: farthest)
    }

    /// `pos_att_type`, a text or a list of texts, in the order of the alphabet.
    private func positionTerms(_ json: JSONFields) throws(ModelError) -> [String] {
        let value = json.members["pos_att_type"]
        let parts =
            (value as? [String]) ?? (value as? String)?.split(separator: "|").map(String.init)
        guard let parts else {
            throw ModelError(.malformed, "\(json.path): 'pos_att_type' is not a list of texts")
        }
        return Set(parts.map { $0.trimmingCharacters(in: .whitespaces).lowercased() }).sorted()
    }
}
