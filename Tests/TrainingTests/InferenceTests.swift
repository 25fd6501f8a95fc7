// Inference: probabilities don't depend on passes, threads or ranks.

import Collectives
import Models
import TensorCore
import TestSupport
import Testing
import Training

@Suite struct InferenceTests {
    private let folder: TemporaryFolder
    private let student: EncoderClassifier
    private let texts: [TokenSequence]

    init() throws {
        folder = try TemporaryFolder()
        student = try EncoderClassifier(
            ModelFolder(path: try TinyBert(seed: 2, dropout: 0.5).write(to: folder.path)))
        var numbers = SampleNumbers(seed: 9)
        texts = [3, 1, 24, 7, 7, 1, 12].map { length in
            TokenSequence(
                ids: (0..<length).map { _ in Int32(numbers.below(TinyBert.vocabularyCount)) })
        }
    }

    @Test(arguments: [1, 10, 25, 8_192])
    func anyPassSize(tokens: Int) throws {
        let usual = try Inference(student, compute: Compute(threads: 1)).probabilities(texts)
        let ours = try Inference(
            student, compute: Compute(threads: 3), maximumTokensPerPass: tokens
        ).probabilities(texts)
        #expect(ours == usual)
        #expect(usual.count == texts.count && usual.allSatisfy { $0.count == 3 })
        #expect(usual.allSatisfy { abs($0.reduce(0, +) - 1) < 1e-12 })
        #expect(Set(usual.map { $0[0] }).count == texts.count)
    }

    @Test(arguments: 1...5)
    func anyRankCount(ranks: Int) throws {
        for count in [0, 1, 3, 7] {
            let texts = Array(texts[..<count])
            let expected = try Inference(student, compute: Compute(threads: 1))
                .probabilities(texts)
            let student = student
            let all = try ThreadWorld.run(ranks: ranks) { communicator in
                try Inference(student, compute: Compute(threads: 1)).probabilities(
                    of: count, over: communicator
                ) { Array(texts[$0]) }
            }
            #expect(all.allSatisfy { $0 == expected }, "\(count) texts")
        }
    }

    @Test func unfitText() throws {
        let inference = Inference(student, compute: Compute(threads: 1))
        #expect(throws: ModelError.self) {
            try inference.probabilities([texts[0], TokenSequence(ids: [99])])
        }
        #expect(try inference.probabilities([]).isEmpty)
    }
}
