// Instructions and lessons of a Lion run, and their files: JSON objects a line with sorted keys, so that
// the same instructions are the same bytes.

import Corpus
import Foundation

/// What a new instruction is made from.
enum LionKind: String, Codable, CaseIterable {
    /// From one whose gap is at the threshold or above: of the same kind.
    case hard
    /// From another one: rarer.
    case easy
}

/// An instruction of a pool.
struct LionInstruction: Codable, Equatable {
    let id: String
    /// What is to be done, with its input where it has one.
    let text: String
    /// What it was made from; nil for one that was read.
    var kind: LionKind?
    /// The instruction that it was made from.
    var parent: String?

    init(id: String, text: String, kind: LionKind? = nil, parent: String? = nil) {
        self.id = id
        self.text = text
        self.kind = kind
        self.parent = parent
    }

    init(_ record: Record) {
        self.init(id: record.id, text: record.text)
    }
}

/// Files of JSON lines.
enum LionLines {
    static func text<Element: Encodable>(_ elements: [Element]) throws -> String {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
        return try elements.map { String(decoding: try encoder.encode($0), as: UTF8.self) + "\n" }
            .joined()
    }

    /// Reads a file that this program wrote; nil where there is none.
    static func read<Element: Decodable>(
        _ path: String, of type: Element.Type = Element.self
    ) throws -> [Element]? {
        guard let data = FileManager.default.contents(atPath: path) else { return nil }
        let decoder = JSONDecoder()
        do {
            return try data.split(separator: UInt8(ascii: "\n")).map {
                try decoder.decode(type, from: Data($0))
            }
        } catch {
            throw MethodError(
                .unusableFolder,
                "\(path): not what a Lion run writes; begin again with --resume never")
        }
    }
}
