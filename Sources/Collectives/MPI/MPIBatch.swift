// Messages in flight under MPI: requests that are tested together.

import CMPI

/// Requests of one batch.
///
/// Used by the communication thread alone.
final class MPIBatch: MessageBatch {
    private let requests: UnsafeMutablePointer<MPI_Request?>
    private let statuses: UnsafeMutablePointer<MPI_Status>
    private var expected: [(bytes: Int32, sender: Int)?] = []
    private let capacity: Int
    private var count: Int { expected.count }

    /// Starts messages, long ones in pieces: MPI counts are 32 bits.
    init(
        _ messages: [Message], over communicator: MPI_Comm, tag: Int32, pieceBytes: Int
    ) throws(CollectiveError) {
        var pieces = 0
        for message in messages { pieces += (message.byteCount + pieceBytes - 1) / pieceBytes }
        capacity = pieces
        requests = .allocate(capacity: pieces)
        requests.initialize(repeating: retort_mpi_no_request(), count: pieces)
        statuses = .allocate(capacity: pieces)
        statuses.initialize(repeating: MPI_Status(), count: pieces)
        for message in messages {
            var offset = 0
            while offset < message.byteCount {
                let bytes = Int32(min(pieceBytes, message.byteCount - offset))
                try start(message, at: offset, bytes: bytes, tag: tag, over: communicator)
                offset += Int(bytes)
            }
        }
    }

    deinit {
        requests.deallocate()
        statuses.deallocate()
    }

    private func start(
        _ message: Message, at offset: Int, bytes: Int32, tag: Int32, over communicator: MPI_Comm
    ) throws(CollectiveError) {
        let peer = Int32(message.peer)
        let base = message.base + offset
        let request = requests + count
        switch message.direction {
        case .send:
            try checkMPI(
                retort_mpi_send(base, bytes, peer, tag, communicator, request), "MPI_Isend")
            expected.append(nil)
        case .receive:
            try checkMPI(
                retort_mpi_receive(base, bytes, peer, tag, communicator, request), "MPI_Irecv")
            expected.append((bytes, message.peer))
        }
    }

    /// Whether all messages are done.
    func test(in operation: String) throws(CollectiveError) -> Bool {
        guard count > 0 else { return true }
        var flag: Int32 = 0
        let code = MPI_Testall(Int32(count), requests, &flag, statuses)
        if code == MPI_ERR_IN_STATUS {
            for index in 0..<count {
                let error = statuses[index].MPI_ERROR
                if error != MPI_ERR_PENDING { try checkMPI(error, "MPI_Testall in \(operation)") }
            }
        }
        try checkMPI(code, "MPI_Testall in \(operation)")
        guard flag != 0 else { return false }
        for (index, expectation) in expected.enumerated() {
            guard let (bytes, sender) = expectation else { continue }
            var received: Int32 = 0
            try checkMPI(
                retort_mpi_received_bytes(statuses + index, &received), "MPI_Get_count")
            guard received == bytes else {
                throw CollectiveError(
                    code: .mismatch,
                    message: "in \(operation) \(received) bytes came from rank \(sender), \(bytes)"
                        + " were expected: the ranks' calls differ")
            }
        }
        return true
    }

    /// After a failure: withdraws receives that nothing has matched.
    ///
    /// True when no message can touch memory any more; sends that nobody will receive don't.
    func withdraw() -> Bool {
        var isQuiet = true
        for index in 0..<count where requests[index] != retort_mpi_no_request() {
            if expected[index] != nil { MPI_Cancel(requests + index) }
            var flag: Int32 = 0
            MPI_Test(requests + index, &flag, statuses + index)
            if flag == 0, expected[index] != nil { isQuiet = false }
        }
        return isQuiet
    }
}
