// The one table of exit codes. The numbers are those of BSD's sysexits.h, which shells and schedulers
// know; docs/exit-codes.md is its page.

import ArgumentParser
import Checkpoint
import Collectives
import Corpus
import Methods
import Models
import Reporting
import Safetensors
import Teacher
import Tokenizers
import Training

/// Exit codes, and which error ends with which.
enum ExitCodes {
    /// The data is at fault.
    static let badData: Int32 = 65
    /// An input file isn't there, or can't be opened.
    static let noInput: Int32 = 66
    /// The teacher can't answer.
    static let teacherUnavailable: Int32 = 69
    /// A slip of this program.
    static let `internal`: Int32 = 70
    /// Writing failed: disk, permissions.
    static let inputOutput: Int32 = 74
    /// Stopped by a signal after saving; the same command goes on.
    static let interrupted: Int32 = 75
    /// The ranks can't work together.
    static let ranks: Int32 = 76
    /// The budget's cap is reached; with a higher one the same command goes on.
    static let budget: Int32 = 77
    /// The recipe is at fault.
    static let badRecipe: Int32 = 78

    /// The exit code and the one line of an error.
    static func describe(_ error: any Error) -> (exitCode: Int32, message: String) {
        switch error {
        case let error as RankFailure: (error.exitCode, error.message)
        case let error as RecipeError: (error.exitCode, error.description)
        case let error as CorpusError: (code(error), error.message)
        case let error as ModelError: (code(error), error.message)
        case let error as SafetensorsError:
            (error.code == .unwritable ? inputOutput : noInput, error.message)
        case let error as TokenizerError: (code(error), error.message)
        case let error as TeacherError: (code(error), error.message)
        case let error as TrainingError:
            (error.code == .diverged ? badData : badRecipe, error.message)
        case let error as MethodError:
            (error.code == .unusableFolder ? inputOutput : badRecipe, error.message)
        case let error as CheckpointError: (code(error), error.message)
        case let error as ReportingError: (code(error), error.message)
        case let error as CollectiveError: (ranks, error.message)
        default: (`internal`, String(describing: error))
        }
    }
}

extension ExitCodes {
    private static func code(_ error: CorpusError) -> Int32 {
        switch error.code {
        case .unreadable: noInput
        case .configuration: badRecipe
        case .empty, .badRow, .conflict, .badLabel: badData
        case .unwritable: inputOutput
        }
    }

    private static func code(_ error: ModelError) -> Int32 {
        switch error.code {
        case .missing: noInput
        case .malformed, .unsupported, .invalidInput: badData
        case .unwritable: inputOutput
        }
    }

    private static func code(_ error: TokenizerError) -> Int32 {
        error.code == .unreadable ? noInput : badData
    }

    private static func code(_ error: TeacherError) -> Int32 {
        switch error.code {
        case .budgetReached: budget
        case .configuration: badRecipe
        case .noAnswer, .ledgerBusy, .unreachable: teacherUnavailable
        case .badAnswer, .ledgerDamaged, .ledgerNewer: badData
        case .noInput, .ledgerUnreadable: noInput
        case .ledgerUnwritable: inputOutput
        }
    }

    private static func code(_ error: CheckpointError) -> Int32 {
        inputOutput
    }

    private static func code(_ error: ReportingError) -> Int32 {
        switch error.code {
        case .unreadable: badData
        case .unwritable: inputOutput
        case .template: `internal`
        }
    }
}
