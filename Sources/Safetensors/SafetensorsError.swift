// What can go wrong with a safetensors file: a stable code, and one line that names the file.

/// A safetensors file that cannot be read or written.
public struct SafetensorsError: Error, CustomStringConvertible, Sendable {
    /// What kind of trouble it is, for callers that decide by it.
    public enum Code: String, Sendable {
        /// The file isn't there, isn't a plain file, or the system refuses to read it.
        case unreadable
        /// The bytes break the format: header, offsets, sizes.
        case malformed
        /// The format allows it, we don't know it (an exotic element type).
        case unsupported
        /// No tensor of the wanted name.
        case missingTensor
        /// The tensor is there, but not of the wanted element type or count.
        case mismatch
        /// What was to be written contradicts itself.
        case invalidTensor
        /// The system refused to write: full disk, no permission.
        case unwritable
    }

    /// The kind of trouble.
    public let code: Code
    /// One line: what, in which file, and how to mend it.
    public let message: String

    /// Makes an error of a code and its one line.
    public init(_ code: Code, _ message: String) {
        self.code = code
        self.message = message
    }

    /// The one line.
    public var description: String { message }
}
