// `run.json`: which run a folder holds and whether it is over, so that a second call with the same
// recipe goes on or says that all is done, and one with another recipe is refused.

import Foundation

/// What `run.json` says.
struct RunStatus: Codable, Equatable {
    /// Of the run's inputs: recipe and data.
    var fingerprint: String
    /// True once the report is written.
    var isComplete: Bool
    /// Seconds of wall-clock time spent by earlier calls.
    var secondsBefore: Double
    /// The program that wrote it.
    var program: String

    /// Reads a folder's status; nil when there is none.
    static func read(_ folder: RunFolder) throws -> RunStatus? {
        guard let data = FileManager.default.contents(atPath: folder.status) else { return nil }
        do {
            return try JSONDecoder().decode(RunStatus.self, from: data)
        } catch {
            throw MethodError(
                .unusableFolder, "\(folder.status): not a run's status; set output_dir elsewhere")
        }
    }

    func write(_ folder: RunFolder) throws {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.sortedKeys, .prettyPrinted]
        try folder.write(
            String(decoding: encoder.encode(self), as: UTF8.self) + "\n", to: folder.status)
    }
}
