// The unit of everything that follows: one text with its id, and where it came from. A record knows
// no teacher and no student; labels made by a teacher are `LabelRecord`s that name its id.

/// Where a row stood: a file and the line on which it began.
public struct Place: Sendable, Hashable, CustomStringConvertible {
    /// The file's path as it was given.
    public let file: String
    /// The line, counted from 1; of a row over several lines, the first.
    public let line: Int

    /// Names a line of a file.
    public init(file: String, line: Int) {
        self.file = file
        self.line = line
    }

    /// `file:line`, as compilers write it.
    public var description: String { "\(file):\(line)" }
}

/// One text of a corpus.
public struct Record: Sendable, Hashable {
    /// The given id, or a hash of the text where none was given.
    public let id: String
    /// The text, as it stood.
    public let text: String
    /// The gold label, where the source names a label field.
    public let label: String?
    /// Further fields by name, where the source asks for them; otherwise empty.
    public let fields: [String: String]
    /// Where it stood.
    public let source: Place

    /// Makes a record; without an id it is named by the hash of its text.
    public init(
        id: String? = nil, text: String, label: String? = nil, fields: [String: String] = [:],
        source: Place
    ) {
        self.id = id ?? ContentHash.id(of: text)
        self.text = text
        self.label = label
        self.fields = fields
        self.source = source
    }
}
