// The parts of the MPI transport that need no MPI: the environment, notes, votes, pauses.

import Testing

@testable import Collectives

@Suite struct LaunchEnvironmentTests {
    private func environment(_ values: [String: String]) -> LaunchEnvironment {
        LaunchEnvironment { values[$0] }
    }

    @Test func aloneWithoutALauncher() throws {
        let alone = environment(["SLURM_NTASKS": "8", "PATH": "/bin"])
        #expect(!alone.isLaunched)
        try alone.check(worldSize: 1)
    }

    @Test func openMPIIsBelieved() throws {
        let launched = environment(["OMPI_COMM_WORLD_SIZE": "1", "SLURM_STEP_NUM_TASKS": "2"])
        #expect(launched.isLaunched)
        try launched.check(worldSize: 1)
        try environment(["OMPI_COMM_WORLD_SIZE": "4"]).check(worldSize: 4)
    }

    @Test(arguments: ["SLURM_STEP_NUM_TASKS", "PMI_SIZE", "OMPI_COMM_WORLD_SIZE"])
    func worldsThatAreTooSmallAreRefused(variable: String) {
        let error = #expect(throws: CollectiveError.self) {
            try environment([variable: "4"]).check(worldSize: 1)
        }
        #expect(error?.code == .worldSizeMismatch(started: 4, seen: 1))
        #expect(error?.message.hasPrefix("4 processes were started (\(variable))") == true)
    }
}

@Suite struct ControlNoteTests {
    private func carried(_ note: ControlNote) -> ControlNote? {
        withUnsafeTemporaryAllocation(byteCount: ControlNote.byteCount, alignment: 8) { bytes in
            bytes.initializeMemory(as: UInt8.self, repeating: 0xAA)
            note.encode(into: bytes)
            return ControlNote(decoding: UnsafeRawBufferPointer(bytes))
        }
    }

    @Test func everyKindComesThrough() {
        let notes: [ControlNote] = [
            .vote(RankFailure(rank: 3, exitCode: -7, message: "disk full: ü€😀")),
            .vote(RankFailure(rank: 0, exitCode: 1, message: "")), .whereAreYou, .goodbye, .knock,
            .here(number: 1 << 40, name: "barrier", isInside: true, milliseconds: 17),
            .here(number: 0, name: "", isInside: false, milliseconds: 0),
        ]
        for note in notes { #expect(carried(note) == note) }
    }

    @Test func longMessagesAreCutAtACharacter() {
        for shift in 0..<4 {
            let long = String(repeating: "x", count: shift) + String(repeating: "😀", count: 1000)
            let note = carried(.vote(RankFailure(rank: 1, exitCode: 2, message: long)))
            guard case .vote(let failure) = note else {
                Issue.record("no vote but \(String(describing: note))")
                continue
            }
            #expect(long.hasPrefix(failure.message))
            #expect(failure.message.utf8.count > ControlNote.byteCount - 40)
        }
    }
}

@Suite struct FailureBallotTests {
    private func failure(_ rank: Int) -> RankFailure {
        RankFailure(rank: rank, exitCode: Int32(rank), message: "rank \(rank)")
    }

    @Test func oneFailureReachesAll() {
        var ballots = (0..<4).map { FailureBallot(size: 4, rank: $0) }
        var votes: [(from: Int, RankFailure)] = []
        if let vote = ballots[2].cast(own: failure(2)) { votes.append((2, vote)) }
        while let (sender, vote) = votes.popLast() {
            for rank in 0..<4 where rank != sender {
                ballots[rank].receive(vote, from: sender)
                if let next = ballots[rank].cast(own: nil) { votes.append((rank, next)) }
            }
        }
        #expect(ballots.allSatisfy { $0.isComplete && $0.outcome == failure(2) })
    }

    /// Whatever the order in which messages arrive, all ranks report the same failure.
    @Test(arguments: 0..<200) func simultaneousFailuresAgree(seed: Int) {
        let size = 4
        var random = UInt64(seed) &* 0x9E37_79B9_7F4A_7C15 &+ 1
        func draw(_ bound: Int) -> Int {
            random = random &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
            return Int(random >> 33) % bound
        }
        var ballots = (0..<size).map { FailureBallot(size: size, rank: $0) }
        // Mail between each pair stays in order; between pairs it doesn't.
        var mail = [[RankFailure]](repeating: [], count: size * size)
        func cast(_ rank: Int, own: RankFailure?) {
            guard let vote = ballots[rank].cast(own: own) else { return }
            for peer in 0..<size where peer != rank { mail[rank * size + peer].append(vote) }
        }
        var toFail = Set((0..<size).filter { _ in draw(2) == 0 })
        toFail.insert(draw(size))
        var pending = toFail.sorted()
        while true {
            let full = mail.indices.filter { !mail[$0].isEmpty }
            let choices = full.count + pending.count
            guard choices > 0 else { break }
            let choice = draw(choices)
            if choice < full.count {
                let box = full[choice]
                let vote = mail[box].removeFirst()
                ballots[box % size].receive(vote, from: box / size)
                cast(box % size, own: nil)
            } else {
                let rank = pending.remove(at: choice - full.count)
                cast(rank, own: failure(rank))
            }
        }
        #expect(ballots.allSatisfy { $0.isComplete })
        #expect(Set(ballots.map { $0.outcome?.rank }).count == 1)
    }

    @Test func nothingToVoteFor() {
        var ballot = FailureBallot(size: 2, rank: 0)
        #expect(ballot.cast(own: nil) == nil)
        #expect(!ballot.isOpen && ballot.outcome == nil)
    }
}

@Suite struct StallReportTests {
    @Test func namesTheMissing() {
        let report = StallReport(
            rank: 0, operation: "barrier #9", seconds: 61.4,
            missing: [
                .init(rank: 1, last: "all-gather #8", isInside: false, seconds: 63),
                .init(rank: 2, last: "broadcast #9", isInside: true, seconds: 4),
                .init(rank: 3, last: nil, isInside: false, seconds: 0),
            ])
        #expect(
            report.description
                == "rank 0 has waited 61 s in barrier #9; missing: rank 1 (computing for 63 s since"
                + " all-gather #8), rank 2 (in broadcast #9 for 4 s), rank 3 (does not answer)")
    }
}
