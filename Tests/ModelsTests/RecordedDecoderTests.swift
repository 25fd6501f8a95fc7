// Decoders against recorded PyTorch values: scores and every hidden state, on every instruction set; and
// the house's promise: a token's bits depend on its sequence alone.

import Kernels
import Safetensors
import TensorCore
import TestSupport
import Testing

@testable import Models

@Suite(.enabled(if: !RecordedDecoder.names.isEmpty, "no recorded decoders in ../shared/reference"))
struct RecordedDecoderTests {
    @Test(arguments: RecordedDecoder.names, InstructionSet.available)
    func logits(_ name: String, set: InstructionSet) throws {
        let recorded = try RecordedDecoder(name)
        let decoder = try Decoder(
            recorded.folder, compute: Compute(threads: 2, instructionSet: set))
        let theirs = try recorded.rows("out.logits")
        #expect(
            worstDifference(try decoder.scores(recorded.texts), theirs) <= advisedTolerance(theirs))
    }

    @Test(arguments: RecordedDecoder.names)
    func hiddenStates(_ name: String) throws {
        let recorded = try RecordedDecoder(name)
        let decoder = try Decoder(recorded.folder, compute: Compute(threads: 2))
        var states: [[[Float]]] = []
        decoder.observer = { index, rows in
            #expect(index == states.count)
            states.append((0..<rows.rows).map { rows.row($0).toArray() })
        }
        _ = try decoder.scores(recorded.texts)
        #expect(states.count == recorded.folder.configuration.layerCount + 1)
        for (index, ours) in states.enumerated() {
            let theirs = try recorded.rows("out.hidden.\(index)")
            #expect(
                worstDifference(ours, theirs) <= advisedTolerance(theirs), "after layer \(index)")
        }
    }

    /// Alone or in a batch, at once or token by token, on one thread or three: the same bits.
    @Test(arguments: RecordedDecoder.names, InstructionSet.available)
    func bitsDependOnTheSequenceAlone(_ name: String, set: InstructionSet) throws {
        let recorded = try RecordedDecoder(name)
        let decoder = try Decoder(
            recorded.folder, compute: Compute(threads: 1, instructionSet: set))
        let together = try decoder.scores(recorded.texts)
        let alone = try recorded.texts.flatMap { try decoder.scores([$0]) }
        #expect(together == alone)
        let threaded = try Decoder(
            recorded.folder, compute: Compute(threads: 3, instructionSet: set))
        #expect(try threaded.scores(recorded.texts.reversed()).count == together.count)
        #expect(try threaded.scores(recorded.texts) == together)
        var stepped: [[Float]] = []
        for text in recorded.texts {
            let sequence = decoder.makeSequence()
            for token in text {
                let state = try decoder.read([DecoderInput(sequence, [token])])
                stepped.append(decoder.logits(state).toArray())
            }
        }
        #expect(stepped == together)
    }

    /// Longer than a page and than a pass: cut anywhere, forked and taken back, the same bits.
    @Test(arguments: RecordedDecoder.names)
    func longTextsInPieces(_ name: String) throws {
        let recorded = try RecordedDecoder(name)
        var configuration = recorded.folder.configuration
        configuration.maximumLength = 4096
        let folder = recorded.folder.with(configuration)
        let decoder = try Decoder(folder, compute: Compute(threads: 2))
        let text = (0..<1400).map { (index: Int) -> Int32 in
            Int32((index * 37 + index / 11) % 120 + 3)
        }
        let whole = try decoder.scores([text])
        for cuts in [[1, 127, 128, 129], [256], [1023, 1025], [700, 1399]] {
            let sequence = decoder.makeSequence()
            var start = 0
            for end in cuts + [text.count] {
                let state = try decoder.read([DecoderInput(sequence, Array(text[start..<end]))])
                #expect(decoder.logits(state).toArray() == whole[end - 1], "\(cuts) at \(end)")
                start = end
            }
            // A fork goes its own way, and the original goes on as if nothing had been.
            sequence.truncate(to: 300)
            let fork = sequence.fork()
            _ = try decoder.read([DecoderInput(fork, [5, 6, 7], wanted: .none)])
            let state = try decoder.read([DecoderInput(sequence, Array(text[300..<310]))])
            #expect(decoder.logits(state).toArray() == whole[309])
            fork.truncate(to: 300)
            let again = try decoder.read([DecoderInput(fork, Array(text[300..<305]))])
            #expect(decoder.logits(again).toArray() == whole[304])
        }
    }

    @Test func wrongInputIsRefusedBeforeAnythingIsRead() throws {
        let recorded = try RecordedDecoder(RecordedDecoder.names[0])
        let decoder = try Decoder(recorded.folder, compute: Compute(threads: 1))
        let sequence = decoder.makeSequence()
        #expect(throws: ModelError.self) { try decoder.read([DecoderInput(sequence, [])]) }
        #expect(throws: ModelError.self) { try decoder.read([DecoderInput(sequence, [1, 128])]) }
        #expect(throws: ModelError.self) { try decoder.read([DecoderInput(sequence, [-1])]) }
        let long = [Int32](repeating: 1, count: 129)
        #expect(throws: ModelError.self) { try decoder.read([DecoderInput(sequence, long)]) }
        #expect(sequence.count == 0)
    }
}

extension DecoderFolder {
    /// The same weights under another configuration.
    func with(_ configuration: DecoderConfiguration) -> DecoderFolder {
        DecoderFolder(path: path, configuration: configuration, weights: weights)
    }
}
