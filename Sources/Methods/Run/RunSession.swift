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
        if console.isLeader {
            // Begun again: an earlier run's checkpoints must not be taken for this one's.
            if found != nil { try folder.removeCheckpoints() }
            try folder.create()
            try folder.write(resolvedRecipe, to: folder.recipe)
            try fresh.write(folder)
        }
        try communicator.barrier()
        return fresh
    }

    /// Notes how long the run has taken, and that it is over or not; a collective.
    func leave(_ status: RunStatus, isComplete: Bool) throws {
        var status = status
        status.secondsBefore += secondsSoFar
        status.isComplete = isComplete
        if console.isLeader { try status.write(folder) }
        // The others must not leave, and a second run not begin, before the folder is complete.
        try communicator.barrier()
    }
}
