import ArgumentParser
struct BenchTrain: ParsableCommand { static let configuration = CommandConfiguration(commandName: "train") }
