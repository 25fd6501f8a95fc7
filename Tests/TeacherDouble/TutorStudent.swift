// A small untrained decoder for the tutor's problems or the instructor's tasks: Llama's form, with a byte-level
// BPE in Qwen's manner (a digit is a token) whose merges make one token of each word that is said.

import Foundation

/// Writes the decoder's folder.
struct TutorStudent {
    let width: Int
    let layers: Int
    let seed: UInt64
    /// What it is to read and write, as far as words go.
    var sentences = TutorStudent.tutorSentences

    private static let headWidth = 32
    private static let end = "<|endoftext|>"

    func write(to folder: String) throws {
        try FileManager.default.createDirectory(
            atPath: folder, withIntermediateDirectories: true)
        let (vocabulary, merges) = vocabulary()
        try write(tokenizer(vocabulary, merges), "\(folder)/tokenizer.json")
        try write(
            ["eos_token": Self.end, "pad_token": Self.end, "model_max_length": 512],
            "\(folder)/tokenizer_config.json")
        try write(configuration(vocabulary.count + 1), "\(folder)/config.json")
        try weights(vocabulary.count + 1).write(
            to: URL(fileURLWithPath: "\(folder)/model.safetensors"))
    }

    private func write(_ object: [String: Any], _ path: String) throws {
        try JSONSerialization.data(
            withJSONObject: object, options: [.sortedKeys, .prettyPrinted]
        ).write(to: URL(fileURLWithPath: path))
    }

    // MARK: - Tokenizer

    /// All that the tutor's problems and prompts say.
    static var tutorSentences: [String] {
        var sentences = [
            TutorFrame.have, TutorFrame.rows, TutorFrame.times, TutorFrame.share,
            TutorFrame.askAll, TutorFrame.askOne, "What is then", "Question Answer",
        ]
        for frame in TutorFrame.all {
            sentences += [frame.gain, frame.loss] + frame.things + frame.boxes
        }
        return sentences + TutorFrame.people.flatMap { [$0.name, $0.pronoun] }
    }

    /// The words of the sentences.
    private var words: [String] {
        var words: [String] = []
        for sentence in sentences {
            for word in sentence.split(whereSeparator: { !$0.isLetter }).map(String.init)
            where !words.contains(word) {
                words.append(word)
            }
        }
        return words
    }

    /// The 256 bytes as byte-level BPE writes them, then what merges make.
    private func vocabulary() -> (vocabulary: [String], merges: [[String]]) {
        var tokens = Self.letters
        var merges: [[String]] = []
        // From its front a word grows letter by letter; no other word's merges touch its middle, for they
        // all begin with a space or a capital.
        let forms = words.flatMap { word in
            word.first?.isUppercase == true ? [word, "Ġ" + word] : ["Ġ" + word]
        }
        for form in forms + ["Ġ+", "Ġ-", "Ġ*", "Ġ/", "Ġ=", "####", "Ġ####"] {
            let pieces = form.map(String.init)
            var whole = pieces[0]
            for piece in pieces.dropFirst() {
                if !tokens.contains(whole + piece) {
                    merges.append([whole, piece])
                    tokens.append(whole + piece)
                }
                whole += piece
            }
        }
        return (tokens, merges)
    }

    /// GPT-2's letters for bytes.
    private static let letters: [String] = {
        var next: UInt32 = 256
        return (UInt32(0)..<256).map { byte in
            let isShown =
                (0x21...0x7e).contains(byte) || (0xa1...0xac).contains(byte) || byte >= 0xae
            if !isShown { next += 1 }
            let scalar = Unicode.Scalar(isShown ? byte : next - 1)
            return scalar.map { String(Character($0)) } ?? ""
        }
    }()

    private func tokenizer(_ vocabulary: [String], _ merges: [[String]]) -> [String: Any] {
        let pattern =
            #"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}|"#
            + #" ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+"#
        let byteLevel: [String: Any] = [
            "type": "ByteLevel", "add_prefix_space": false, "trim_offsets": false,
            "use_regex": false,
        ]
        return [
            "version": "1.0", "truncation": NSNull(), "padding": NSNull(),
            "normalizer": NSNull(), "post_processor": byteLevel, "decoder": byteLevel,
            "added_tokens": [
                [
                    "id": vocabulary.count, "content": Self.end, "single_word": false,
                    "lstrip": false, "rstrip": false, "normalized": false, "special": true,
                ] as [String: Any]
            ],
            "pre_tokenizer": [
                "type": "Sequence",
                "pretokenizers": [
                    [
                        "type": "Split", "pattern": ["Regex": pattern], "behavior": "Isolated",
                        "invert": false,
                    ] as [String: Any], byteLevel,
                ],
            ] as [String: Any],
            "model": [
                "type": "BPE", "dropout": NSNull(), "unk_token": NSNull(),
                "continuing_subword_prefix": NSNull(), "end_of_word_suffix": NSNull(),
                "fuse_unk": false, "byte_fallback": false, "ignore_merges": false,
                "vocab": Dictionary(
                    uniqueKeysWithValues: vocabulary.enumerated().map { ($1, $0) }),
                "merges": merges,
            ] as [String: Any],
        ]
    }

    // MARK: - Model

    private func configuration(_ vocabularySize: Int) -> [String: Any] {
        [
            "architectures": ["LlamaForCausalLM"], "model_type": "llama",
            "vocab_size": vocabularySize, "hidden_size": width, "intermediate_size": 3 * width,
            "num_hidden_layers": layers, "num_attention_heads": width / Self.headWidth,
            "num_key_value_heads": width / Self.headWidth, "hidden_act": "silu",
            "max_position_embeddings": 512, "rms_norm_eps": 1e-5, "rope_theta": 10_000.0,
            "tie_word_embeddings": true, "initializer_range": 0.02,
            "eos_token_id": vocabularySize - 1, "pad_token_id": vocabularySize - 1,
            "torch_dtype": "float32",
        ]
    }

    /// A safetensors file: normal numbers, and ones for the norms.
    private func weights(_ vocabularySize: Int) throws -> Data {
        var tensors: [(name: String, shape: [Int])] = [
            ("model.embed_tokens.weight", [vocabularySize, width])
        ]
        for layer in 0..<layers {
            let prefix = "model.layers.\(layer)."
            tensors += [
                ("\(prefix)input_layernorm.weight", [width]),
                ("\(prefix)post_attention_layernorm.weight", [width]),
                ("\(prefix)mlp.gate_proj.weight", [3 * width, width]),
                ("\(prefix)mlp.up_proj.weight", [3 * width, width]),
                ("\(prefix)mlp.down_proj.weight", [width, 3 * width]),
            ]
            tensors += ["q", "k", "v", "o"].map {
                ("\(prefix)self_attn.\($0)_proj.weight", [width, width])
            }
        }
        tensors.append(("model.norm.weight", [width]))
        var header: [String: Any] = [:]
        var data = Data()
        for (number, tensor) in tensors.enumerated() {
            let count = tensor.shape.reduce(1, *)
            let start = data.count
            var draws = TutorDraws(Hash.mix(seed, UInt64(number)))
            for _ in 0..<count {
                let value = tensor.shape.count == 1 ? 1 : Self.normal(&draws) * 0.02
                withUnsafeBytes(of: Float(value).bitPattern.littleEndian) {
                    data.append(contentsOf: $0)
                }
            }
            header[tensor.name] =
                [
                    "dtype": "F32", "shape": tensor.shape, "data_offsets": [start, data.count],
                ] as [String: Any]
        }
        var json = try JSONSerialization.data(withJSONObject: header, options: .sortedKeys)
        while json.count % 8 != 0 { json.append(UInt8(ascii: " ")) }
        var file = Data()
        withUnsafeBytes(of: UInt64(json.count).littleEndian) { file.append(contentsOf: $0) }
        return file + json + data
    }

    /// Box and Muller's transform.
    private static func normal(_ draws: inout TutorDraws) -> Double {
        let radius = (-2 * log(1 - draws.unit())).squareRoot()
        return radius * cos(2 * Double.pi * draws.unit())
    }
}
