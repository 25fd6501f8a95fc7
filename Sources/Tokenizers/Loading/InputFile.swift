// Reading a whole file, with one clear line for each way in which that fails.

import Foundation

/// Files as bytes.
enum InputFile {
    static func exists(_ path: String) -> Bool {
        FileManager.default.fileExists(atPath: path)
    }

    static func isFolder(_ path: String) -> Bool {
        let type = try? FileManager.default.attributesOfItem(
            atPath: URL(fileURLWithPath: path).resolvingSymlinksInPath().path)[.type]
        return type as? FileAttributeType == .typeDirectory
    }

    /// The bytes of a file that isn't empty.
    static func read(_ path: String) throws(TokenizerError) -> [UInt8] {
        guard exists(path) else { throw TokenizerError(.unreadable, "\(path): no such file") }
        if isFolder(path) {
            throw TokenizerError(.unreadable, "\(path): is a folder, not a file")
        }
        let data: Data
        do {
            data = try Data(contentsOf: URL(fileURLWithPath: path))
        } catch {
            let reason = (error as NSError).localizedFailureReason ?? "can't be read"
            throw TokenizerError(.unreadable, "\(path): \(reason)")
        }
        if data.isEmpty { throw TokenizerError(.unreadable, "\(path): the file is empty") }
        return Array(data)
    }
}
