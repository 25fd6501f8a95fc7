// Real data and recorded values beside the repository; tests that want them are skipped where they
// aren't.

import Foundation

/// Files outside the repository.
public enum SharedData {
    /// `../shared` of the repository's root.
    public static let root = URL(fileURLWithPath: #filePath).deletingLastPathComponent()
        .deletingLastPathComponent().deletingLastPathComponent().deletingLastPathComponent()
        .appendingPathComponent("shared").path

    /// The path of something in it.
    public static func path(_ name: String) -> String { "\(root)/\(name)" }

    /// Whether it is there.
    public static func has(_ name: String) -> Bool {
        FileManager.default.fileExists(atPath: path(name))
    }
}
