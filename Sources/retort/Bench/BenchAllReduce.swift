import ArgumentParser
struct BenchAllReduce: ParsableCommand { static let configuration = CommandConfiguration(commandName: "allreduce") }
