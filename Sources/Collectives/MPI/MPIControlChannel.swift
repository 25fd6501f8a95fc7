// The channel beside the collectives: a receive for a note of any rank is always open. Testing it is
// also what gives MPI the time to serve counters while the rank computes.

import CMPI

/// Sends and receives control notes.
///
/// Used by the communication thread alone.
final class MPIControlChannel {
    private let communicator: MPI_Comm
    private let inbox: UnsafeMutableRawBufferPointer
    private var inboxRequest: MPI_Request?
    private var outgoing: [(request: MPI_Request?, bytes: UnsafeMutableRawBufferPointer)] = []

    init(over world: MPI_Comm) throws(CollectiveError) {
        var duplicate: MPI_Comm?
        try checkMPI(MPI_Comm_dup(world, &duplicate), "MPI_Comm_dup")
        guard let duplicate else {
            throw CollectiveError(code: .lifecycle, message: "MPI_Comm_dup gave no communicator")
        }
        communicator = duplicate
        inbox = .allocate(byteCount: ControlNote.byteCount, alignment: 8)
        try listen()
    }

    deinit {
        inbox.deallocate()
    }

    /// Sends a note and returns at once.
    func send(_ note: ControlNote, to peer: Int) throws(CollectiveError) {
        let bytes = UnsafeMutableRawBufferPointer.allocate(
            byteCount: ControlNote.byteCount, alignment: 8)
        note.encode(into: bytes)
        var request: MPI_Request?
        try checkMPI(
            retort_mpi_send(
                bytes.baseAddress, Int32(bytes.count), Int32(peer), 0, communicator, &request),
            "MPI_Isend")
        outgoing.append((request, bytes))
    }

    /// The next note that has arrived, with its sender; nil if there is none.
    func next() throws(CollectiveError) -> (sender: Int, note: ControlNote)? {
        if !outgoing.isEmpty { try reap() }
        var flag: Int32 = 0
        var status = MPI_Status()
        try checkMPI(MPI_Test(&inboxRequest, &flag, &status), "MPI_Test")
        guard flag != 0 else { return nil }
        let note = ControlNote(decoding: UnsafeRawBufferPointer(inbox))
        try listen()
        guard let note else { return nil }
        return (Int(status.MPI_SOURCE), note)
    }

    /// Whether every note sent has left.
    var isSent: Bool { outgoing.isEmpty }

    /// Closes the open receive; only `send` and `next` are no longer possible.
    func close() throws(CollectiveError) {
        try checkMPI(MPI_Cancel(&inboxRequest), "MPI_Cancel")
        var status = MPI_Status()
        try checkMPI(MPI_Wait(&inboxRequest, &status), "MPI_Wait")
    }

    private func listen() throws(CollectiveError) {
        try checkMPI(
            retort_mpi_receive_any(
                inbox.baseAddress, Int32(inbox.count), communicator, &inboxRequest),
            "MPI_Irecv")
    }

    private func reap() throws(CollectiveError) {
        var kept: [(request: MPI_Request?, bytes: UnsafeMutableRawBufferPointer)] = []
        for (request, bytes) in outgoing {
            var request = request
            var flag: Int32 = 0
            var status = MPI_Status()
            try checkMPI(MPI_Test(&request, &flag, &status), "MPI_Test")
            if flag != 0 { bytes.deallocate() } else { kept.append((request, bytes)) }
        }
        outgoing = kept
    }
}
