// What happens to every request: it is timed and counted, and an error becomes OpenAI's error object.

import Hummingbird
import Logging

/// Counts requests, and answers errors.
struct CountingMiddleware: RouterMiddleware {
    let metrics: ServeMetrics

    func handle(
        _ request: Request, context: BasicRequestContext,
        next: (Request, BasicRequestContext) async throws -> Response
    ) async throws -> Response {
        let clock = ContinuousClock()
        let start = clock.now
        metrics.begin()
        let response: Response
        do {
            response = try await next(request, context)
        } catch {
            let refusal = ServeError(error, path: request.uri.path)
            if refusal.status == .internalServerError {
                context.logger.error("\(request.method) \(request.uri.path): \(error)")
            }
            response = refusal.response
        }
        let seconds = (clock.now - start) / .seconds(1)
        // Unknown paths share one name: they come from outside, and there is no end to them.
        metrics.end(
            route: context.endpointPath ?? "other", status: response.status.code, seconds: seconds)
        return response
    }
}

/// Lets those in who bring the key.
struct KeyMiddleware: RouterMiddleware {
    private let expected: [UInt8]

    init(key: String) {
        expected = Array("Bearer \(key)".utf8)
    }

    func handle(
        _ request: Request, context: BasicRequestContext,
        next: (Request, BasicRequestContext) async throws -> Response
    ) async throws -> Response {
        guard matches(request.headers[.authorization] ?? "") else {
            throw ServeError(
                status: .unauthorized, code: "invalid_api_key",
                message: "no key or a wrong one; send 'Authorization: Bearer KEY'")
        }
        return try await next(request, context)
    }

    /// Compares all bytes whatever they are, so that the time says nothing about where they differ.
    private func matches(_ given: String) -> Bool {
        let given = Array(given.utf8)
        var difference: UInt8 = given.count == expected.count ? 0 : 1
        for index in expected.indices {
            difference |= expected[index] ^ (index < given.count ? given[index] : 0)
        }
        return difference == 0
    }
}
