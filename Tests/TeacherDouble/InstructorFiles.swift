// The files that a closed loop with the instructor needs: tasks as JSON lines, and a small untrained decoder
// with a token for every word and item. All are functions of the seed.

import ArgumentParser
import Foundation

/// What is written instead of serving.
struct InstructorFileOptions: ParsableArguments, Sendable {
    enum Mixture: String, ExpressibleByArgument, CaseIterable, Sendable {
        /// Items behind the family's name, every family alike: skills without anybody asking for them.
        case bare
        /// Tasks as people ask for them: the four common families nine times in ten.
        case asked
        /// Every family alike.
        case examination
    }

    @Option(help: "Writes tasks of a mixture and ends: bare, asked or examination.")
    var instructorData: Mixture?

    @Option(help: "Writes an untrained decoder for tasks into this folder and ends.")
    var instructorStudent: String?

    /// Writes what is asked for; false where nothing is.
    func write(_ sizes: TutorFileOptions, seed: UInt64) throws -> Bool {
        if let instructorData {
            let lines = Self.tasks(instructorData, count: sizes.count, seed: seed)
            try FileHandle.standardOutput.write(contentsOf: Data(lines.utf8))
        }
        if let instructorStudent {
            try TutorStudent(
                width: sizes.studentWidth, layers: sizes.studentLayers, seed: seed,
                sentences: Self.sentences
            ).write(to: instructorStudent)
        }
        return instructorData != nil || instructorStudent != nil
    }

    /// Tasks as JSON lines with `id`, `instruction`, `output`; none twice.
    static func tasks(_ mixture: Mixture, count: Int, seed: UInt64) -> String {
        var lines = ""
        var seen: Set<String> = []
        var number: UInt64 = 0
        let families = InstructorFamily.all.indices
        let common = families.filter { InstructorFamily.all[$0].isCommon }
        let rare = families.filter { !InstructorFamily.all[$0].isCommon }
        while seen.count < count {
            number += 1
            var draws = TutorDraws(Hash.mix(seed, number))
            let family =
                mixture == .asked
                ? draws.one(of: draws.unit() < 0.9 ? common : rare)
                : families[seen.count % families.count]
            let task = InstructorTask(family: family, &draws)
            let text = mixture == .bare ? task.bare : task.text
            guard seen.insert(text).inserted else { continue }
            lines +=
                "{\"id\":\"\(mixture.rawValue)-\(seed)-\(seen.count)\",\"instruction\":\"\(text)\","
                + "\"output\":\"\(task.answer)\"}\n"
        }
        return lines
    }

    /// All that tasks and prompts say.
    private static var sentences: [String] {
        InstructorFamily.all.flatMap { [$0.name] + $0.wordings }
            + ["Answer", InstructorDomain.letters.items.joined(separator: " ")]
    }
}
