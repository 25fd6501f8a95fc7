// Where tests find files: beside themselves, and in `../shared` next to the repository.

import Foundation

enum RepositoryFiles {
    private static let tests = URL(fileURLWithPath: #filePath).deletingLastPathComponent()

    /// A file that is recorded in the repository.
    static func resource(_ name: String) -> String {
        tests.appendingPathComponent("Resources/\(name)").path
    }

    /// A file of the data shared between repositories; it may be absent.
    static func shared(_ path: String) -> String {
        let root = tests.deletingLastPathComponent().deletingLastPathComponent()
        return root.deletingLastPathComponent().appendingPathComponent("shared/\(path)").path
    }

    static func hasShared(_ path: String) -> Bool {
        FileManager.default.fileExists(atPath: shared(path))
    }
}
