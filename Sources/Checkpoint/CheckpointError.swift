// What can go wrong with checkpoints: a code, and one line that says where and how to mend it.

/// A checkpoint that can't be written or read.
public struct CheckpointError: Error, CustomStringConvertible, Sendable, Equatable {
    /// The kinds of failure.
    public enum Code: String, Sendable, Codable {
        /// The system refused to write: full disk, no permission, limit reached.
        case unwritable
        /// The ranks' pieces don't make up whole tensors.
        case invalidPieces
        /// The folder isn't on storage that all ranks share.
        case notShared
        /// There is no checkpoint at the path.
        case notFound
        /// The checkpoint is torn, altered, or of a version that this program doesn't know.
        case corrupt
        /// Checkpoints are there, but not one of them is whole.
        case noneUsable
        /// No tensor of that name is in the checkpoint.
        case missingTensor
        /// The tensor is there with another shape, or the range doesn't fit.
        case mismatch
    }

    /// The kind of failure.
    public let code: Code

    /// One line: what, where, how to mend it.
    public let message: String

    /// Makes an error of a kind and its line.
    public init(_ code: Code, _ message: String) {
        self.code = code
        self.message = message
    }

    /// The line to show.
    public var description: String { message }
}
