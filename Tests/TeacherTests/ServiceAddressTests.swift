// Addresses, keys and certificates: what is refused before anything is sent, and what is never shown.

import Corpus
import Foundation
import NIOHTTP1
import NIOSSL
import Testing

@testable import Teacher

@Suite(.timeLimit(.minutes(3))) struct ServiceAddressTests {
    typealias World = ServiceTestWorld

    @Test func theKeyIsNeverShown() throws {
        let key = try APIKey(expanding: "sk-${A}-${B}") { ["A": "one", "B": "two"][$0] }
        #expect(key.headerValue == "Bearer sk-one-two")
        var dumped = ""
        dump(key, to: &dumped)
        var options = ServiceOptions(baseURLs: ["http://h"], apiKey: key)
        options.timeout = 1
        for text in ["\(key)", "\(String(reflecting: key))", dumped, "\(options)"] {
            #expect(!text.contains("one"))
        }
        #expect(key.scrubbed("Bearer sk-one-two.") == "Bearer ***.")
        for (text, part) in [("${NOT_SET}", "NOT_SET"), ("${A", "without '}'"), ("  ", "empty")] {
            let error = #expect(throws: TeacherError.self) {
                try APIKey(expanding: text) { $0 == "A" ? "one" : nil }
            }
            #expect(error?.message.contains(part) == true)
        }
        #expect(try APIKey("line-end\n").headerValue == "Bearer line-end")
        #expect(throws: TeacherError.self) { try APIKey("two words") }
    }

    @Test func badAddressesAreNamed() throws {
        for (text, part) in [
            ("ftp://host/v1", "scheme"), ("host:8000/v1", "scheme"), ("", "isn't a URL"),
            ("http:///v1", "no host"), ("http://u:secret@host/v1", "credentials"),
            ("http://host/v1?x=1", "'?'"), ("http://host:99999/v1", "port"),
            ("http://host/v1/chat/completions/", "route"),
        ] {
            let error = #expect(throws: TeacherError.self) { try BaseURL(text) }
            #expect(error?.code == .configuration)
            #expect(error?.message.contains(part) == true, "\(text): \(error?.message ?? "")")
            #expect(error?.message.contains("secret") != true)
        }
        let url = try BaseURL("https://Host.example/v1//")
        #expect(url.description == "https://Host.example/v1" && url.port == 443)
        #expect(url.isSecure && url.host == "host.example")
        #expect(try BaseURL("http://[::1]:8000/v1").host == "::1")
    }

    @Test func proxiesComeFromTheRecipeOrTheEnvironment() throws {
        let environment = [
            "http_proxy": "http://plain:8080", "HTTPS_PROXY": "secure:99",
            "NO_PROXY": "localhost, .inner.example,10.0.0.1",
        ]
        func proxy(_ url: String, _ option: String? = nil) throws -> String? {
            try ProxyAddress.onTheWay(to: BaseURL(url), option: option) { environment[$0] }
                .map { "\($0.host):\($0.port)" }
        }
        #expect(try proxy("http://host/v1") == "plain:8080")
        #expect(try proxy("https://host/v1") == "secure:99")
        for url in ["http://localhost:1/v1", "https://a.inner.example", "http://10.0.0.1/v1"] {
            #expect(try proxy(url) == nil)
        }
        #expect(try proxy("http://host", "http://mine:1") == "mine:1")
        #expect(try proxy("http://host", "") == nil)
        #expect(throws: TeacherError.self) { try proxy("http://host", "socks://x:1") }
    }

    @Test func numbersThatCannotBeAreNamed() async throws {
        for (change, part) in [
            ({ $0.baseURLs = [] }, "base_url"), ({ $0.timeout = 0 }, "timeout"),
            ({ $0.maxRetries = -1 }, "max_retries"), ({ $0.caFile = "/none.pem" }, "/none.pem"),
            ({ $0.connectTimeout = .nan }, "connect_timeout"),
        ] as [((inout ServiceOptions) -> Void, String)] {
            var options = ServiceOptions(baseURLs: ["http://127.0.0.1:1/v1"])
            change(&options)
            let made = options
            let error = await #expect(throws: TeacherError.self) {
                try await World.withService(made) { _ in }
            }
            #expect(error?.message.contains(part) == true)
        }
        let error = await #expect(throws: TeacherError.self) {
            try await World.withService(
                ServiceOptions(baseURLs: ["http://h"]), budget: TeacherBudget(micro: 5)
            ) { _ in }
        }
        #expect(error?.message.contains("price.input_per_million") == true)
    }

    /// A CA and a certificate for 127.0.0.1 of it; nil where there is no openssl.
    private func certificates(in folder: URL) throws -> (ca: String, leaf: String, key: String)? {
        let openssl = "/usr/bin/openssl"
        guard FileManager.default.isExecutableFile(atPath: openssl) else { return nil }
        func run(_ arguments: String) throws {
            let process = Process()
            process.executableURL = URL(fileURLWithPath: openssl)
            process.arguments = arguments.split(separator: " ").map(String.init)
            process.currentDirectoryURL = folder
            process.standardError = FileHandle.nullDevice
            process.standardOutput = FileHandle.nullDevice
            try process.run()
            process.waitUntilExit()
            #expect(process.terminationStatus == 0, "openssl \(arguments)")
        }
        let extensions = "subjectAltName=IP:127.0.0.1\nbasicConstraints=CA:FALSE\n"
        try extensions.write(
            to: folder.appending(path: "ext"), atomically: true, encoding: .utf8)
        let ec = "-newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes"
        try run("req -x509 \(ec) -keyout ca.key -out ca.pem -days 2 -subj /CN=test-authority")
        try run("req \(ec) -keyout leaf.key -out leaf.csr -subj /CN=127.0.0.1")
        try run(
            "x509 -req -in leaf.csr -CA ca.pem -CAkey ca.key -CAcreateserial -days 2"
                + " -extfile ext -out leaf.pem")
        return (
            folder.appending(path: "ca.pem").path, folder.appending(path: "leaf.pem").path,
            folder.appending(path: "leaf.key").path
        )
    }

    @Test func aServerOfAnUnknownAuthorityIsNotTrusted() async throws {
        let folder = FileManager.default.temporaryDirectory.appending(
            path: "retort-tls-\(ProcessInfo.processInfo.processIdentifier)")
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(at: folder) }
        guard let files = try certificates(in: folder) else { return }
        let context = try NIOSSLContext(
            configuration: .makeServerConfiguration(
                certificateChain: try NIOSSLCertificate.fromPEMFile(files.leaf).map {
                    .certificate($0)
                }, privateKey: .privateKey(try NIOSSLPrivateKey(file: files.key, format: .pem))))
        let server = try ServiceTestServer(tls: context) { _ in ServiceTestServer.Reply() }
        defer { server.close() }
        var options = ServiceOptions(baseURLs: ["https://127.0.0.1:\(server.port)/v1"])
        options.giveUpSeconds = 1
        options.proxy = ""
        let distrusted = try await World.withService(options) { await World.ask($0, 1) }
        #expect(distrusted.words.contains("unreachable"))
        #expect(distrusted.words.lowercased().contains("certificate"))
        #expect(server.seen.arrivals.isEmpty)
        options.caFile = files.ca
        let trusted = try await World.withService(options) { await World.ask($0, 1) }
        #expect(trusted.isAnswered && server.seen.arrivals.count == 1)
    }
}
