// The hash table under the vocabularies.

import Testing

@testable import Tokenizers

@Suite struct ByteStringTableTests {
    @Test func findsWhatWasInsertedThroughGrowth() {
        var table = ByteStringTable(capacity: 0)
        for number in 0..<5000 { table.insert(Array("key\(number)".utf8), Int32(number)) }
        table.insert([], 7)
        table.insert(Array("key17".utf8), -1)
        #expect(table.count == 5001)
        for number in 0..<5000 where number != 17 {
            #expect(table.value(Array("key\(number)".utf8)) == Int32(number))
        }
        #expect(table.value([]) == 7)
        #expect(table.value(Array("key17".utf8)) == -1)
        #expect(table.value(Array("key5000".utf8)) == nil)
        #expect(table.longestKey == 7)
    }
}
