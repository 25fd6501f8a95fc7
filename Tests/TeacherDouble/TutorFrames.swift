// The stories of the tutor's word problems: who has what, in what, and what happens to it. A problem is a
// frame filled with a chain of operations; what is said here is all that a problem ever says, so that
// each of its sentences can be read back.

/// Where a story happens.
struct TutorFrame: Sendable {
    /// What is counted, in the plural.
    let things: [String]
    /// What they lie in, in the plural.
    let boxes: [String]
    /// A sentence by which `#` things come; `%` is he or she.
    let gain: String
    /// A sentence by which `#` things go.
    let loss: String

    static let all = [
        TutorFrame(
            things: ["apples", "pears", "lemons", "plums"], boxes: ["bags", "crates", "baskets"],
            gain: "Then % buys # more.", loss: "Then % sells # of them."),
        TutorFrame(
            things: ["pens", "books", "rulers", "maps"], boxes: ["shelves", "desks", "drawers"],
            gain: "Then % finds # more.", loss: "Then % lends # of them."),
        TutorFrame(
            things: ["roses", "tulips", "beans", "ferns"], boxes: ["rows", "pots", "beds"],
            gain: "Then % plants # more.", loss: "Then # of them die."),
        TutorFrame(
            things: ["cakes", "buns", "rolls", "tarts"], boxes: ["trays", "plates", "tins"],
            gain: "Then % bakes # more.", loss: "Then % eats # of them."),
    ]

    /// First names with the pronoun that goes with each.
    static let people: [(name: String, pronoun: String)] = [
        ("Mia", "she"), ("Tom", "he"), ("Anna", "she"), ("Ben", "he"), ("Lea", "she"),
        ("Max", "he"), ("Nora", "she"), ("Paul", "he"), ("Eva", "she"), ("Sam", "he"),
    ]

    // `@` is the name, `&` the things, `$` the boxes.
    static let have = "@ has # &."
    static let rows = "@ has # $ with # & in each."
    static let times = "Then the number grows to # times as many."
    static let share = "Then % puts them into # $, the same number in each."
    static let askAll = "How many & does @ have now?"
    static let askOne = "How many & are in each of the $?"
}

/// One operation of a chain.
enum TutorStep: String, Sendable, CaseIterable {
    case gain = "+"
    case loss = "-"
    case times = "*"
    case share = "/"

    /// The result; nil where it isn't a whole number.
    func apply(_ left: Int, _ right: Int) -> Int? {
        switch self {
        case .gain: left + right
        case .loss: left - right
        case .times: left * right
        case .share: right > 0 && left % right == 0 ? left / right : nil
        }
    }
}

/// What kind of problem it is, besides its story and its numbers.
struct TutorShape: Sendable, Hashable {
    /// Whether it begins with rows of things, a product, or with a number of them.
    let beginsWithRows: Bool
    /// What happens then; only the last may share.
    let steps: [TutorStep]

    init(rows: Bool, _ steps: [TutorStep]) {
        beginsWithRows = rows
        self.steps = steps
    }

    /// How many operations it takes.
    var operations: Int { steps.count + (beginsWithRows ? 1 : 0) }

    /// One operation each: what the student has seen before.
    static let easy = [
        TutorShape(rows: false, [.gain]), TutorShape(rows: false, [.loss]),
        TutorShape(rows: false, [.times]), TutorShape(rows: false, [.share]),
        TutorShape(rows: true, []),
    ]
    /// Two and three operations.
    static let hard = [
        TutorShape(rows: true, [.gain]), TutorShape(rows: true, [.loss]),
        TutorShape(rows: true, [.share]), TutorShape(rows: false, [.gain, .share]),
        TutorShape(rows: false, [.loss, .times]), TutorShape(rows: false, [.times, .gain]),
        TutorShape(rows: true, [.gain, .share]),
    ]
    /// What an examination is made of.
    static let examination = easy + hard
}
