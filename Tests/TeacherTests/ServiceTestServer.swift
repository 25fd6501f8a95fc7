// A server inside the test's process that answers as it is told to, and counts what it sees.

import NIOCore
import NIOHTTP1
import NIOPosix
import NIOSSL
import Synchronization

/// An HTTP/1.1 server on a free port of 127.0.0.1.
final class ServiceTestServer: Sendable {
    /// What it got.
    struct Question: Sendable {
        /// From 0, in the order of arrival.
        let number: Int
        let uri: String
        let headers: HTTPHeaders
        let body: [UInt8]
    }

    /// What it does.
    struct Reply: Sendable {
        var status = 200
        var headers: [(String, String)] = []
        var body = ServiceTestServer.goodBody()
        var delayMilliseconds: Int64 = 0
        /// Closes the connection after so many bytes of the body.
        var cutAfter: Int?
        /// Closes the connection without a byte.
        var hangsUp = false

        static func status(
            _ status: Int, _ headers: [(String, String)] = [], body: String = ""
        ) -> Reply {
            Reply(status: status, headers: headers, body: body)
        }
    }

    /// What it counted.
    struct Log: Sendable {
        var arrivals: [ContinuousClock.Instant] = []
        var inFlightAtArrival: [Int] = []
        var inFlight = 0
        var answeredWell = 0
        var uris: [String] = []
        var headers: [HTTPHeaders] = []
        var mostInFlight: Int { inFlightAtArrival.max() ?? 0 }
    }

    static func goodBody(
        usage: String = #"{"prompt_tokens":3,"completion_tokens":2}"#, padding: Int = 0
    ) -> String {
        #"{"choices":[{"message":{"content":"yes"},"finish_reason":"stop"}],"usage":\#(usage)"#
            + String(repeating: " ", count: padding) + "}"
    }

    let port: Int
    private let group: MultiThreadedEventLoopGroup
    private let channel: any Channel

    /// Listens; `port` 0 takes a free one.
    init(
        port: Int = 0, tls: NIOSSLContext? = nil,
        _ script: @escaping @Sendable (Question) -> Reply
    ) throws {
        let group = MultiThreadedEventLoopGroup(numberOfThreads: 1)
        self.group = group
        let handlerLog = LogBox()
        channel = try ServerBootstrap(group: group)
            .serverChannelOption(.backlog, value: 1024)
            .serverChannelOption(.socketOption(.so_reuseaddr), value: 1)
            .childChannelInitializer { channel in
                channel.eventLoop.makeCompletedFuture {
                    if let tls {
                        try channel.pipeline.syncOperations.addHandler(
                            NIOSSLServerHandler(context: tls))
                    }
                    try channel.pipeline.syncOperations.configureHTTPServerPipeline()
                    try channel.pipeline.syncOperations.addHandler(
                        Handler(script: script, log: handlerLog))
                }
            }
            .bind(host: "127.0.0.1", port: port).wait()
        self.port = channel.localAddress?.port ?? 0
        box = handlerLog
    }

    private let box: LogBox

    var url: String { "http://127.0.0.1:\(port)/v1" }

    /// What it has counted until now.
    var seen: Log { box.log.withLock { $0 } }

    /// Closes its port and all connections.
    func close() {
        channel.close(promise: nil)
        group.shutdownGracefully { _ in }
    }

    fileprivate final class LogBox: Sendable {
        let log = Mutex(Log())
    }

    private final class Handler: ChannelInboundHandler, @unchecked Sendable {
        typealias InboundIn = HTTPServerRequestPart
        typealias OutboundOut = HTTPServerResponsePart

        private let script: @Sendable (Question) -> Reply
        private let box: LogBox
        private var head: HTTPRequestHead?
        private var body: [UInt8] = []

        init(script: @escaping @Sendable (Question) -> Reply, log: LogBox) {
            self.script = script
            box = log
        }

        func channelRead(context: ChannelHandlerContext, data: NIOAny) {
            switch unwrapInboundIn(data) {
            case .head(let head):
                self.head = head
                body = []
            case .body(let part): body.append(contentsOf: part.readableBytesView)
            case .end: answer(context)
            }
        }

        private func answer(_ context: ChannelHandlerContext) {
            guard let head else { return }
            let number = box.log.withLock { log in
                log.arrivals.append(.now)
                log.inFlight += 1
                log.inFlightAtArrival.append(log.inFlight)
                log.uris.append(head.uri)
                log.headers.append(head.headers)
                return log.arrivals.count - 1
            }
            let reply = script(
                Question(number: number, uri: head.uri, headers: head.headers, body: body))
            let channel = context.channel
            let box = box
            let work: @Sendable () -> Void = {
                box.log.withLock { log in
                    log.inFlight -= 1
                    if reply.status == 200, reply.cutAfter == nil, !reply.hangsUp {
                        log.answeredWell += 1
                    }
                }
                Self.write(reply, to: channel)
            }
            if reply.delayMilliseconds > 0 {
                channel.eventLoop.scheduleTask(in: .milliseconds(reply.delayMilliseconds), work)
            } else {
                work()
            }
        }

        private static func write(_ reply: Reply, to channel: any Channel) {
            guard !reply.hangsUp else { return channel.close(promise: nil) }
            var headers = HTTPHeaders(reply.headers)
            headers.add(name: "Content-Length", value: "\(reply.body.utf8.count)")
            channel.write(
                HTTPServerResponsePart.head(
                    .init(
                        version: .http1_1, status: .init(statusCode: reply.status),
                        headers: headers)), promise: nil)
            let bytes = Array(reply.body.utf8).prefix(reply.cutAfter ?? .max)
            let part = HTTPServerResponsePart.body(.byteBuffer(ByteBuffer(bytes: bytes)))
            if reply.cutAfter != nil {
                channel.writeAndFlush(part).whenComplete { _ in channel.close(promise: nil) }
            } else {
                channel.write(part, promise: nil)
                channel.writeAndFlush(HTTPServerResponsePart.end(nil), promise: nil)
            }
        }
    }
}
