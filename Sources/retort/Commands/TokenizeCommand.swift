import ArgumentParser
struct TokenizeCommand: ParsableCommand { static let configuration = CommandConfiguration(commandName: "tokenize") }
