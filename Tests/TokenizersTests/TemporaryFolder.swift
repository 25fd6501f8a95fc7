// A folder that goes when the test does.

import Foundation

final class TemporaryFolder {
    private let url: URL

    init() throws {
        let name = "retort-tokenizers-\(ProcessInfo.processInfo.processIdentifier)-\(UUID())"
        url = FileManager.default.temporaryDirectory.appendingPathComponent(name)
        try FileManager.default.createDirectory(at: url, withIntermediateDirectories: true)
    }

    deinit {
        try? FileManager.default.removeItem(at: url)
    }

    func path(_ name: String) -> String {
        name.isEmpty ? url.path : url.appendingPathComponent(name).path
    }

    func write(_ name: String, _ text: String) throws {
        try Data(text.utf8).write(to: URL(fileURLWithPath: path(name)))
    }
}
