// One exchange over HTTP: bytes out, a status and bytes back, or what went wrong. No retries, no limits, no
// choice of server here. The library's delegate is used directly: its `async` interface makes a sequence of
// the body and hops between threads for each part, which costs more than the exchange itself.

import AsyncHTTPClient
import Foundation
import NIOCore
import NIOHTTP1
import NIOPosix
import NIOSSL

/// The connections of a rank to its servers.
final class HTTPTransport: Sendable {
    /// A server's answer, whatever its status.
    struct Answer: Sendable {
        let status: Int
        let headers: HTTPHeaders
        let body: [UInt8]
    }

    /// No answer.
    enum Failure: Error, Sendable {
        /// Nothing was sent.
        case notConnected(String)
        /// Something was sent, then the connection broke.
        case broken(String)
        case timedOut
        case tooLong
        case cancelled
    }

    private struct Endpoint: Sendable {
        let client: HTTPClient
        /// One for each route, complete but for the body: reading a URL costs more than the rest.
        let requests: [TeacherRequest.Route: HTTPClient.Request]
    }

    /// Connections that nothing has used for longer are closed: before common servers do so (five
    /// seconds), since what is sent into a closing connection may have to be paid twice.
    static let idleSeconds: Int64 = 4

    private let group: MultiThreadedEventLoopGroup
    private let loop: any EventLoop
    private let endpoints: [Endpoint]
    private let timeout: TimeAmount
    private let maximumAnswerBytes: Int

    /// Opens nothing yet; throws `.configuration`.
    init(
        options: ServiceOptions, servers: [BaseURL], connections: Int
    ) throws(TeacherError) {
        let tls = try Self.trust(options.caFile)
        var headers = HTTPHeaders([
            ("Content-Type", "application/json"), ("Accept", "application/json"),
            ("User-Agent", "retort"),
        ])
        if let key = options.apiKey { headers.add(name: "Authorization", value: key.headerValue) }
        var plans: [(HTTPClient.Configuration, [TeacherRequest.Route: HTTPClient.Request])] = []
        for server in servers {
            var configuration = HTTPClient.Configuration(
                tlsConfiguration: tls, redirectConfiguration: .disallow,
                timeout: .init(connect: .milliseconds(Int64(options.connectTimeout * 1000))),
                proxy: try ProxyAddress.onTheWay(to: server, option: options.proxy).map {
                    .server(host: $0.host, port: $0.port)
                }, decompression: .disabled)
            configuration.httpVersion = .http1Only
            configuration.connectionPool.idleTimeout = .seconds(Self.idleSeconds)
            configuration.connectionPool.concurrentHTTP1ConnectionsPerHostSoftLimit = connections
            // A refused connection is known at once, and the board of servers decides what then.
            configuration.connectionPool.retryConnectionEstablishment = false
            var requests: [TeacherRequest.Route: HTTPClient.Request] = [:]
            for route in TeacherRequest.Route.allCases {
                do {
                    requests[route] = try HTTPClient.Request(
                        url: server.description + route.rawValue, method: .POST, headers: headers)
                } catch {
                    throw TeacherError(
                        .configuration,
                        "the teacher's base_url '\(server)' can't be used: \(error)")
                }
            }
            plans.append((configuration, requests))
        }
        let group = MultiThreadedEventLoopGroup(numberOfThreads: 1)
        self.group = group
        loop = group.next()
        endpoints = plans.map { configuration, requests in
            Endpoint(
                client: HTTPClient(
                    eventLoopGroupProvider: .shared(group), configuration: configuration),
                requests: requests)
        }
        timeout = .milliseconds(Int64(options.timeout * 1000))
        maximumAnswerBytes = options.maximumAnswerBytes
    }

    private static func trust(_ caFile: String?) throws(TeacherError) -> TLSConfiguration {
        var tls = TLSConfiguration.makeClientConfiguration()
        guard let caFile else { return tls }
        do {
            let certificates = try NIOSSLCertificate.fromPEMFile(caFile)
            guard !certificates.isEmpty else { throw NIOSSLError.failedToLoadCertificate }
            tls.additionalTrustRoots = [.certificates(certificates)]
        } catch {
            guard FileManager.default.isReadableFile(atPath: caFile) else {
                throw TeacherError(
                    .noInput, "teacher.ca_file: \(caFile): no such file, or not readable")
            }
            throw TeacherError(
                .configuration,
                "teacher.ca_file: \(caFile) holds no certificates that can be read: give a PEM file"
            )
        }
        return tls
    }

    /// Sends a request to a server and waits for the end of its answer.
    func send(_ request: TeacherRequest, to index: Int) async -> Result<Answer, Failure> {
        guard var message = endpoints[index].requests[request.route] else {
            return .failure(.notConnected("no route \(request.route)"))
        }
        message.body = .byteBuffer(ByteBuffer(bytes: request.body))
        let collector = AnswerCollector(maximumBytes: maximumAnswerBytes)
        let task = endpoints[index].client.execute(
            request: message, delegate: collector, eventLoop: .delegate(on: loop),
            deadline: .now() + timeout)
        return await withTaskCancellationHandler {
            await withCheckedContinuation { continuation in
                task.futureResult.whenComplete { result in
                    continuation.resume(returning: result.mapError(collector.failure))
                }
            }
        } onCancel: {
            task.cancel()
        }
    }

    /// Closes everything; exchanges that are under way end as cancelled.
    func shutDown() async {
        for endpoint in endpoints {
            // It fails only if it was called before.
            try? await endpoint.client.shutdown()
        }
        try? await group.shutdownGracefully()
    }
}

/// Gathers an answer; every call comes on the event loop.
private final class AnswerCollector: HTTPClientResponseDelegate, @unchecked Sendable {
    typealias Response = HTTPTransport.Answer

    private struct TooLong: Error {}

    private let maximumBytes: Int
    private var head: HTTPResponseHead?
    private var body: [UInt8] = []
    private var hasBegun = false

    init(maximumBytes: Int) {
        self.maximumBytes = maximumBytes
    }

    func didSendRequestHead(task: HTTPClient.Task<Response>, _ head: HTTPRequestHead) {
        hasBegun = true
    }

    func didReceiveHead(
        task: HTTPClient.Task<Response>, _ head: HTTPResponseHead
    ) -> EventLoopFuture<Void> {
        self.head = head
        if let length = head.headers.first(name: "content-length").flatMap(Int.init) {
            guard length <= maximumBytes else {
                return task.eventLoop.makeFailedFuture(TooLong())
            }
            body.reserveCapacity(length)
        }
        return task.eventLoop.makeSucceededVoidFuture()
    }

    func didReceiveBodyPart(
        task: HTTPClient.Task<Response>, _ buffer: ByteBuffer
    ) -> EventLoopFuture<Void> {
        guard body.count + buffer.readableBytes <= maximumBytes else {
            return task.eventLoop.makeFailedFuture(TooLong())
        }
        body.append(contentsOf: buffer.readableBytesView)
        return task.eventLoop.makeSucceededVoidFuture()
    }

    func didFinishRequest(task: HTTPClient.Task<Response>) throws -> Response {
        guard let head else { throw HTTPClientError.remoteConnectionClosed }
        return Response(status: Int(head.status.code), headers: head.headers, body: body)
    }

    func failure(_ error: any Error) -> HTTPTransport.Failure {
        if error is TooLong { return .tooLong }
        let reason = ConnectionTrouble.words(error)
        if let error = error as? HTTPClientError {
            if error == .cancelled || error == .alreadyShutdown { return .cancelled }
            if error == .deadlineExceeded, hasBegun { return .timedOut }
        }
        return hasBegun ? .broken(reason) : .notConnected(reason)
    }
}
