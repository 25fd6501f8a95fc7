// Where a text is cut into what a reader takes for characters: extended grapheme clusters (Unicode
// Standard Annex 29), by the sets that Hugging Face `tokenizers` goes by.
//
// Not the toolchain's Character, whose rules change with it. Flags are cut into their letters here:
// each is too large to matter to `PrecompiledMap`, which is alone in asking.

/// The sets of the rules.
struct GraphemeProperties: OptionSet, Sendable {
    let rawValue: UInt16

    static let extending = GraphemeProperties(rawValue: 1 << 0)
    static let spacing = GraphemeProperties(rawValue: 1 << 1)
    static let prepending = GraphemeProperties(rawValue: 1 << 2)
    static let control = GraphemeProperties(rawValue: 1 << 3)
    static let leading = GraphemeProperties(rawValue: 1 << 4)
    static let vowel = GraphemeProperties(rawValue: 1 << 5)
    static let tail = GraphemeProperties(rawValue: 1 << 6)
    /// A Korean syllable without a trailing consonant, or with one.
    static let openSyllable = GraphemeProperties(rawValue: 1 << 7)
    static let closedSyllable = GraphemeProperties(rawValue: 1 << 8)
    static let pictographic = GraphemeProperties(rawValue: 1 << 9)
    static let consonant = GraphemeProperties(rawValue: 1 << 10)
    static let linker = GraphemeProperties(rawValue: 1 << 11)
    static let conjunct = GraphemeProperties(rawValue: 1 << 12)

    /// The sets of every scalar, indexed by its value.
    static let table: [GraphemeProperties] = {
        var table = [GraphemeProperties](repeating: [], count: 0x110000)
        let sets: [(String, GraphemeProperties)] = [
            (UnicodeGraphemeData.extending, .extending), (UnicodeGraphemeData.spacing, .spacing),
            (UnicodeGraphemeData.prepending, .prepending), (UnicodeGraphemeData.control, .control),
            (UnicodeGraphemeData.leading, .leading), (UnicodeGraphemeData.vowel, .vowel),
            (UnicodeGraphemeData.tail, .tail), (UnicodeGraphemeData.pictographic, .pictographic),
            (UnicodeGraphemeData.consonant, .consonant), (UnicodeGraphemeData.linker, .linker),
            (UnicodeGraphemeData.conjunct, .conjunct),
        ]
        for (text, property) in sets {
            TableReader.forEachInSet(text) { table[$0].formUnion(property) }
        }
        for syllable in 0xAC00..<0xD7A4 {
            let isOpen = (syllable - 0xAC00) % 28 == 0
            table[syllable].formUnion(isOpen ? .openSyllable : .closedSyllable)
        }
        return table
    }()
}

/// A walk over scalars that says between which of them a cluster ends.
struct GraphemeBreaker {
    private enum Emoji { case none, pictograph, joined }
    private enum Conjunct { case none, consonant, linked }

    private var last: GraphemeProperties = .control
    private var endsInCarriageReturn = false
    private var emoji = Emoji.none
    private var conjunct = Conjunct.none

    /// Takes the next scalar; returns whether it belongs to the cluster of the one before.
    @inline(__always)
    mutating func joins(_ scalar: UInt32, _ next: GraphemeProperties) -> Bool {
        // Two scalars without any property, as most are, are two clusters.
        if last.isEmpty, next.isEmpty { return false }
        defer { step(scalar, next) }
        // The numbers are those of the annex's rules.
        if endsInCarriageReturn, scalar == 0x0A { return true }  // GB3
        if last.contains(.control) || next.contains(.control) { return false }  // GB4, GB5
        let isOpen = !last.isDisjoint(with: [.vowel, .openSyllable])
        let isClosed = !last.isDisjoint(with: [.tail, .closedSyllable])
        if last.contains(.leading),
            !next.isDisjoint(with: [.leading, .vowel, .openSyllable, .closedSyllable])
        {
            return true  // GB6
        }
        if isOpen, !next.isDisjoint(with: [.vowel, .tail]) { return true }  // GB7
        if isClosed, next.contains(.tail) { return true }  // GB8
        if next.contains(.extending) || last.contains(.prepending) { return true }  // GB9, 9a, 9b
        if conjunct == .linked, next.contains(.consonant) { return true }  // GB9c
        return emoji == .joined && next.contains(.pictographic)  // GB11
    }

    private mutating func step(_ scalar: UInt32, _ next: GraphemeProperties) {
        let isJoiner = scalar == 0x200D
        if next.contains(.pictographic) {
            emoji = .pictograph
        } else if emoji == .pictograph, isJoiner {
            emoji = .joined
        } else if emoji != .pictograph || !next.contains(.extending) || next.contains(.spacing) {
            emoji = .none
        }
        if next.contains(.consonant) {
            conjunct = .consonant
        } else if conjunct != .none, next.contains(.linker) {
            conjunct = .linked
        } else if !next.contains(.conjunct) {
            conjunct = .none
        }
        last = next
        endsInCarriageReturn = scalar == 0x0D
    }
}
