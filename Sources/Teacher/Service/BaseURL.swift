// Where a server is, read and checked before anything is sent. Credentials don't belong in a URL: it is
// shown in errors, panels and ledgers.

import Foundation

/// A server's base URL, without a slash at its end.
struct BaseURL: Sendable, Hashable, CustomStringConvertible {
    /// As it is shown and stored.
    let description: String
    let isSecure: Bool
    let host: String
    let port: Int

    /// Reads and checks; throws `.configuration`.
    init(_ text: String) throws(TeacherError) {
        let trimmed = text.trimmingCharacters(in: .whitespaces)
        func wrong(_ what: String) -> TeacherError {
            TeacherError(
                .configuration,
                "the teacher's base_url '\(Self.withoutCredentials(trimmed))' \(what)")
        }
        guard let parts = URLComponents(string: trimmed), let scheme = parts.scheme?.lowercased()
        else { throw wrong("isn't a URL: write http://HOST:PORT/v1") }
        guard scheme == "http" || scheme == "https" else {
            throw wrong("has the scheme '\(scheme)': http or https is needed")
        }
        guard parts.user == nil, parts.password == nil else {
            throw wrong("holds credentials: put them into api_key")
        }
        guard parts.query == nil, parts.fragment == nil else {
            throw wrong("has a '?' or '#': the path of the request is put behind it")
        }
        guard let host = parts.host, !host.isEmpty else { throw wrong("names no host") }
        if let port = parts.port, !(1...65_535).contains(port) {
            throw wrong("has the port \(port): 1 to 65535 can be")
        }
        isSecure = scheme == "https"
        self.host = host.trimmingCharacters(in: ["[", "]"]).lowercased()
        port = parts.port ?? (isSecure ? 443 : 80)
        var whole = trimmed
        while whole.hasSuffix("/") { whole.removeLast() }
        for route in TeacherRequest.Route.allCases where whole.hasSuffix(route.rawValue) {
            throw wrong("ends with the route '\(route.rawValue)': leave that out")
        }
        description = whole
    }

    private static func withoutCredentials(_ text: String) -> String {
        let text = text.split(separator: "?", maxSplits: 1).first.map(String.init) ?? ""
        guard let at = text.lastIndex(of: "@"), let slashes = text.range(of: "//"),
            slashes.upperBound < at
        else { return text }
        return text[..<slashes.upperBound] + "***" + text[at...]
    }
}

/// A proxy between this rank and a server.
struct ProxyAddress: Sendable, Hashable {
    let host: String
    let port: Int

    /// The proxy on the way to a server: the recipe's, or what the environment says.
    ///
    /// The environment is read as curl does: HTTPS_PROXY for https, HTTP_PROXY for http, in lower
    /// case too, and NO_PROXY for hosts and domains that need none. Throws `.configuration`.
    static func onTheWay(
        to server: BaseURL, option: String?,
        lookUp: (String) -> String? = { ProcessInfo.processInfo.environment[$0] }
    ) throws(TeacherError) -> ProxyAddress? {
        if let option { return option.isEmpty ? nil : try ProxyAddress(option, from: "proxy") }
        let name = server.isSecure ? "HTTPS_PROXY" : "HTTP_PROXY"
        guard let text = lookUp(name.lowercased()) ?? lookUp(name), !text.isEmpty else {
            return nil
        }
        let exceptions = lookUp("no_proxy") ?? lookUp("NO_PROXY") ?? ""
        for exception in exceptions.split(separator: ",") {
            let pattern = exception.trimmingCharacters(in: .whitespaces).lowercased()
            if pattern == "*" { return nil }
            let domain = pattern.hasPrefix(".") ? String(pattern.dropFirst()) : pattern
            if !domain.isEmpty, server.host == domain || server.host.hasSuffix(".\(domain)") {
                return nil
            }
        }
        return try ProxyAddress(text, from: name)
    }

    private init(_ text: String, from source: String) throws(TeacherError) {
        let whole = text.contains("://") ? text : "http://\(text)"
        guard let parts = URLComponents(string: whole), parts.scheme?.lowercased() == "http",
            parts.user == nil, let host = parts.host, !host.isEmpty
        else {
            throw TeacherError(
                .configuration,
                "the proxy that '\(source)' names can't be used: write http://HOST:PORT, without"
                    + " credentials")
        }
        self.host = host
        port = parts.port ?? 3128
    }
}
