// A request through a proxy: the tunnel is asked for, and the key goes to the server, not to the proxy.

import NIOCore
import NIOPosix
import Synchronization
import Testing

@testable import Teacher

@Suite(.timeLimit(.minutes(3))) struct ServiceProxyTests {
    typealias World = ServiceTestWorld

    /// What went through, in the order of arrival.
    private final class Heard: Sendable {
        private let texts = Mutex<[String]>([])
        func add(_ text: String) { texts.withLock { $0.append(text) } }
        var all: [String] { texts.withLock { $0 } }
    }

    /// Says yes to CONNECT, and then is the server itself.
    private final class Proxy: ChannelInboundHandler, @unchecked Sendable {
        typealias InboundIn = ByteBuffer
        typealias OutboundOut = ByteBuffer

        private let heard: Heard
        private var text = ""

        init(heard: Heard) {
            self.heard = heard
        }

        func channelRead(context: ChannelHandlerContext, data: NIOAny) {
            text += String(buffer: unwrapInboundIn(data))
            // A head without a body, or a body that is one JSON object.
            guard text.hasSuffix("\r\n\r\n") && text.hasPrefix("CONNECT") || text.hasSuffix("}")
            else { return }
            heard.add(text)
            let body = ServiceTestServer.goodBody()
            let reply =
                text.hasPrefix("CONNECT")
                ? "HTTP/1.1 200 OK\r\n\r\n"
                : "HTTP/1.1 200 OK\r\nContent-Length: \(body.utf8.count)\r\n\r\n\(body)"
            text = ""
            context.writeAndFlush(wrapOutboundOut(ByteBuffer(string: reply)), promise: nil)
        }
    }

    @Test func aProxyIsAskedForATunnel() async throws {
        let heard = Heard()
        let group = MultiThreadedEventLoopGroup(numberOfThreads: 1)
        let channel = try await ServerBootstrap(group: group)
            .childChannelInitializer { channel in
                channel.eventLoop.makeCompletedFuture {
                    try channel.pipeline.syncOperations.addHandler(Proxy(heard: heard))
                }
            }
            .bind(host: "127.0.0.1", port: 0).get()
        var options = ServiceOptions(
            baseURLs: ["http://teacher.invalid:8123/v1"], apiKey: try APIKey("secret-key-1234"))
        options.proxy = "http://127.0.0.1:\(channel.localAddress?.port ?? 0)"
        let outcome = try await World.withService(options) { await World.ask($0, 1) }
        #expect(outcome.isAnswered)
        let texts = heard.all
        #expect(texts.count == 2)
        #expect(texts[0].hasPrefix("CONNECT teacher.invalid:8123 HTTP/1.1"))
        #expect(!texts[0].contains("secret"))
        #expect(texts[1].contains("Bearer secret-key-1234"))
        try await channel.close()
        try await group.shutdownGracefully()
    }
}
