// The server as a whole: it listens, says where, and ends when it is told to. On SIGTERM or SIGINT it
// takes no new connections, answers what it has, and returns.

import Foundation
import Hummingbird
import Logging
import NIOCore

/// A model at an address.
struct ModelServer: Sendable {
    let routes: ServeRoutes
    let host: String
    /// 0 takes any that is free.
    let port: Int

    /// The application; for tests, that send requests without a socket, too.
    func application(
        onListening: @escaping @Sendable (Int) async -> Void = { _ in }
    ) -> Application<RouterResponder<BasicRequestContext>> {
        var logger = Logger(label: "retort.serve") { StreamLogHandler.standardError(label: $0) }
        logger.logLevel = .warning
        let port = port
        return Application(
            responder: routes.router().buildResponder(),
            configuration: ApplicationConfiguration(
                address: .hostname(host, port: port), backlog: 1024),
            onServerRunning: { channel in
                await onListening(channel.localAddress?.port ?? port)
            },
            logger: logger)
    }

    /// Serves until a signal comes, then finishes what it has.
    ///
    /// - Parameters:
    ///   - onListening: Called with the port once requests are taken.
    /// - Throws: `IOError` where the address can't be had.
    func run(onListening: @escaping @Sendable (Int) async -> Void) async throws {
        routes.model.start()
        do {
            try await application(onListening: onListening).runService()
        } catch {
            await routes.model.stop()
            throw error
        }
        await routes.model.stop()
    }
}

/// Asynchronous work of a command, whose `run` is not.
enum Blocking {
    /// Runs `body` in a task and blocks this thread, which must be the main one, until it ends.
    static func run(_ body: @escaping @Sendable () async throws -> Void) throws {
        let outcome = Outcome()
        Task {
            do {
                try await body()
                outcome.finish(nil)
            } catch {
                outcome.finish(error)
            }
        }
        try outcome.wait()
    }

    private final class Outcome: @unchecked Sendable {
        private let done = DispatchSemaphore(value: 0)
        private var error: (any Error)?

        func finish(_ error: (any Error)?) {
            self.error = error
            done.signal()
        }

        func wait() throws {
            done.wait()
            if let error { throw error }
        }
    }
}
