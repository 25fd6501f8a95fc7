// The folder of a run: where each stage rests. Nothing in it but file names is indexed by rank.

import Foundation

/// The paths of a run's folder.
public struct RunFolder: Sendable {
    /// The folder.
    public let path: String

    /// The folder at a path.
    ///
    /// - Parameters:
    ///   - path: The folder.
    ///   - labels: Where its ledgers are, if not inside.
    public init(path: String, labels: String? = nil) {
        self.path = path
        self.labels = labels ?? "\(path)/labels"
    }

    /// The recipe with every key.
    public var recipe: String { "\(path)/recipe.resolved.yaml" }
    /// What the run is and how far it came.
    public var status: String { "\(path)/run.json" }
    /// The label ledgers, one a rank.
    public let labels: String
    /// The checkpoints of training.
    public var checkpoints: String { "\(path)/checkpoints" }
    /// Every number that was measured, one JSON line a record.
    public var metrics: String { "\(path)/metrics.jsonl" }
    /// The trained student.
    public var student: String { "\(path)/student" }
    /// The key figures.
    public var report: String { "\(path)/report.json" }
    /// The report to look at.
    public var page: String { "\(path)/report.html" }

    /// Makes the folder and those inside it.
    public func create() throws {
        for folder in [path, labels, checkpoints] {
            do {
                try FileManager.default.createDirectory(
                    atPath: folder, withIntermediateDirectories: true)
            } catch {
                throw MethodError(
                    .unusableFolder,
                    "\(folder): can't be made: \(Self.reason(error)); set output_dir elsewhere")
            }
        }
    }

    /// Removes the checkpoints of an earlier run.
    func removeCheckpoints() throws {
        guard FileManager.default.fileExists(atPath: checkpoints) else { return }
        do {
            try FileManager.default.removeItem(atPath: checkpoints)
        } catch {
            throw MethodError(
                .unusableFolder, "\(checkpoints): can't be removed: \(Self.reason(error))")
        }
    }

    /// Writes a small file whole or not at all.
    public func write(_ text: String, to file: String) throws {
        do {
            try Data(text.utf8).write(to: URL(fileURLWithPath: file), options: .atomic)
        } catch {
            throw MethodError(
                .unusableFolder, "\(file): can't be written: \(Self.reason(error))")
        }
    }

    static func reason(_ error: any Error) -> String {
        (error as NSError).localizedDescription
    }
}
