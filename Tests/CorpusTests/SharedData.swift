// Real data beside the repository; tests that want it are skipped where it isn't.

import Foundation

enum SharedData {
    /// `../shared` of the repository's root.
    static let root = URL(fileURLWithPath: #filePath).deletingLastPathComponent()
        .deletingLastPathComponent().deletingLastPathComponent().deletingLastPathComponent()
        .appendingPathComponent("shared").path

    static func path(_ name: String) -> String { "\(root)/\(name)" }

    static func has(_ name: String) -> Bool {
        FileManager.default.fileExists(atPath: path(name))
    }
}
