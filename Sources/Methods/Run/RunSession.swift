// What every run of a recipe has, whatever its method: the recipe, the ranks, the folder, and how a folder
// is known to be this run's.

public import Collectives
import Foundation
public import TensorCore
import Training

/// A run of a recipe on all ranks: its means, without its method.
public final class RunSession {
    /// The recipe.
    public let recipe: Recipe
    /// The run's folder.
    public let folder: RunFolder
    let communicator: Communicator
    let compute: Compute
    let console: RunConsole
    /// True when this rank was asked to stop.
    let isStopRequested: () -> Bool
    /// The recipe as YAML with every key.
    let resolvedRecipe: String
    /// The part of it that a folder's run is known by.
    let decisiveRecipe: String
    let program: String
    private let begun = ContinuousClock.now

    /// The means of a run.
    ///
    /// - Parameters:
    ///   - recipe: The recipe.
    ///   - resolvedRecipe: The recipe as YAML with every key, which goes into the folder.
    ///   - decisiveRecipe: `recipe.decisive` as YAML: what a folder's run is known by.
    ///   - program: Name and version of the program, for the record.
    ///   - communicator: The ranks.
    ///   - compute: This rank's arithmetic.
    ///   - console: How the run speaks.
    ///   - isStopRequested: True when this rank was asked to stop.
    public init(
        _ recipe: Recipe, resolvedRecipe: String, decisiveRecipe: String, program: String,
        communicator: Communicator, compute: Compute, console: RunConsole,
        isStopRequested: @escaping () -> Bool
    ) {
        self.recipe = recipe
        self.resolvedRecipe = resolvedRecipe
        self.decisiveRecipe = decisiveRecipe
        self.program = program
        self.communicator = communicator
        self.compute = compute
        self.console = console
        self.isStopRequested = isStopRequested
        folder = RunFolder(path: recipe.outputDirectory, labels: recipe.labelDirectory)
    }

    /// Seconds since the session was made.
    var secondsSoFar: Double { (ContinuousClock.now - begun).inSeconds }

    /// Makes the folder this run's, or refuses one that is another's.
    func claimFolder(_ fingerprint: String, _ resume: ResumePoint) throws -> RunStatus {
        let fresh = RunStatus(
            fingerprint: fingerprint, isComplete: false, secondsBefore: 0, program: program)
        let found = try RunStatus.read(folder)
        try communicator.barrier()
        if let found, found.fingerprint == fingerprint, resume != .never { return found }
        if found != nil, resume != .never {
            throw MethodError(
                .unusableFolder,
                "\(folder.path): holds a run of another recipe or other data; set output_dir "
                    + "elsewhere, or begin again with --resume never")
        }
        try byLeader {
            // Begun again: an earlier run's checkpoints must not be taken for this one's.
            if found != nil { try folder.removeCheckpoints() }
            try folder.create()
            try folder.write(resolvedRecipe, to: folder.recipe)
            try fresh.write(folder)
        }
        return fresh
    }

    /// The course of every run; a collective.
    ///
    /// The folder is claimed, the work is done unless it is done already, how far it came is noted, and the
    /// report is shown.
    ///
    /// - Parameters:
    ///   - fingerprint: Of everything that decides the results.
    ///   - resume: `never` begins again; anything else goes on.
    ///   - report: The finished run's report, as text for the terminal.
    ///   - work: Everything that isn't done yet; told the seconds that earlier calls took.
    /// - Returns: True when all is done; false when stopped, to be called again.
    func carryOut(
        _ fingerprint: String, _ resume: ResumePoint, report: () throws -> String,
        _ work: (_ secondsBefore: Double) throws -> RunOutcome
    ) throws -> Bool {
        let status = try claimFolder(fingerprint, resume)
        if status.isComplete {
            console.say("all is done: \(folder.path)")
        } else {
            switch try outcome(of: { try work(status.secondsBefore) }) {
            case .complete: try leave(status, isComplete: true)
            case .stopped(let place):
                try leave(status, isComplete: false)
                console.say("stopped \(place); the same command goes on from there")
                return false
            }
        }
        if console.isLeader { console.write(try report()) }
        return true
    }

    /// Being stopped while a teacher is asked comes as an error, from wherever it was asked.
    private func outcome(of work: () throws -> RunOutcome) throws -> RunOutcome {
        do {
            return try work()
        } catch is TextsStopped {
            return .stopped("while asking the teacher")
        }
    }

    /// Notes how long the run has taken, and that it is over or not.
    ///
    /// The others must not leave, and a second run not begin, before the folder is complete.
    private func leave(_ status: RunStatus, isComplete: Bool) throws {
        var status = status
        status.secondsBefore += secondsSoFar
        status.isComplete = isComplete
        try byLeader { try status.write(folder) }
    }

    /// Whether a file is there, as the leading rank sees it; a collective.
    ///
    /// Ranks that each looked for themselves, one before it is written and one after, would part ways.
    func isThere(_ path: String) throws -> Bool {
        let seen: UInt8 = console.isLeader && FileManager.default.fileExists(atPath: path) ? 1 : 0
        return try communicator.broadcast([seen]) == [1]
    }

    /// Does something on the leading rank; the others wait until it is done.
    func byLeader(_ work: () throws -> Void) throws {
        if console.isLeader { try work() }
        try communicator.barrier()
    }
}

/// How a call of a run ended.
enum RunOutcome {
    /// Everything is done and written.
    case complete
    /// A signal came: where it was.
    case stopped(String)
}
