// The tables as such: constants that fit together, and kernels called directly, at every alignment
// and length. Their values are the business of the TensorCore tests, which go through the same
// tables.

import CKernels
import Kernels
import Testing

@Suite struct KernelTableTests {
    @Test(arguments: InstructionSet.available)
    func constants(_ set: InstructionSet) {
        let table = KernelTable(set).functions.pointee
        #expect(table.lanes == [.baseline: 4, .avx2: 8, .avx512: 16, .avx512bf16: 16][set])
        #expect(table.column_tile % table.lanes == 0 && table.column_tile > 0)
        #expect(table.row_tile >= 1 && table.depth_limit >= 64)
        // Accumulators, one column of B and one broadcast of A fit the registers.
        let registers = set >= .avx512 ? 32 : 16
        #expect(table.row_tile * table.column_tile / table.lanes + 3 <= registers)
    }

    @Test func tablesThatThisBuildDoesNotHave() {
        for number: Int32 in [-1, 4, 100, .max, .min] {
            #expect(retort_kernel_table(number) == nil, "\(number)")
        }
        #expect(retort_processor_count() >= 1)
    }

    /// A kernel gets any address that a float may have, and touches its elements alone.
    @Test(arguments: InstructionSet.available)
    func everyAlignmentAndLength(_ set: InstructionSet) {
        let table = KernelTable(set).functions.pointee
        let canary = Float(bitPattern: 0x7FC0_BEEF)
        for length in 0...67 {
            let values = (0..<length).map { Float(($0 * 7919 + length * 31) % 65 - 32) / 8 }
            var results: [String: [UInt32]] = [:]
            for offset in 0..<17 {
                let room = UnsafeMutablePointer<Float>.allocate(capacity: 200)
                let target = UnsafeMutablePointer<Float>.allocate(capacity: 200)
                defer {
                    room.deallocate()
                    target.deallocate()
                }
                room.initialize(repeating: canary, count: 200)
                for (index, value) in values.enumerated() { room[offset + index] = value }
                let (x, y) = (room + offset, target + 16 - offset % 16)
                func expectSame(_ name: String, _ result: [UInt32]) {
                    if let before = results[name] {
                        #expect(before == result, "\(name) of \(length) at \(offset)")
                    } else {
                        results[name] = result
                    }
                }
                func map(_ name: String, _ run: () -> Void) {
                    target.initialize(repeating: canary, count: 200)
                    run()
                    expectSame(name, (0..<length).map { y[$0].bitPattern })
                    let start = y - target
                    let strays = (0..<200).filter {
                        ($0 < start || $0 >= start + length)
                            && target[$0].bitPattern != canary.bitPattern
                    }
                    #expect(strays.isEmpty, "\(name) of \(length) at \(offset) wrote \(strays)")
                }
                map("exp") { table.exp(x, y, length) }
                map("gelu") { table.gelu(x, y, length) }
                map("tanh") { table.tanh(x, y, length) }
                map("relu") { table.relu(x, y, length) }
                map("scale") { table.scale(0.3, x, y, length) }
                map("add") { table.add(x, x, y, length) }
                map("log_softmax") { if length > 0 { table.log_softmax(x, y, length) } }
                var (maximum, sum): (Float, Float) = (0, 0)
                map("softmax") { table.softmax(x, y, length, &maximum, &sum) }
                expectSame("softmax terms", [maximum.bitPattern, sum.bitPattern])
                var row = retort_random_row(key0: 1, key1: 2, position: 3, site: 4, sample: 5)
                var mask = [UInt8](repeating: 0, count: (length + 31) / 32 * 4 + 1)
                map("dropout") { table.dropout(x, y, length, 0x8000_0000, 2, &row, &mask) }
                expectSame("dropout's mask", mask.map(UInt32.init))
                map("dropout again") { table.dropout_masked(x, y, length, 2, mask) }
                expectSame("row_sum", [table.row_sum(x, length).bitPattern])
                expectSame("row_maximum", [table.row_maximum(x, length).bitPattern])
                expectSame("dot", [table.dot(x, x, length).bitPattern])
                expectSame("maximum_magnitude", [table.maximum_magnitude(x, length).bitPattern])
                let wide = [table.sum(x, length), table.sum_of_squares(x, length)]
                expectSame("sums", wide.map { UInt32(truncatingIfNeeded: $0.bitPattern >> 29) })
                #expect(wide[0] == values.reduce(0) { $0 + Double($1) }, "sums are exact here")
                #expect(wide[1] == values.reduce(0) { $0 + Double($1) * Double($1) })
                #expect(table.row_maximum(x, length) == values.max() ?? -.infinity)
                #expect(table.all_finite(x, length) == 1)
            }
        }
    }

    /// Rows whose single-precision reductions are exact in every order.
    @Test(arguments: InstructionSet.available)
    func exactReductions(_ set: InstructionSet) {
        let table = KernelTable(set).functions.pointee
        for length in [0, 1, 3, 63, 64, 65, 1000] {
            let x = (0..<length).map { Float(($0 * 37) % 19 - 9) }
            let y = (0..<length).map { Float(($0 * 11) % 7 - 3) }
            #expect(table.row_sum(x, length) == x.reduce(0, +))
            #expect(table.dot(x, y, length) == zip(x, y).reduce(0) { $0 + $1.0 * $1.1 })
            #expect(table.maximum_magnitude(x, length) == x.map { abs($0) }.max() ?? 0)
        }
    }

    /// One stranger anywhere is seen.
    @Test(arguments: InstructionSet.available)
    func strangersAreFound(_ set: InstructionSet) {
        let table = KernelTable(set).functions.pointee
        for length in [1, 16, 70] {
            for place in 0..<length {
                for stranger in [Float.nan, .infinity, -.infinity] {
                    var x = Array(repeating: Float(1), count: length)
                    x[place] = stranger
                    #expect(table.all_finite(x, length) == 0, "\(stranger) at \(place)")
                }
                var x = Array(repeating: Float(-3), count: length)
                x[place] = -2
                #expect(table.row_maximum(x, length) == -2)
                x[place] = .nan
                // NaN is passed over; `all_finite` is who reports it.
                #expect(table.maximum_magnitude(x, length) == (length == 1 ? 0 : 3))
            }
        }
    }
}
