// The classes of a task in their order: index `i` is output `i` of the student.

/// The class names of a task, in order.
public struct LabelSet: Sendable, Hashable {
    /// The names; a name's index is its class.
    public let names: [String]
    private let indexes: [String: Int]

    /// A set of names in the given order; no name may be empty or stand twice.
    public init(_ names: [String]) throws(CorpusError) {
        guard !names.isEmpty else { throw CorpusError(.badLabel, "there are no class names") }
        var indexes: [String: Int] = [:]
        for (index, name) in names.enumerated() {
            guard !name.isEmpty else {
                throw CorpusError(.badLabel, "class name \(index + 1) is empty")
            }
            guard indexes.updateValue(index, forKey: name) == nil else {
                throw CorpusError(.badLabel, "the class name '\(name)' stands twice")
            }
        }
        self.names = names
        self.indexes = indexes
    }

    /// All class names that answers speak of, in the order of their bytes.
    public init(discoveredIn answers: some Sequence<LabelRecord>) throws(CorpusError) {
        var seen: Set<String> = []
        for answer in answers {
            if let label = answer.label { seen.insert(label) }
            if let probabilities = answer.labelProbabilities { seen.formUnion(probabilities.keys) }
        }
        try self.init(seen.sorted(by: JSONText.precedes))
    }

    /// All gold labels of records, in the order of their bytes.
    public init(discoveredIn records: [Record]) throws(CorpusError) {
        try self.init(Set(records.compactMap(\.label)).sorted(by: JSONText.precedes))
    }

    /// How many classes there are.
    public var count: Int { names.count }

    /// The name of a class.
    public subscript(index: Int) -> String { names[index] }

    /// The class of a name.
    public func index(of name: String) -> Int? { indexes[name] }

    /// The class of a name that must be known; `place` says where the name stood.
    public func index(of name: String, at place: some CustomStringConvertible)
        throws(CorpusError) -> Int
    {
        guard let index = indexes[name] else { throw unknown(name, "\(place)") }
        return index
    }

    /// An answer's probabilities in the order of the classes; a class it doesn't name has 0.
    public func probabilities(of answer: LabelRecord) throws(CorpusError) -> [Double] {
        guard let given = answer.labelProbabilities else {
            throw CorpusError(
                .badLabel, "record '\(answer.id)': the teacher gave no class probabilities")
        }
        var values = [Double](repeating: 0, count: count)
        var known = 0
        for (index, name) in names.enumerated() {
            guard let value = given[name] else { continue }
            values[index] = value
            known += 1
        }
        if known < given.count {
            let strangers = given.keys.filter { indexes[$0] == nil }.sorted(by: JSONText.precedes)
            throw unknown(strangers[0], "record '\(answer.id)'")
        }
        return values
    }

    private func unknown(_ name: String, _ place: String) -> CorpusError {
        let known = names.prefix(20).map { "'\($0)'" }.joined(separator: ", ")
        return CorpusError(
            .badLabel,
            "\(place): the label '\(name)' isn't among the \(count) classes: \(known)"
                + (count > 20 ? ", ..." : ""))
    }
}
