// What the network's and the file system's errors mean, for people: no numbers of errors, no names of types.

import AsyncHTTPClient
import Foundation
import Glibc
import NIOCore
import NIOPosix
import NIOSSL

/// Words for what goes wrong between us and a server.
enum ConnectionTrouble {
    /// One line without the server's address, which whoever tells it knows.
    static func words(_ error: any Error) -> String {
        switch error {
        case let error as NIOConnectionError: words(error)
        case let error as IOError: words(errno: error.errnoCode)
        case let error as ChannelError: words(error)
        case let error as HTTPClientError: words(error)
        case let error
        where error is NIOSSLError || error is NIOSSLExtraError || error is BoringSSLError:
            tls(String(describing: error))
        default: oneLine(String(describing: error))
        }
    }

    private static func words(_ error: NIOConnectionError) -> String {
        guard let first = error.connectionErrors.first else {
            return "no address is known for the host '\(error.host)'"
        }
        return "\(words(first.error)) (\(error.host):\(error.port))"
    }

    private static func words(errno number: CInt) -> String {
        switch number {
        case ECONNREFUSED: "connection refused: nothing listens there"
        case ECONNRESET, EPIPE: "the other side closed the connection"
        case ENETUNREACH, EHOSTUNREACH: "there is no way to the host"
        case ETIMEDOUT: "the host doesn't answer"
        default: systemWords(number)
        }
    }

    private static func words(_ error: ChannelError) -> String {
        switch error {
        case .connectTimeout: "no connection within the time (teacher.connect_timeout)"
        case .inputClosed, .outputClosed, .ioOnClosedChannel, .alreadyClosed, .eof:
            "the other side closed the connection"
        default: oneLine(String(describing: error))
        }
    }

    private static func words(_ error: HTTPClientError) -> String {
        if error == .connectTimeout || error == .getConnectionFromPoolTimeout {
            return "no connection within the time (teacher.connect_timeout)"
        }
        if error == .deadlineExceeded { return "no connection within the time (teacher.timeout)" }
        if error == .remoteConnectionClosed || error == .uncleanShutdown {
            return "the other side closed the connection before the answer's end"
        }
        if error == .tlsHandshakeTimeout { return tls("the handshake took too long") }
        if error == .proxyAuthenticationRequired { return "the proxy wants a name and a password" }
        if error == .invalidProxyResponse || error == .httpProxyHandshakeTimeout {
            return "the proxy doesn't make a tunnel to the server"
        }
        return oneLine(error.description)
    }

    private static func tls(_ said: String) -> String {
        if said.contains("CERTIFICATE_VERIFY_FAILED") {
            return
                "TLS: the server's certificate isn't trusted; with an authority of your own name "
                + "its file in teacher.ca_file"
        }
        if said.contains("failedToValidateHostname") {
            return "TLS: the server's certificate is for another host"
        }
        if said.contains("WRONG_VERSION_NUMBER") || said.contains("HTTP_REQUEST") {
            return "TLS: the server doesn't speak it on this port; http:// instead of https://?"
        }
        if said.contains("uncleanShutdown") { return "the other side closed the connection" }
        return "TLS: no secure connection came about (\(oneLine(said)))"
    }

    private static func oneLine(_ text: String) -> String {
        String(text.split(whereSeparator: \.isNewline).joined(separator: " ").prefix(200))
    }
}

/// What the system says of an error's number.
private func systemWords(_ number: CInt) -> String {
    let words = unsafe String(cString: strerror(number))
    return words.prefix(1).lowercased() + words.dropFirst()
}

/// Why a file can't be read or written, without the names of error domains.
func plainWords(of error: any Error) -> String {
    if let error = error as? POSIXError { return systemWords(error.code.rawValue) }
    let error = error as NSError
    if let inner = error.userInfo[NSUnderlyingErrorKey] as? any Error {
        return plainWords(of: inner)
    }
    if error.domain == NSPOSIXErrorDomain { return systemWords(CInt(error.code)) }
    switch CocoaError.Code(rawValue: error.code) {
    case .fileNoSuchFile, .fileReadNoSuchFile: return "there is no such file"
    case .fileReadNoPermission, .fileWriteNoPermission: return "permission denied"
    case .fileWriteOutOfSpace: return "the disk is full"
    case .fileWriteFileExists: return "a file of that name is in the way"
    default: return error.localizedDescription
    }
}
