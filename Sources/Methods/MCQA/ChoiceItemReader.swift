// Files of multiple-choice items as they are published, told apart by their members:
//
//   MMLU             {"id" or "uid", "subject", "question": "...", "choices": [...], "answer": 2}
//   CommonsenseQA    {"id", "question": {"stem": "...", "choices": [{"label": "A", "text": "..."}]},
//   and OpenBookQA    "answerKey": "A"}
//   ARC              {"id", "question": "...", "choices": {"text": [...], "label": [...]}, "answerKey": "A"}
//   AGIEval          {"passage": "...", "question": "...", "options": ["(A)...", ...], "label": "B"}
//   BIG-Bench Hard   {"examples": [{"input": "...\nOptions:\n(A) ...\n(B) ...", "target": "(B)"}]}, or a
//                    line for each example
//   OpenBookQA as    [{"instruction": "... question: ... Answer1: ... Answer2: ...", "answer": "answer2"}]
//   instructions
//
// An answer is an index from 0, a letter from A, or the right choice itself.

import Corpus
import Foundation

/// Reads files of items.
struct ChoiceItemReader {
    /// What items are about whose file doesn't say it.
    static let noSubject = "general"

    /// The items, in the order of the files.
    private(set) var items: [ChoiceItem] = []
    /// Rows that repeat another one, id and all.
    private(set) var repeats = 0
    private var known: [String: Int] = [:]

    /// Reads files, gzip or not.
    ///
    /// - Throws: `CorpusError` where one can't be read; `MethodError` naming the row that is no item, or
    ///   whose id another item has.
    init(_ paths: [String]) throws {
        for path in paths { try read(path) }
    }

    private mutating func read(_ path: String) throws {
        let lines = try TextLines.read(path)
        guard let first = lines.first else {
            throw CorpusError(.empty, "\(path): the file holds no items")
        }
        if first.bytes.first(where: { $0 > 0x20 }) == UInt8(ascii: "[") {
            let whole = Data(lines.map(\.bytes).joined(separator: [UInt8(ascii: "\n")]))
            let rows: [ChoiceRow]
            do {
                rows = try JSONDecoder().decode([ChoiceRow].self, from: whole)
            } catch {
                throw Self.fault(path, "not a list of items")
            }
            for (number, row) in rows.enumerated() { try add(row, "\(path), item \(number + 1)") }
        } else if lines.count > 1, let whole = Self.examples(lines.map(\.bytes)) {
            for (number, row) in whole.enumerated() { try add(row, "\(path), item \(number + 1)") }
        } else {
            for line in lines {
                let place = "\(path):\(line.number)"
                guard let row = try? JSONDecoder().decode(ChoiceRow.self, from: Data(line.bytes))
                else {
                    throw Self.fault(place, "not a JSON object of an item")
                }
                try add(row, place)
            }
        }
    }

    /// The examples of a file that is one object over many lines; nil where it isn't.
    private static func examples(_ lines: [[UInt8]]) -> [ChoiceRow]? {
        guard (try? JSONDecoder().decode(ChoiceRow.self, from: Data(lines[0]))) == nil else {
            return nil
        }
        let whole = Data(lines.joined(separator: [UInt8(ascii: "\n")]))
        return try? JSONDecoder().decode(ChoiceRow.File.self, from: whole).examples
    }

    private mutating func add(_ row: ChoiceRow, _ place: String) throws {
        let item = try Self.item(row, place)
        if let index = known[item.id] {
            guard items[index] == item else {
                throw Self.fault(place, "the id '\(item.id)' is another item's; give each its own")
            }
            repeats += 1
            return
        }
        known[item.id] = items.count
        items.append(item)
    }

    private static func item(_ row: ChoiceRow, _ place: String) throws -> ChoiceItem {
        let parts: (question: String, choices: [String])
        switch (row.question, row.instruction ?? row.input) {
        case (.text(let text)?, _):
            parts = (row.withPassage(text), row.choices?.texts ?? row.options ?? [])
        case (.structured(let stem, let choices)?, _): parts = (stem, choices.map(\.text))
        case (nil, let text?):
            parts = try row.input.flatMap(ChoiceRow.listed) ?? instructed(text, place)
        case (nil, nil): throw fault(place, "there is no question")
        }
        let choices = ChoiceRow.withoutLetters(parts.choices.map { String($0.trimmed) })
        guard !parts.question.trimmed.isEmpty else { throw fault(place, "the question is empty") }
        guard (2...26).contains(choices.count), choices.allSatisfy({ !$0.isEmpty }) else {
            throw fault(place, "\(choices.count) choices; an item has 2 to 26, none empty")
        }
        guard let said = row.answer ?? row.answerKey ?? row.label ?? row.target,
            let answer = index(of: said, among: choices, row)
        else {
            throw fault(
                place, "the answer is none of the choices: an index from 0, a letter or its words")
        }
        let content = ([parts.question] + choices).joined(separator: "\n")
        return ChoiceItem(
            id: row.id ?? row.uid ?? ContentHash.id(of: content),
            subject: row.subject ?? noSubject, question: parts.question.trimmed, choices: choices,
            answer: answer)
    }

    private static func index(
        of answer: ChoiceRow.Answer, among choices: [String], _ row: ChoiceRow
    ) -> Int? {
        switch answer {
        case .number(let index): return choices.indices.contains(index) ? index : nil
        case .text(let text):
            if case .structured(_, let labelled)? = row.question,
                let index = labelled.firstIndex(where: { $0.label == text })
            {
                return index
            }
            if let index = row.choices?.labels?.firstIndex(of: text) { return index }
            if text.hasPrefix("answer"), let number = Int(text.dropFirst("answer".count)) {
                return choices.indices.contains(number - 1) ? number - 1 : nil
            }
            let letters = LLM2LLMTask.letters.prefix(choices.count)
            let bare =
                text.hasPrefix("(") && text.hasSuffix(")") ? text.dropFirst().dropLast() : text[...]
            return letters.firstIndex(of: String(bare)) ?? choices.firstIndex(of: text.trimmed)
        }
    }

    /// `... question: STEM Answer1: ... Answer2: ... Answer format: ...`.
    private static func instructed(
        _ text: String, _ place: String
    ) throws -> (question: String, choices: [String]) {
        guard let start = text.firstRange(of: "question:") else {
            throw fault(place, "the instruction has no `question:`")
        }
        var rest = text[start.upperBound...]
        if let end = rest.firstRange(of: "Answer format:") { rest = rest[..<end.lowerBound] }
        var pieces: [String] = []
        while let mark = rest.firstRange(of: "Answer\(pieces.count + 1):") {
            pieces.append(String(rest[..<mark.lowerBound]))
            rest = rest[mark.upperBound...]
        }
        pieces.append(String(rest))
        return (pieces[0], Array(pieces.dropFirst()))
    }

    private static func fault(_ place: String, _ what: String) -> MethodError {
        MethodError(.invalidRecipe, "\(place): \(what)")
    }
}
