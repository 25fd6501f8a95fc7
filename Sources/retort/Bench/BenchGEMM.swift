import ArgumentParser
struct BenchGEMM: ParsableCommand { static let configuration = CommandConfiguration(commandName: "gemm") }
