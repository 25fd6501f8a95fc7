// What isn't the teacher's answer at all, and troubles told in plain words.

import Corpus
import Foundation
import TestSupport
import Testing

@testable import Teacher

@Suite(.timeLimit(.minutes(3))) struct ServiceTroubleTests {
    private typealias World = ServiceTestWorld

    /// A page of something between us and the server: a few tries, free, and its beginning is named.
    @Test func aPageInsteadOfAnAnswer() async throws {
        let page = ServiceTestServer.Reply(
            headers: [("Content-Type", "text/html; charset=utf-8")],
            body: "\n<html><title>Log in</title></html>")
        let server = try ServiceTestServer { _ in page }
        defer { server.close() }
        var options = ServiceOptions(baseURLs: [server.url])
        options.giveUpSeconds = 0.3
        let journal = MemoryJournal()
        let outcome = try await World.withService(options, journal: journal) {
            await World.ask($0, 1)
        }
        #expect(outcome.words.contains("no JSON but text/html"))
        #expect(outcome.words.contains("<html><title>Log in"))
        #expect(server.seen.arrivals.count <= 1 + RetryState.mostForeign)
        #expect(journal.entries.lost.isEmpty)
        #expect(journal.entries.sent.count == journal.entries.released)
    }

    @Test func aPageInBetweenIsTriedAgain() async throws {
        let server = try ServiceTestServer { question in
            question.number == 0 ? .init(body: "starting up") : .init()
        }
        defer { server.close() }
        let journal = MemoryJournal()
        let outcome = try await World.withService(
            ServiceOptions(baseURLs: [server.url]), journal: journal
        ) { await World.ask($0, 1) }
        #expect(outcome.isAnswered && server.seen.arrivals.count == 2)
        #expect(journal.entries.lost.isEmpty && journal.entries.released == 1)
    }

    @Test func aFewTriesAreEnough() {
        var state = RetryState(maxRetries: 50, random: .init(seed: 1, 2))
        for _ in 0..<RetryState.mostForeign {
            #expect(state.handle(.foreign, hasOther: true) == .failOver(.released))
        }
        #expect(state.handle(.foreign, hasOther: true) == .giveUp(.released))
    }

    @Test(arguments: [
        ("http://127.0.0.1:1/v1", "connection refused"),
        ("http://no-such-host.invalid/v1", "no address is known for the host"),
    ])
    func connectionsThatDoNotComeAbout(url: String, words: String) async throws {
        var options = ServiceOptions(baseURLs: [url])
        options.giveUpSeconds = 0.2
        options.proxy = ""
        let outcome = try await World.withService(options) { await World.ask($0, 1) }
        #expect(outcome.words.contains(words), "\(outcome.words)")
        #expect(!outcome.words.contains("errno") && !outcome.words.contains("NIO"))
    }

    @Test func aServerWithoutTLS() async throws {
        let server = try ServiceTestServer { _ in .init() }
        defer { server.close() }
        var options = ServiceOptions(
            baseURLs: [server.url.replacing("http://", with: "https://")])
        options.giveUpSeconds = 0.2
        let outcome = try await World.withService(options) { await World.ask($0, 1) }
        #expect(!outcome.words.contains("NIOSSL") && !outcome.words.contains("BoringSSL"))
    }

    @Test func filesThatAreNotThere() throws {
        var options = LabelTaskOptions(model: "m", labels: ["a", "b"])
        options.prompts = [.init(systemFile: "/absent/t.txt")]
        var error = #expect(throws: TeacherError.self) { try LabelTask(options) }
        #expect(error?.code == .noInput)
        #expect(error?.message.contains("/absent/t.txt cannot be read: no such file") == true)
        options.prompts = [.init()]
        options.examples = .init(path: "/absent/e.jsonl")
        error = #expect(throws: TeacherError.self) { try LabelTask(options) }
        #expect(error?.code == .noInput)
        var service = ServiceOptions(baseURLs: ["http://127.0.0.1:1/v1"])
        service.caFile = "/absent/ca.pem"
        error = #expect(throws: TeacherError.self) {
            try HTTPTransport(options: service, servers: service.addresses(), connections: 1)
        }
        #expect(error?.code == .noInput)
        #expect(error?.message.contains("/absent/ca.pem") == true)
    }
}
