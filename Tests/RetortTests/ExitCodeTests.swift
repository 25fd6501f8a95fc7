// The table of exit codes: the numbers that scripts rely on.

import Checkpoint
import Collectives
import Corpus
import Methods
import Models
import Reporting
import Safetensors
import Teacher
import Testing
import Tokenizers
import Training

@testable import retort

@Suite struct ExitCodeTests {
    static let table: [(error: any Error, code: Int32)] = [
        (RecipeError("m"), 78), (CorpusError(.unreadable, "m"), 66),
        (CorpusError(.configuration, "m"), 78), (CorpusError(.badRow, "m"), 65),
        (CorpusError(.empty, "m"), 65), (CorpusError(.unwritable, "m"), 74),
        (ModelError(.missing, "m"), 66), (ModelError(.malformed, "m"), 65),
        (ModelError(.unsupported, "m"), 65), (ModelError(.invalidInput, "m"), 65),
        (ModelError(.unwritable, "m"), 74), (TeacherError(.noAnswer, "m"), 69),
        (TeacherError(.ledgerDamaged, "m"), 65), (TeacherError(.ledgerUnwritable, "m"), 74),
        (TrainingError(.diverged, "m"), 65), (TrainingError(.invalidOptions, "m"), 78),
        (TrainingError(.foreignCheckpoint, "m"), 78), (MethodError(.invalidRecipe, "m"), 78),
        (MethodError(.unusableFolder, "m"), 74), (MethodError(.unusableLabels, "m"), 78),
        (ReportingError(.unreadable, "m"), 65), (ReportingError(.unwritable, "m"), 74),
        (CancellationError(), 70),
    ]

    @Test(arguments: table.indices)
    func everyError(index: Int) {
        let (error, code) = Self.table[index]
        let described = ExitCodes.describe(error)
        #expect(described.exitCode == code, "\(error)")
        #expect(error is CancellationError || described.message == "m")
    }

    @Test func numbers() {
        #expect(ExitCodes.interrupted == 75 && ExitCodes.ranks == 76)
        #expect(ExitCodes.badData == 65 && ExitCodes.internal == 70)
    }
}
