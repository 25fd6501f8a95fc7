// Token ids that the model's tables have no rows for, and texts that are too long or empty.

import Models
import TensorCore
import TestSupport
import Testing

@Suite struct InputTests {
    private let folder: TemporaryFolder
    private let configuration: EncoderConfiguration

    init() throws {
        folder = try TemporaryFolder()
        try TinyBert(maximumLength: 6, labels: []).write(to: folder.path)
        configuration = try ModelFolder(path: folder.path).configuration
    }

    @Test func soundInput() throws {
        try configuration.check([
            TokenSequence(ids: [0]), TokenSequence(ids: [2, 27, 3], typeIDs: [0, 1, 1]),
            TokenSequence(ids: [2, 5, 5, 5, 5, 3]),
        ])
    }

    @Test(arguments: [
        (TokenSequence(ids: [2, 28, 3]), "28"), (TokenSequence(ids: [-1]), "-1"),
        (TokenSequence(ids: [2, 3], typeIDs: [0, 2]), "token type 2"),
        (TokenSequence(ids: []), "0 tokens"),
        (TokenSequence(ids: [2, 5, 5, 5, 5, 5, 3]), "7 tokens"),
    ])
    func unfitInput(sequence: TokenSequence, named: String) throws {
        let error = #expect(throws: ModelError.self) {
            try configuration.check([TokenSequence(ids: [2, 3]), sequence])
        }
        #expect(error?.code == .invalidInput)
        #expect(error?.message.contains(named) == true, "\(error?.message ?? "")")
        let encoder = try SentenceEncoder(
            ModelFolder(path: folder.path), compute: Compute(threads: 1))
        #expect(throws: ModelError.self) { try encoder.encode([sequence]) }
    }
}
