// What the launcher told this process through its environment. MPI is believed about the number of
// ranks; the environment only shows where MPI was left out: each process then thinks it is alone, does
// all the work and writes the same files.

import Glibc

/// How this process was started.
struct LaunchEnvironment: Equatable {
    /// The variable that says how many processes were started together, and its value.
    struct Announcement: Equatable {
        let variable: String
        let processes: Int
    }

    let announcement: Announcement?

    /// Reads the environment through `value`.
    ///
    /// `SLURM_NTASKS` isn't asked: it is also set in a batch script, where one process is right.
    /// `SLURM_STEP_NUM_TASKS` is also set under an `mpirun` that Slurm started, there for its daemons:
    /// so it counts only where no MPI launcher has spoken.
    init(value: (String) -> String?) {
        let variables = [
            "OMPI_COMM_WORLD_SIZE", "PMI_SIZE", "MPI_LOCALNRANKS", "SLURM_STEP_NUM_TASKS",
        ]
        for variable in variables {
            if let processes = value(variable).flatMap({ Int($0) }) {
                announcement = Announcement(variable: variable, processes: processes)
                return
            }
        }
        announcement = nil
    }

    /// The environment of this process.
    static var current: LaunchEnvironment {
        LaunchEnvironment { name in getenv(name).map { String(cString: $0) } }
    }

    /// Whether a launcher started this process, so that MPI is to be initialised.
    var isLaunched: Bool { announcement != nil }

    /// Throws if MPI knows fewer processes than were started.
    func check(worldSize: Int) throws(CollectiveError) {
        guard let announcement, announcement.processes > worldSize else { return }
        throw CollectiveError(
            code: .worldSizeMismatch(started: announcement.processes, seen: worldSize),
            message: "\(announcement.processes) processes were started"
                + " (\(announcement.variable)) but the MPI world has size \(worldSize): the launcher"
                + " is not this Open MPI's; use its own `mpirun` (under Slurm: inside `sbatch` or"
                + " `salloc`), or `srun --mpi=pmix` where Open MPI was built with that PMIx")
    }
}
