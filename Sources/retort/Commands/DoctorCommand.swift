// `retort doctor`: what a run will find on this machine and between these ranks.

import ArgumentParser
import Collectives
import Foundation
import Kernels
import Methods
import Reporting
import TensorCore
import Training

/// Examines the machine and the ranks.
struct DoctorCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "doctor",
        abstract: "Say what this machine and these ranks can do, and what is wrong with them.",
        discussion: "Start it as you would a run:  mpirun -n 4 --hostfile hosts retort doctor")

    @Argument(help: "A folder that all ranks should share, as a run's.")
    var folder = "."

    func run() throws {
        try Launch.onRanks { context in
            let ranks = try RankExamination.gather(context)
            let shared = try SharedFolderCheck.run(folder, context.communicator)
            guard context.console.isLeader else { return 0 }
            StandardOutput.write("\(MPIWorld.libraryVersion.split(separator: ",")[0])\n")
            var table = TextTable([
                .init("rank", .right), .init("host"), .init("cores", .right),
                .init("bound to"), .init("instruction set"), .init("bf16"),
                .init("memory free", .right),
                .init("disk free", .right), .init("clock", .right),
            ])
            for rank in ranks { table.add(rank.row(beside: ranks[0])) }
            StandardOutput.write(table.text)
            let trouble = RankExamination.trouble(ranks) + shared
            for line in trouble { StandardOutput.write("! \(line)\n") }
            StandardOutput.write(
                trouble.isEmpty
                    ? "all is well: \(ranks.count) ranks, instruction set "
                        + "\(context.compute.instructionSet)\n"
                    : "\(trouble.count) things to look at\n")
            return 0
        }
    }
}

/// What one rank sees of its machine.
private struct RankExamination: Codable {
    let rank: Int
    let host: String
    let cores: [Int]
    let instructionSet: String
    /// Whether products of bfloat16 have an instruction of their own or are made of rounded floats.
    let bfloat16: String
    let memory: Int?
    let disk: Int?
    /// Seconds since 1970, taken right after a barrier.
    let clock: Double
    let threads: Int

    static func gather(_ context: RankContext) throws -> [RankExamination] {
        let disk = try? FileManager.default.attributesOfFileSystem(forPath: ".")[.systemFreeSize]
        try context.communicator.barrier()
        let own = RankExamination(
            rank: context.communicator.rank, host: ProcessInfo.processInfo.hostName,
            cores: ProcessorAffinity.cores, instructionSet: "\(InstructionSet.detected)",
            bfloat16: InstructionSet.detected.hasBFloat16 ? "native" : "emulated",
            memory: Memory.availableBytes, disk: (disk as? NSNumber)?.intValue,
            clock: Date().timeIntervalSince1970, threads: context.compute.threadCount)
        let bytes = try Array(JSONEncoder().encode(own))
        return try context.communicator.allGather(bytes).map {
            try JSONDecoder().decode(RankExamination.self, from: Data($0))
        }
    }

    func row(beside first: RankExamination) -> [String] {
        [
            String(rank), host, String(cores.count),
            cores.map(String.init).joined(separator: ","), instructionSet, bfloat16,
            memory.map { "\($0 >> 20) MiB" } ?? "?", disk.map { "\($0 >> 30) GiB" } ?? "?",
            "\(Int(((clock - first.clock) * 1000).rounded())) ms",
        ]
    }

    static func trouble(_ ranks: [RankExamination]) -> [String] {
        var trouble: [String] = []
        if Set(ranks.map(\.instructionSet)).count > 1 {
            trouble.append(
                "instruction sets differ; all ranks will use the lowest, for equal results")
        }
        for host in Set(ranks.map(\.host)).sorted() {
            let here = ranks.filter { $0.host == host }
            let cores = Set(here.flatMap(\.cores)).count
            let threads = here.reduce(0) { $0 + $1.threads }
            if threads > cores {
                trouble.append(
                    "\(host): \(threads) threads of \(here.count) ranks on \(cores) cores; "
                        + "start fewer ranks, or bind them (mpirun --map-by slot:PE=N)")
            }
        }
        for rank in ranks where abs(rank.clock - ranks[0].clock) > 1 {
            trouble.append("rank \(rank.rank) on \(rank.host): its clock is off by over a second")
        }
        return trouble
    }
}

/// The processors that this process may run on.
private enum ProcessorAffinity {
    static var cores: [Int] {
        guard let status = try? String(contentsOfFile: "/proc/self/status", encoding: .utf8),
            let line = status.split(separator: "\n").first(where: {
                $0.hasPrefix("Cpus_allowed_list:")
            })
        else { return [] }
        return line.dropFirst("Cpus_allowed_list:".count).split(separator: ",").flatMap { part in
            let ends = part.split(separator: "-").compactMap {
                Int($0.trimmingCharacters(in: .whitespaces))
            }
            return ends.isEmpty ? [] : Array(ends[0]...(ends.last ?? ends[0]))
        }
    }
}

/// Whether all ranks see the same folder.
private enum SharedFolderCheck {
    static func run(_ folder: String, _ communicator: Communicator) throws -> [String] {
        let file = "\(folder)/.retort-doctor"
        let token = "\(getpid())"
        var writable = true
        if communicator.rank == 0 {
            writable = FileManager.default.createFile(atPath: file, contents: Data(token.utf8))
        }
        let expected = try communicator.broadcast(Array(token.utf8), root: 0)
        let found = FileManager.default.contents(atPath: file).map { Array($0) } == expected
        let seen = try communicator.allReduce([Int64(found ? 1 : 0)], .minimum)[0] == 1
        if communicator.rank == 0 { try? FileManager.default.removeItem(atPath: file) }
        if !writable { return ["\(folder): can't be written"] }
        return seen ? [] : ["\(folder): not all ranks see it; a run's folder must be shared"]
    }
}
