// The checks on real MPI. They need to be started by mpirun, each rank running the test program:
//
//   mpirun -np 3 .build/release/retortPackageTests.xctest --testing-library swift-testing --filter MPI
//
// Tests of one process run at a time and in the same order on all ranks, so one test does it all.

import Testing

@testable import Collectives

@Suite(.serialized, .enabled(if: LaunchEnvironment.current.isLaunched, "needs mpirun"))
struct MPITests {
    @Test func everyCheck() throws {
        let world = try MPIWorld(options: MPIOptions(maximumMessageBytes: 100_000))
        for (_, check) in CollectiveChecks.all { try check(world.communicator) }
        #expect(try world.finalize())
    }
}
