// Small tasks on letters and numbers, graded: each family says in several ways what is to be done with a few
// items, and its answer is known. What is said here is all that a task ever says, so each can be read back.

/// What the items of a task are.
enum InstructorDomain: String, Sendable, CaseIterable {
    case letters, numbers

    /// The items that there are.
    var items: [String] {
        switch self {
        case .letters: "abcdefghijklmnopqrst".map(String.init)
        case .numbers: "0123456789".map(String.init)
        }
    }
}

/// A family of tasks.
struct InstructorFamily: Sendable {
    let domain: InstructorDomain
    /// The word for it where nothing is said around it: what a student has seen before.
    let name: String
    /// Whether everybody asks for it; the others are rare.
    let isCommon: Bool
    /// Ways to say it; `#` stands for the items.
    let wordings: [String]
    let solve: @Sendable ([String]) -> [String]

    private init(
        _ domain: InstructorDomain, _ name: String, isCommon: Bool = false, _ wordings: [String],
        _ solve: @escaping @Sendable ([String]) -> [String]
    ) {
        self.domain = domain
        self.name = name
        self.isCommon = isCommon
        self.wordings = wordings
        self.solve = solve
    }

    static let all: [InstructorFamily] = [
        .init(
            .letters, "copy", isCommon: true,
            ["Write the letters # again.", "Repeat # just as they stand.", "Copy out # for me."]
        ) { $0 },
        .init(
            .letters, "first", isCommon: true,
            [
                "Which letter stands first in # ?", "Give only the first of # to me.",
                "Say with which letter # begins.",
            ]
        ) { Array($0.prefix(1)) },
        .init(
            .letters, "last",
            [
                "Which letter stands last in # ?", "Name the one that closes # here.",
                "Say with which letter # ends.",
            ]
        ) { Array($0.suffix(1)) },
        .init(
            .letters, "reverse",
            [
                "Write # from the end to the beginning.", "Turn # around, so it runs backwards.",
                "Put # in reverse order.",
            ]
        ) { $0.reversed() },
        .init(
            .letters, "sort",
            [
                "Put # in the order of the alphabet.", "Sort these letters from a on: # now.",
                "Arrange # as a dictionary would.",
            ]
        ) { $0.sorted() },
        .init(
            .letters, "double",
            [
                "Write each letter of # twice.", "Double every one of # in its place.",
                "Say # with each letter two times.",
            ]
        ) { $0.flatMap { [$0, $0] } },
        .init(
            .letters, "behead",
            [
                "Leave out the first of # and write the others.",
                "Drop what stands in front of # here.",
                "Take # without its head.",
            ]
        ) { Array($0.dropFirst()) },
        .init(
            .letters, "swap",
            [
                "Exchange the outer two of # and keep the middle.",
                "Let both ends of # change places.",
                "Swap the first and the last in # now.",
            ]
        ) { items in
            var items = items
            items.swapAt(0, items.count - 1)
            return items
        },
        .init(
            .numbers, "again", isCommon: true,
            ["Write the numbers # again.", "Repeat # as they stand.", "Note down # for me."]
        ) { $0 },
        .init(
            .numbers, "largest", isCommon: true,
            [
                "Which number is the largest of # ?", "Find the greatest among # for me.",
                "Say the highest of # here.",
            ]
        ) { [$0.max() ?? ""] },
        .init(
            .numbers, "smallest",
            [
                "Which number is the smallest of # ?", "Find the least among # for us.",
                "Say what is lowest in # here.",
            ]
        ) { [$0.min() ?? ""] },
        .init(
            .numbers, "rising",
            [
                "Order # from small to great.", "Let # rise from left to right.",
                "Count up through # in order.",
            ]
        ) { $0.sorted() },
        .init(
            .numbers, "falling",
            [
                "Order # from great to small.", "Let # fall from left to right.",
                "Go down through # step by step.",
            ]
        ) { $0.sorted().reversed() },
        .init(
            .numbers, "next",
            [
                "Add one to each of # please.", "Write what follows each number of # in counting.",
                "Raise every one of # by one.",
            ]
        ) { $0.map { String((Int($0) ?? 0) + 1) } },
        .init(
            .numbers, "count",
            [
                "How many numbers are there in # ?", "Tell the length of this list: # now.",
                "Say how long the row # is.",
            ]
        ) { [String($0.count)] },
        .init(
            .numbers, "curtail",
            [
                "Leave out the last of # and write the others.",
                "Drop what stands at the end of # here.",
                "Take # without its tail.",
            ]
        ) { Array($0.dropLast()) },
    ]
}

/// A task with its items.
struct InstructorTask: Equatable {
    let family: Int
    let wording: Int
    let items: [String]

    private var kind: InstructorFamily { InstructorFamily.all[family] }
    var domain: InstructorDomain { kind.domain }

    /// A task of a family.
    init(family: Int, _ draws: inout TutorDraws) {
        self.family = family
        let kind = InstructorFamily.all[family]
        wording = draws.below(kind.wordings.count)
        let all = kind.domain.items
        items = (0..<(5 + draws.below(3))).map { _ in draws.one(of: all) }
    }

    /// What is asked.
    var text: String {
        kind.wordings[wording].replacing("#", with: items.joined(separator: " "))
    }

    /// What is to be said.
    var answer: String { kind.solve(items).joined(separator: " ") }

    /// The same without words around it.
    var bare: String { "\(kind.name): \(items.joined(separator: " "))" }

    /// Reads a task back; nil for one that nobody here wrote.
    init?(reading text: String) {
        for (family, kind) in InstructorFamily.all.enumerated() {
            for (wording, words) in kind.wordings.enumerated() {
                let parts = words.split(separator: "#", omittingEmptySubsequences: false)
                guard text.hasPrefix(parts[0]), text.hasSuffix(parts[1]),
                    text.count > words.count
                else { continue }
                let middle = text.dropFirst(parts[0].count).dropLast(parts[1].count)
                let items = middle.split(separator: " ").map(String.init)
                guard items.count > 1, items.allSatisfy(kind.domain.items.contains) else {
                    continue
                }
                self.init(family: family, wording: wording, items: items)
                guard self.text == text else { continue }
                return
            }
        }
        return nil
    }

    private init(family: Int, wording: Int, items: [String]) {
        self.family = family
        self.wording = wording
        self.items = items
    }
}
