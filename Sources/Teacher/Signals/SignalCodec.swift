// Recorded scores as bytes: about 260 for a place of 64 tokens of a vocabulary of 128 thousand.
//
//     signal := count of places, place ...
//     place  := k, k differences of ids, k log-probabilities, log of the rest's mass
//
// Counts and differences (of rising ids, from -1, less 1) have 7 bits a byte, the lowest first. Logarithms
// have 16 bits, the low byte first: natural ones from 0 down to -16 in steps of 1/2048, on to -271.98 in
// steps of 1/128, and all ones for minus infinity. A probability is then off by 0.03 per cent where it
// matters; halves of IEEE would be off by 0.8 per cent at -20.

import Foundation
import Models

/// Reads and writes recorded scores.
enum SignalCodec {
    /// The bytes of some places.
    static func bytes(_ scores: TopScores, places: Range<Int>) -> [UInt8] {
        var bytes: [UInt8] = []
        append(UInt64(places.count), to: &bytes)
        for place in places {
            let entries = scores.entries(of: place)
            append(UInt64(entries.count), to: &bytes)
            var last: Int32 = -1
            for id in scores.ids[entries] {
                append(UInt64(id - last - 1), to: &bytes)
                last = id
            }
            for value in scores.logProbabilities[entries] {
                append(code(Double(value)), to: &bytes)
            }
            append(code(log(Double(scores.restMasses[place]))), to: &bytes)
        }
        return bytes
    }

    /// The places of bytes; nil where they can't be.
    static func scores(_ bytes: [UInt8], temperature: Double) -> TopScores? {
        var reader = Reader(bytes: bytes)
        var scores = TopScores(temperature: temperature)
        guard let count = reader.number(), count <= bytes.count else { return nil }
        for _ in 0..<count {
            guard let kept = reader.number(), kept <= bytes.count else { return nil }
            var ids: [Int32] = []
            var last: Int64 = -1
            for _ in 0..<kept {
                guard let step = reader.number(), step < 1 << 31 else { return nil }
                last += Int64(step) + 1
                guard let id = Int32(exactly: last) else { return nil }
                ids.append(id)
            }
            var values: [Float] = []
            for _ in 0..<kept {
                guard let code = reader.code() else { return nil }
                values.append(Float(value(code)))
            }
            guard let rest = reader.code() else { return nil }
            do throws(ModelError) {
                try scores.append(
                    ids: ids, logProbabilities: values, restMass: Float(exp(value(rest))))
            } catch {
                return nil
            }
        }
        return reader.isAtEnd ? scores : nil
    }

    /// The code of a logarithm.
    static func code(_ value: Double) -> UInt16 {
        guard value > -.infinity else { return .max }
        let fine = (-value * 2048).rounded()
        if fine < 32768 { return UInt16(max(0, fine)) }
        return UInt16(32768 + min(32766, ((-value - 16) * 128).rounded()))
    }

    /// The logarithm of a code.
    static func value(_ code: UInt16) -> Double {
        guard code < .max else { return -.infinity }
        return code < 32768 ? -Double(code) / 2048 : -(16 + Double(code - 32768) / 128)
    }

    private static func append(_ number: UInt64, to bytes: inout [UInt8]) {
        var rest = number
        while rest >= 128 {
            bytes.append(UInt8(rest & 127) | 128)
            rest >>= 7
        }
        bytes.append(UInt8(rest))
    }

    private static func append(_ code: UInt16, to bytes: inout [UInt8]) {
        bytes.append(UInt8(code & 255))
        bytes.append(UInt8(code >> 8))
    }

    private struct Reader {
        let bytes: [UInt8]
        var position = 0

        var isAtEnd: Bool { position == bytes.count }

        mutating func number() -> UInt64? {
            var value: UInt64 = 0
            var shift: UInt64 = 0
            while position < bytes.count, shift < 63 {
                let byte = bytes[position]
                position += 1
                value |= UInt64(byte & 127) << shift
                if byte < 128 { return value }
                shift += 7
            }
            return nil
        }

        mutating func code() -> UInt16? {
            guard position + 2 <= bytes.count else { return nil }
            defer { position += 2 }
            return UInt16(bytes[position]) | UInt16(bytes[position + 1]) << 8
        }
    }
}
