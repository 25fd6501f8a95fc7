// Taking a run's folder: it is made this run's, found to be this run's already, or refused as another's.

import Collectives
import Foundation
import Training

/// The claim of a run to its folder.
struct RunClaim {
    let folder: RunFolder
    let communicator: Communicator
    let console: RunConsole
    /// The program's name and version, for the record.
    let program: String

    /// Takes the folder; a collective.
    ///
    /// - Parameters:
    ///   - fingerprint: Of everything that decides the run's results.
    ///   - resume: `never` begins again over whatever is there.
    ///   - resolvedRecipe: The recipe with every key, which goes into the folder.
    ///   - removeEarlier: Removes what a method's earlier run left besides checkpoints.
    /// - Returns: How far the run is.
    func take(
        _ fingerprint: String, _ resume: ResumePoint, resolvedRecipe: String,
        removeEarlier: () throws -> Void = {}
    ) throws -> RunStatus {
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
            if found != nil {
                try folder.removeCheckpoints()
                try removeEarlier()
            }
            try folder.create()
            try folder.write(resolvedRecipe, to: folder.recipe)
            try fresh.write(folder)
        }
        try communicator.barrier()
        return fresh
    }
}
