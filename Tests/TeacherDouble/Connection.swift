// One connection: requests in, prepared bytes out after their delay. Only requests are decoded by NIO's
// HTTP codec; responses are written as bytes, so that they can be cut anywhere.

import Foundation
import NIOCore
import NIOHTTP1

/// Serves a connection.
final class Connection: ChannelInboundHandler {
    typealias InboundIn = HTTPServerRequestPart
    typealias OutboundOut = ByteBuffer

    private let service: Service
    private let answers: Answers
    private var head: HTTPRequestHead?
    private var body = ByteBuffer()
    /// The request whose answer isn't out yet: its body's hash and its answer's time.
    private var open: (body: UInt64, scheduled: Scheduled<Void>?)?

    private init(_ service: Service, _ answers: Answers) {
        self.service = service
        self.answers = answers
    }

    /// Puts the codec and the handler into a new connection.
    static func add(to channel: any Channel, _ service: Service, _ answers: Answers) throws {
        try channel.pipeline.syncOperations.addHandlers([
            ByteToMessageHandler(HTTPRequestDecoder(leftOverBytesStrategy: .dropBytes)),
            Connection(service, answers),
        ])
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        switch unwrapInboundIn(data) {
        case .head(let head):
            self.head = head
            body.clear()
        case .body(var part):
            // Most bodies come in one piece, which is taken as it is.
            if body.readableBytes == 0 { body = part } else { body.writeBuffer(&part) }
        case .end:
            guard let head, open == nil else { return context.close(promise: nil) }
            serve(head, context)
        }
    }

    func channelInactive(context: ChannelHandlerContext) {
        if let open {
            open.scheduled?.cancel()
            self.open = nil
            service.counters.end(body: open.body, .lost("client_gone"))
        }
        context.fireChannelInactive()
    }

    func errorCaught(context: ChannelHandlerContext, error: any Error) {
        context.close(promise: nil)
    }

    private func serve(_ head: HTTPRequestHead, _ context: ChannelHandlerContext) {
        let path = head.uri.split(separator: "?", maxSplits: 1)[0]
        switch (head.method, path) {
        case (.POST, "/v1/chat/completions"): answer(head, isChat: true, context)
        case (.POST, "/v1/completions"): answer(head, isChat: false, context)
        case (.GET, "/stats"): send(200, service.counters.json(), head, context)
        case (.POST, "/reset"):
            service.counters.reset()
            send(200, "{}\n", head, context)
        case (.GET, "/v1/models"):
            send(
                200,
                "{\"object\":\"list\",\"data\":[{\"id\":\"teacher-double\",\"object\":\"model\","
                    + "\"created\":1750000000,\"owned_by\":\"tests\"}]}\n", head, context)
        case (.GET, "/health"), (.GET, "/healthz"): send(200, "{}\n", head, context)
        default: send(404, "{\"error\":{\"message\":\"no such route\"}}\n", head, context)
        }
    }

    private func send(
        _ status: Int, _ body: String, _ head: HTTPRequestHead, _ context: ChannelHandlerContext
    ) {
        write(Service.response(status, "", ByteBuffer(string: body)), head.isKeepAlive, context)
    }

    private func write(_ bytes: ByteBuffer, _ keepsAlive: Bool, _ context: ChannelHandlerContext) {
        guard !keepsAlive else {
            return context.writeAndFlush(wrapOutboundOut(bytes), promise: nil)
        }
        let bound = NIOLoopBound(context, eventLoop: context.eventLoop)
        context.writeAndFlush(wrapOutboundOut(bytes)).whenComplete { _ in
            bound.value.close(promise: nil)
        }
    }

    private func answer(
        _ head: HTTPRequestHead, isChat: Bool, _ context: ChannelHandlerContext
    ) {
        let authorization = service.apiKey == nil ? nil : head.headers.first(name: "authorization")
        let (hash, plan) = body.withUnsafeReadableBytes { bytes in
            let hash = Hash.bytes(bytes)
            let (number, inFlight) = service.counters.begin(body: hash)
            return (
                hash,
                service.plan(
                    isChat: isChat, authorization: authorization, body: bytes, number: number,
                    inFlight: inFlight, answers)
            )
        }
        open = (hash, nil)
        guard plan.ending != .silence else { return }
        guard plan.delay > .zero else { return finish(plan, head.isKeepAlive, context) }
        let keepsAlive = head.isKeepAlive
        let bound = NIOLoopBound((self, context), eventLoop: context.eventLoop)
        open?.scheduled = context.eventLoop.scheduleTask(in: plan.delay) {
            let (connection, context) = bound.value
            connection.finish(plan, keepsAlive, context)
        }
    }

    private func finish(
        _ plan: Service.Plan, _ keepsAlive: Bool, _ context: ChannelHandlerContext
    ) {
        guard let open else { return }
        self.open = nil
        // Counted before the bytes leave: whoever has the answer finds it counted.
        service.counters.end(body: open.body, plan.fate)
        guard plan.ending != .whole else { return write(plan.response, keepsAlive, context) }
        var half = plan.response
        half.moveWriterIndex(to: half.readerIndex + half.readableBytes * 2 / 3)
        let bound = NIOLoopBound(context, eventLoop: context.eventLoop)
        let ending = plan.ending
        context.writeAndFlush(wrapOutboundOut(half)).whenComplete { _ in
            if ending == .death { Foundation.exit(9) }
            bound.value.close(promise: nil)
        }
    }
}
