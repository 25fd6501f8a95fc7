// What the stages ask of a Unicode scalar: sets, lower case, decomposition, combining class.
//
// Not the toolchain's own Unicode: the answers are those of Hugging Face `tokenizers`, held as text
// in UnicodeTableData and laid out for lookup once, at first use. One 16-bit word a scalar tells all
// the sets and whether a mapping exists; the mappings themselves are found by binary search.

/// The sets that a scalar is in.
struct ScalarProperties: OptionSet, Sendable {
    let rawValue: UInt16

    static let whitespace = ScalarProperties(rawValue: 1 << 0)
    static let removed = ScalarProperties(rawValue: 1 << 1)
    static let punctuation = ScalarProperties(rawValue: 1 << 2)
    static let chinese = ScalarProperties(rawValue: 1 << 3)
    static let nonspacingMark = ScalarProperties(rawValue: 1 << 4)
    static let combiningMark = ScalarProperties(rawValue: 1 << 5)
    static let word = ScalarProperties(rawValue: 1 << 6)
    static let hasCombiningClass = ScalarProperties(rawValue: 1 << 7)
    static let hasLowercase = ScalarProperties(rawValue: 1 << 8)
    static let hasDecomposition = ScalarProperties(rawValue: 1 << 9)
    /// `\p{L}` of the regular expressions.
    static let letter = ScalarProperties(rawValue: 1 << 10)
    /// `\p{N}` of the regular expressions.
    static let number = ScalarProperties(rawValue: 1 << 11)
    /// What the pre-tokenizer `Digits` takes for one; a newer Unicode than `number`.
    static let digit = ScalarProperties(rawValue: 1 << 12)
    /// A text without any such scalar is its own NFC.
    static let mayCompose = ScalarProperties(rawValue: 1 << 13)
    /// NFKD makes more of it than NFD.
    static let hasCompatibility = ScalarProperties(rawValue: 1 << 14)
}

/// How far a decomposition goes.
enum DecompositionForm: Sendable {
    /// To what looks and means the same: NFD.
    case canonical
    /// To what means nearly the same, `ﬁ` to `fi`: NFKD.
    case compatibility

    /// The scalars that it takes apart.
    var decomposing: ScalarProperties {
        self == .canonical ? .hasDecomposition : [.hasDecomposition, .hasCompatibility]
    }
}

/// The tables, laid out for lookup.
enum UnicodeTables {
    private static let scalarCount = 0x110000

    /// The sets of every scalar, indexed by its value.
    static let properties: [ScalarProperties] = {
        var table = [ScalarProperties](repeating: [], count: scalarCount)
        let sets: [(String, ScalarProperties)] = [
            (UnicodeTableData.whitespace, .whitespace), (UnicodeTableData.removed, .removed),
            (UnicodeTableData.punctuation, .punctuation), (UnicodeTableData.chinese, .chinese),
            (UnicodeTableData.nonspacingMark, .nonspacingMark),
            (UnicodeTableData.combiningMark, .combiningMark), (UnicodeTableData.word, .word),
            (UnicodePatternData.letter, .letter), (UnicodePatternData.number, [.number, .digit]),
            (UnicodePatternData.numeric, .digit), (UnicodePatternData.recomposed, .mayCompose),
        ]
        for (text, property) in sets {
            TableReader.forEachInSet(text) { table[$0].formUnion(property) }
        }
        for range in combiningClasses {
            for scalar in range.first...range.last {
                table[Int(scalar)].formUnion([.hasCombiningClass, .mayCompose])
            }
        }
        for scalar in Compositions.secondScalars { table[Int(scalar)].formUnion(.mayCompose) }
        for scalar in lowercaseMap.keys { table[Int(scalar)].formUnion(.hasLowercase) }
        table[Int(dottedCapitalI)].formUnion(.hasLowercase)
        for scalar in decompositionMap.keys { table[Int(scalar)].formUnion(.hasDecomposition) }
        for scalar in compatibilityMap.keys { table[Int(scalar)].formUnion(.hasCompatibility) }
        for scalar in Hangul.syllables { table[Int(scalar)].formUnion(.hasDecomposition) }
        return table
    }()

    // MARK: Lower case

    /// The one scalar whose lower case is two: `i` and U+0307.
    static let dottedCapitalI: UInt32 = 0x130

    /// The lower case of a scalar with `.hasLowercase`, other than `dottedCapitalI`.
    static func lowercase(_ scalar: UInt32) -> UInt32 {
        guard let index = lowercaseMap.keys.index(ofSorted: scalar) else { return scalar }
        return lowercaseMap.values[index]
    }

    private static let lowercaseMap: (keys: [UInt32], values: [UInt32]) = {
        var pairs: [(key: UInt32, value: UInt32)] = []
        var reader = TableReader(UnicodeTableData.lowercase)
        while let first = reader.number() {
            _ = reader.skip(",")
            let count = reader.number() ?? 0
            _ = reader.skip(",")
            let step = reader.number() ?? 1
            _ = reader.skip(",")
            let isNegative = reader.skip("-")
            let distance = (reader.number() ?? 0) * (isNegative ? -1 : 1)
            for index in 0..<count {
                let scalar = first + index * step
                pairs.append((UInt32(scalar), UInt32(scalar + distance)))
            }
        }
        pairs.sort { $0.key < $1.key }
        return (pairs.map(\.key), pairs.map(\.value))
    }()

    // MARK: Decomposition

    /// Calls `body` with each scalar of the whole canonical decomposition of `scalar`, which has one.
    @inline(__always)
    static func decompose(_ scalar: UInt32, _ body: (UInt32) -> Void) {
        if Hangul.syllables.contains(scalar) {
            Hangul.decompose(scalar, body)
        } else if !decompositionMap.decompose(scalar, body) {
            body(scalar)
        }
    }

    /// Calls `body` with each scalar of the whole decomposition of `scalar`, which has one.
    @inline(__always)
    static func decompose(
        _ scalar: UInt32, _ form: DecompositionForm, _ body: (UInt32) -> Void
    ) {
        if form == .compatibility, compatibilityMap.decompose(scalar, body) { return }
        decompose(scalar, body)
    }

    private static let decompositionMap = DecompositionMap(UnicodeTableData.decomposition)
    private static let compatibilityMap = DecompositionMap(UnicodeCompatibilityData.decomposition)

    // MARK: Combining class

    /// The canonical combining class; zero for whatever lacks `.hasCombiningClass`.
    static func combiningClass(_ scalar: UInt32) -> UInt8 {
        var low = 0
        var high = combiningClasses.count
        while low < high {
            let middle = (low + high) / 2
            let range = combiningClasses[middle]
            if scalar < range.first {
                high = middle
            } else if scalar > range.last {
                low = middle + 1
            } else {
                return range.value
            }
        }
        return 0
    }

    private static let combiningClasses: [(first: UInt32, last: UInt32, value: UInt8)] = {
        var ranges: [(first: UInt32, last: UInt32, value: UInt8)] = []
        var reader = TableReader(UnicodeTableData.combiningClass)
        var last = 0
        while let gap = reader.number() {
            let first = last + gap
            _ = reader.skip("-")
            last = first + (reader.number() ?? 0)
            _ = reader.skip(",")
            ranges.append((UInt32(first), UInt32(last), UInt8(reader.number() ?? 0)))
        }
        return ranges
    }()
}

/// What scalars are decomposed to.
private struct DecompositionMap: Sendable {
    private(set) var keys: [UInt32] = []
    private var starts: [Int32] = [0]
    private var scalars: [UInt32] = []

    /// The map of a table: "gap:scalars".
    init(_ text: String) {
        var reader = TableReader(text)
        var key = 0
        while !reader.isAtEnd {
            key += reader.number() ?? 1
            keys.append(UInt32(key))
            _ = reader.skip(":")
            repeat { scalars.append(UInt32(reader.number() ?? 0)) } while reader.skip(",")
            starts.append(Int32(scalars.count))
        }
    }

    /// Calls `body` with each scalar of a decomposition; false where the map has none.
    @inline(__always)
    func decompose(_ scalar: UInt32, _ body: (UInt32) -> Void) -> Bool {
        guard let index = keys.index(ofSorted: scalar) else { return false }
        for position in Int(starts[index])..<Int(starts[index + 1]) { body(scalars[position]) }
        return true
    }
}

/// Korean syllables, whose decomposition is computed (Unicode, section 3.12).
private enum Hangul {
    static let syllables: Range<UInt32> = 0xAC00..<0xD7A4

    @inline(__always)
    static func decompose(_ syllable: UInt32, _ body: (UInt32) -> Void) {
        let index = syllable - syllables.lowerBound
        body(0x1100 + index / 588)
        body(0x1161 + index % 588 / 28)
        if index % 28 != 0 { body(0x11A7 + index % 28) }
    }
}

/// Reads the numbers and separators of UnicodeTableData.
struct TableReader {
    private let bytes: [UInt8]
    private var position = 0

    init(_ text: String) {
        bytes = Array(text.utf8)
    }

    var isAtEnd: Bool { position == bytes.count }

    /// The next hexadecimal number, with the white space before it; nil where none begins.
    mutating func number() -> Int? {
        while position < bytes.count, bytes[position] == 0x20 || bytes[position] == 0x0A {
            position += 1
        }
        var value: Int?
        while position < bytes.count, let digit = hexadecimalDigit(bytes[position]) {
            value = (value ?? 0) << 4 | Int(digit)
            position += 1
        }
        return value
    }

    /// Calls `body` with every scalar of a set: "gap" or "gap-length".
    static func forEachInSet(_ text: String, _ body: (Int) -> Void) {
        var reader = TableReader(text)
        var last = 0
        while let gap = reader.number() {
            let first = last + gap
            last = first + (reader.skip("-") ? reader.number() ?? 0 : 0)
            for scalar in first...last { body(scalar) }
        }
    }

    /// Steps over `separator` if it comes next.
    mutating func skip(_ separator: Character) -> Bool {
        guard position < bytes.count, bytes[position] == separator.asciiValue else { return false }
        position += 1
        return true
    }
}

extension Array where Element == UInt32 {
    /// Where `value` is in this sorted array.
    fileprivate func index(ofSorted value: UInt32) -> Int? {
        var low = 0
        var high = count
        while low < high {
            let middle = (low + high) / 2
            if self[middle] < value { low = middle + 1 } else { high = middle }
        }
        return low < count && self[low] == value ? low : nil
    }
}
