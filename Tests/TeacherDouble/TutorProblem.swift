// A word problem: drawn, told, solved, and read back from its words. Everything about it is a function of
// the draws, so the same request gets the same problem.

/// Draws of a key, one after the other.
struct TutorDraws {
    private let key: UInt64
    private var count: UInt64 = 0

    init(_ key: UInt64) { self.key = key }

    mutating func unit() -> Double {
        count += 1
        return Hash.unit(Hash.mix(key, count))
    }

    mutating func below(_ bound: Int) -> Int { min(bound - 1, Int(unit() * Double(bound))) }

    mutating func one<Element>(of elements: [Element]) -> Element {
        elements[below(elements.count)]
    }
}

/// A problem with all that it says.
struct TutorProblem: Equatable {
    var frame: Int
    var person: Int
    var thing: String
    /// What the things lie in, and what they are put into; two words that differ.
    var boxes: [String]
    var shape: TutorShape
    /// The numbers in the order in which they are told.
    var numbers: [Int]

    /// The largest number that any step may reach.
    static let limit = 40

    /// A problem of a shape.
    ///
    /// - Parameters:
    ///   - digits: How many digits each number has; nil for any.
    ///   - frame: The story's frame; nil for any.
    init(
        _ shape: TutorShape, digits: [Int]? = nil, frame: Int? = nil, _ draws: inout TutorDraws
    ) {
        self.shape = shape
        self.frame = frame ?? draws.below(TutorFrame.all.count)
        person = draws.below(TutorFrame.people.count)
        let story = TutorFrame.all[self.frame]
        thing = draws.one(of: story.things)
        let first = draws.below(story.boxes.count)
        let second = (first + 1 + draws.below(story.boxes.count - 1)) % story.boxes.count
        boxes = [story.boxes[first], story.boxes[second]]
        numbers = []
        for attempt in 0..<4_000 {
            // Late attempts forget the digits: some can't be met.
            numbers = Self.numbers(shape, attempt < 2_000 ? digits : nil, &draws)
            if results != nil { return }
        }
        preconditionFailure("no numbers for \(shape)")
    }

    private static func numbers(
        _ shape: TutorShape, _ digits: [Int]?, _ draws: inout TutorDraws
    ) -> [Int] {
        let small: [Bool] =
            (shape.beginsWithRows ? [true, true] : [shape.steps.first == .times])
            + shape.steps.map { $0 == .times || $0 == .share }
        return small.enumerated().map { index, isSmall in
            let wanted = digits.flatMap { index < $0.count ? $0[index] : nil }
            switch wanted ?? (isSmall || draws.unit() < 0.4 ? 1 : 2) {
            case 1: return 2 + draws.below(8)
            default: return 10 + draws.below(isSmall ? 11 : 26)
            }
        }
    }

    /// The result of each operation; nil where one isn't a whole number from 1 to the limit.
    var results: [Int]? {
        var value = numbers[0]
        var rest = numbers.dropFirst()
        var results: [Int] = []
        for step in (shape.beginsWithRows ? [TutorStep.times] : []) + shape.steps {
            guard let next = rest.popFirst(), let result = step.apply(value, next),
                (1...Self.limit).contains(result)
            else { return nil }
            value = result
            results.append(result)
        }
        return results
    }

    /// The number that is asked for.
    var answer: Int { results?.last ?? numbers[0] }

    /// How many digits each number has.
    var digits: [Int] { numbers.map { String($0).count } }

    // MARK: - Words

    /// The question.
    var question: String {
        let story = TutorFrame.all[frame]
        var sentences = [shape.beginsWithRows ? TutorFrame.rows : TutorFrame.have]
        for step in shape.steps {
            switch step {
            case .gain: sentences.append(story.gain)
            case .loss: sentences.append(story.loss)
            case .times: sentences.append(TutorFrame.times)
            case .share: sentences.append(TutorFrame.share)
            }
        }
        sentences.append(shape.steps.last == .share ? TutorFrame.askOne : TutorFrame.askAll)
        let person = TutorFrame.people[person]
        var left = numbers[...]
        var told = ""
        for sentence in sentences {
            if !told.isEmpty { told += " " }
            // Rows lie in the first word, and go into the second.
            let isPutting = sentence == TutorFrame.share || sentence == TutorFrame.askOne
            for letter in sentence {
                switch letter {
                case "@": told += person.name
                case "%": told += person.pronoun
                case "&": told += thing
                case "$": told += boxes[isPutting ? 1 : 0]
                case "#": told += String(left.popFirst() ?? 0)
                default: told.append(letter)
                }
            }
        }
        return told
    }

    /// Each step with its result, without the mark of the end.
    var working: String {
        var value = numbers[0]
        let steps = (shape.beginsWithRows ? [TutorStep.times] : []) + shape.steps
        return zip(steps, zip(numbers.dropFirst(), results ?? [])).map { step, pair in
            defer { value = pair.1 }
            return "\(value) \(step.rawValue) \(pair.0) = \(pair.1)."
        }.joined(separator: " ")
    }

    /// The worked answer.
    var solution: String { "\(working) #### \(answer)" }

    // MARK: - Reading

    /// Reads a question back; nil for one that no tutor wrote.
    init?(reading question: String) {
        for (index, story) in TutorFrame.all.enumerated() {
            if let problem = Self.read(question, index, story) {
                self = problem
                return
            }
        }
        return nil
    }

    private init(
        frame: Int, person: Int, thing: String, boxes: [String], shape: TutorShape, numbers: [Int]
    ) {
        self.frame = frame
        self.person = person
        self.thing = thing
        self.boxes = boxes
        self.shape = shape
        self.numbers = numbers
    }

    private static func read(_ question: String, _ frame: Int, _ story: TutorFrame) -> Self? {
        let words = question.split { $0.isWhitespace || ".,?".contains($0) }.map(String.init)
        let numbers = words.compactMap(Int.init)
        guard let name = words.first,
            let person = TutorFrame.people.firstIndex(where: { $0.name == name }),
            let thing = words.first(where: { story.things.contains($0) })
        else { return nil }
        let named = words.filter { story.boxes.contains($0) }
        let beginsWithRows = words.count > 4 && words[4] == "with"
        let steps = sentences(question).dropFirst().dropLast()
            .map { sentence in patterns(story).first { matches(sentence, $0.pattern) }?.step }
        guard !steps.contains(nil), numbers.count == steps.count + (beginsWithRows ? 2 : 1) else {
            return nil
        }
        let first = beginsWithRows ? named.first : nil
        let last = steps.last == .share ? named.last : nil
        let unused = story.boxes.filter { $0 != first && $0 != last }
        let read = TutorProblem(
            frame: frame, person: person, thing: thing,
            boxes: [first ?? unused[0], last ?? unused[unused.count - 1]],
            shape: TutorShape(rows: beginsWithRows, steps.compactMap { $0 }), numbers: numbers)
        // Told again it must say the same: whatever was misread shows here.
        return read.results != nil && read.question == question ? read : nil
    }

    private static func patterns(_ story: TutorFrame) -> [(step: TutorStep, pattern: String)] {
        [
            (.gain, story.gain), (.loss, story.loss), (.times, TutorFrame.times),
            (.share, TutorFrame.share),
        ]
    }

    private static func sentences(_ text: String) -> [String] {
        var sentences: [String] = []
        var current = ""
        for letter in text {
            current.append(letter)
            if letter == "." || letter == "?" {
                sentences.append(String(current.drop { $0 == " " }))
                current = ""
            }
        }
        return sentences
    }

    /// Whether a sentence has a pattern's words, whatever stands at its places.
    private static func matches(_ sentence: String, _ pattern: String) -> Bool {
        let said = sentence.split(separator: " ")
        let wanted = pattern.split(separator: " ")
        return said.count == wanted.count
            && zip(said, wanted).allSatisfy { word, wanted in
                wanted.contains { "@%&$#".contains($0) } || word == wanted
            }
    }
}
