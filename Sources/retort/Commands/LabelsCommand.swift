// `retort labels`: the label ledgers of a run.

import ArgumentParser
import Methods
import Reporting
import Teacher

/// Makes, shows and exports labels.
struct LabelsCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "labels", abstract: "Make, show and export a run's labels.",
        subcommands: [LabelsMake.self, LabelsShow.self, LabelsExport.self])
}

/// Asks the teacher for what is missing, and stops there.
struct LabelsMake: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "make", abstract: "Label a recipe's pool over all ranks, and stop there.")

    @OptionGroup var recipe: RecipeOptions
    @OptionGroup var compute: ComputeOptions

    func run() throws {
        let signals = StopSignals()
        try Launch.onRanks(compute) { context in
            let session = try RunSession(recipe.load(), context, signals)
            let isComplete = try DistillationRun(session).labelOnly()
            return isComplete ? 0 : ExitCodes.interrupted
        }
    }
}

/// Says what ledgers hold.
struct LabelsShow: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "show", abstract: "Say what a folder of ledgers holds.")

    @Argument(help: "A folder of ledgers, as runs/NAME/labels.")
    var folder: String

    func run() throws {
        try Launch.alone {
            let contents = try LedgerContents(folder: folder)
            guard !contents.files.isEmpty else {
                throw TeacherError(
                    .ledgerUnreadable,
                    "\(folder): no label ledger (rank-*.sqlite) here; a run's are in its labels/")
            }
            var table = TextTable([.init("file"), .init("rows", .right)])
            for file in contents.files { table.add([file.path, String(file.rows)]) }
            StandardOutput.write(table.text)
            StandardOutput.write(
                "\(contents.entries.count) answers, \(contents.duplicates) asked twice; "
                    + "teachers: \(contents.teachers.joined(separator: ", "))\n")
            let totals = try LedgerTotals(folder: folder)
            guard totals.responses + totals.losses > 0 || !totals.failures.isEmpty else { return }
            StandardOutput.write(
                "\(totals.responses) requests answered, \(totals.promptTokens) tokens sent, "
                    + "\(totals.completionTokens) back; \(totals.losses) lost on the way, "
                    + "\(totals.killed) of them at kills; "
                    + "charged \(totals.chargedTokens) tokens, "
                    + "\(Double(totals.priceMicro) / 1e6) in money\n")
            for failure in totals.failures {
                StandardOutput.write(
                    "\(failure.count) texts without a label: \(failure.kind), as: "
                        + "\(failure.example)\n")
            }
        }
    }
}

/// Writes ledgers in the form in which a recorded teacher is read.
struct LabelsExport: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "export",
        abstract: "Write ledgers as JSON lines that `teacher: {kind: recorded}` reads.")

    @Argument(help: "A folder of ledgers, as runs/NAME/labels.")
    var folder: String

    @Option(name: .shortAndLong, help: "Where to write; .gz compresses.")
    var output: String

    @Option(help: "The teacher whose answers are wanted, where a folder has several.")
    var teacher: String?

    func run() throws {
        try Launch.alone {
            let count = try LabelExport.write(folder: folder, teacher: teacher, to: output)
            StandardOutput.write("\(count) answers written to \(output)\n")
        }
    }
}
