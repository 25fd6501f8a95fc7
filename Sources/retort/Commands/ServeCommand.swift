// `retort serve`: a model folder as an OpenAI-compatible server.

import ArgumentParser
import Foundation
import Models
import NIOCore
import TensorCore

/// Serves a model folder.
struct ServeCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "serve",
        abstract: "Serve a model folder over HTTP, as OpenAI's API.",
        discussion: """
            A decoder (Llama, Qwen2, Mistral) continues prompts and answers chats. A classifier answers
            completions with a label's name, its distribution as log-probabilities; /v1/classify
            takes many texts. SIGTERM ends it cleanly.
            """)

    @Argument(help: "A model folder: a decoder, or a classifier as runs/NAME/student.")
    var model: String

    @Option(help: "Address to listen at; 0.0.0.0 for all of the machine's.")
    var host = "127.0.0.1"

    @Option(help: "Port; 0 takes any that is free.")
    var port = 8000

    @Option(help: "File that the port is written to once requests are taken.")
    var portFile: String?

    @Option(help: "The name that requests ask for; by default the folder's.")
    var name: String?

    @Option(
        help: ArgumentHelp(
            "Environment variable with the key that requests must bring.", valueName: "NAME"))
    var apiKeyEnv: String?

    @Option(help: "Longest text in tokens; by default the model's.")
    var maxLength: Int?

    @Flag(help: "Cuts longer texts instead of refusing them.")
    var truncate = false

    @Option(help: "Format of chats, as llama-3 or chatml; by default the folder's own.")
    var chatTemplate: String?

    @Option(help: "Tokens that go through a classifier together.")
    var maxBatchTokens = 4096

    @Option(help: "Texts that a decoder generates together.")
    var maxBatch = 64

    @Option(help: "Texts that may wait; more are refused with 429.")
    var maxQueue = 1024

    @Option(help: "Largest body of a request.")
    var maxBodyBytes = 1 << 20

    @Option(help: "Computing threads; by default the cores that it is bound to.")
    var threads: Int?

    func validate() throws {
        guard (0...65_535).contains(port) else {
            throw ValidationError("--port \(port): give 0 to 65535")
        }
        for (option, value) in [
            ("max-length", maxLength ?? 1), ("max-batch-tokens", maxBatchTokens),
            ("max-batch", maxBatch), ("max-queue", maxQueue), ("max-body-bytes", maxBodyBytes),
        ] where value < 1 {
            throw ValidationError("--\(option) \(value): give 1 or more")
        }
        if let threads, !(1...1024).contains(threads) {
            throw ValidationError("--threads \(threads): give 1 to 1024")
        }
        if let apiKeyEnv, key == nil {
            throw ValidationError("--api-key-env \(apiKeyEnv): the variable isn't set, or empty")
        }
    }

    func run() throws {
        try Launch.alone {
            let metrics = ServeMetrics()
            let served = try open(metrics)
            let server = ModelServer(
                routes: ServeRoutes(
                    model: served, metrics: metrics, apiKey: key,
                    maximumBodyBytes: maxBodyBytes),
                host: host, port: port)
            if key == nil, !["127.0.0.1", "::1", "localhost"].contains(host) {
                StandardError.write(
                    "warning: anyone who reaches \(host) can ask; see --api-key-env")
            }
            do {
                let announce = announcement(of: served)
                try Blocking.run { try await server.run(onListening: announce) }
            } catch let error as IOError {
                StandardError.write("error: can't listen at \(host):\(port): \(error)")
                throw ExitCode(ExitCodes.inputOutput)
            }
        }
    }

    /// The model, by the kind that its folder names.
    private func open(_ metrics: ServeMetrics) throws -> any ServedModel {
        let compute = Compute(threads: threads)
        guard try DecoderFolder.isDecoder(model) else {
            return try ServedEncoder(
                folder: model,
                options: .init(
                    name: name, maximumLength: maxLength, truncates: truncate,
                    limits: .init(batchTokens: maxBatchTokens, waitingTexts: maxQueue)),
                compute: compute, metrics: metrics)
        }
        return try ServedDecoder(
            folder: model,
            options: .init(
                name: name, maximumLength: maxLength, truncates: truncate,
                chatTemplate: chatTemplate,
                limits: .init(runningTexts: maxBatch, waitingTexts: maxQueue)),
            compute: compute, metrics: metrics)
    }

    private var key: String? {
        guard let apiKeyEnv else { return nil }
        let value = ProcessInfo.processInfo.environment[apiKeyEnv] ?? ""
        return value.isEmpty ? nil : value
    }

    private func announcement(of model: any ServedModel) -> @Sendable (Int) async -> Void {
        let (summary, host, portFile) = (model.summary, host, portFile)
        return { port in
            StandardOutput.write("\(summary)\nlistening at http://\(host):\(port)\n")
            guard let portFile else { return }
            do {
                // Whole at once: whoever waits for the file must not read half of it.
                try Data("\(port)\n".utf8).write(
                    to: URL(fileURLWithPath: portFile), options: .atomic)
            } catch {
                StandardError.write("warning: \(portFile): can't be written: \(error)")
            }
        }
    }
}
