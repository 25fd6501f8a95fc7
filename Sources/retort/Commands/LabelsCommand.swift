import ArgumentParser
struct LabelsCommand: ParsableCommand { static let configuration = CommandConfiguration(commandName: "labels") }
