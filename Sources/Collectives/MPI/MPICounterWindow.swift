// The shared counters: a window of MPI one-sided memory on rank 0, locked once for all by everybody.

import CMPI

/// One-sided access to the counters on rank 0.
///
/// Used by the communication thread alone.
final class MPICounterWindow {
    private var window: MPI_Win?
    /// The answers of the operation in flight, then its operands.
    ///
    /// Never freed: after a failure an answer may still come.
    private let cells: UnsafeMutablePointer<Int64>
    private let operands: UnsafeMutablePointer<Int64>

    /// Makes the window; all ranks at a time.
    init(over world: MPI_Comm, rank: Int, count: Int) throws(CollectiveError) {
        cells = .allocate(capacity: 2 * count)
        operands = cells + count
        var base: UnsafeMutablePointer<Int64>?
        try checkMPI(
            retort_mpi_allocate_counters(Int32(rank == 0 ? count : 0), world, &base, &window),
            "MPI_Win_allocate")
        try checkMPI(retort_mpi_window_return_errors(window), "MPI_Win_set_errhandler")
        if rank == 0, let base { base.initialize(repeating: 0, count: count) }
        try checkMPI(retort_mpi_lock_all(window), "MPI_Win_lock_all")
        try checkMPI(MPI_Win_sync(window), "MPI_Win_sync")
        // The zeros are there before anybody adds to them.
        try checkMPI(MPI_Barrier(world), "MPI_Barrier")
    }

    /// Begins to add; `answer` holds the old value when the request is done.
    func startAdd(slot: Int, _ delta: Int64) throws(CollectiveError) -> MPI_Request? {
        operands[0] = delta
        var request: MPI_Request?
        try checkMPI(
            retort_mpi_fetch_add(operands, cells, 1, 0, Int32(slot), window, &request),
            "MPI_Rget_accumulate")
        return request
    }

    /// Begins to combine values with neighbouring counters; `answers` holds the old ones when the
    /// request is done.
    func startCombine(
        slot: Int, _ values: [Int64], by rule: CounterRule
    ) throws(CollectiveError) -> MPI_Request? {
        for (index, value) in values.enumerated() { operands[index] = value }
        let count = Int32(values.count)
        var request: MPI_Request?
        switch rule {
        case .sum:
            try checkMPI(
                retort_mpi_fetch_add(operands, cells, count, 0, Int32(slot), window, &request),
                "MPI_Rget_accumulate")
        case .maximum:
            try checkMPI(
                retort_mpi_fetch_max(operands, cells, count, 0, Int32(slot), window, &request),
                "MPI_Rget_accumulate")
        }
        return request
    }

    /// Begins to replace; `answer` holds the old value when the request is done.
    func startExchange(slot: Int, _ value: Int64) throws(CollectiveError) -> MPI_Request? {
        operands[0] = value
        var request: MPI_Request?
        try checkMPI(
            retort_mpi_exchange(operands, cells, 0, Int32(slot), window, &request),
            "MPI_Rget_accumulate")
        return request
    }

    /// What the last operation found.
    var answer: Int64 { cells[0] }

    /// What the last operation found in `count` counters.
    func answers(_ count: Int) -> [Int64] {
        Array(UnsafeBufferPointer(start: cells, count: count))
    }

    /// Frees the window; all ranks at a time.
    func free() throws(CollectiveError) {
        try checkMPI(MPI_Win_unlock_all(window), "MPI_Win_unlock_all")
        try checkMPI(MPI_Win_free(&window), "MPI_Win_free")
    }
}
