import ArgumentParser
struct BenchInfer: ParsableCommand { static let configuration = CommandConfiguration(commandName: "infer") }
