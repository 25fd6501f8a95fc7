// The command line: what users type. Each command is one file under Commands.

import ArgumentParser

/// Retort's command line.
@main
struct Retort: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "retort",
        abstract: "Distils a large language model into a small one on CPU clusters.",
        discussion: """
            Start a run under MPI:  mpirun -n 2 retort run recipe.yaml
            The same command again resumes it, on any number of ranks.
            """,
        version: Version.text,
        subcommands: [
            RunCommand.self, PlanCommand.self, TrainCommand.self, EvaluateCommand.self,
            JudgeCommand.self, LabelsCommand.self, ExportCommand.self, ServeCommand.self,
            CompareCommand.self,
            InitCommand.self, AttentionCommand.self,
            TokenizeCommand.self, BenchCommand.self, DoctorCommand.self,
        ])
}

/// What this program is.
enum Version {
    static let text = "0.1.0"
}
