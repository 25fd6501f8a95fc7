// NFC and NFKC: decomposition, then composition, with the origins that the reference gives.
//
// The reference describes a normalisation as scalars with a change each: 1 for one that was put in,
// 0 for one that takes the place of the next, -n for one that takes the place of the next and n
// more. Marks put in canonical order keep the change that they came with, and so may take the origin
// of another; what is done here is the same to the letter.

/// A scalar of normalised text and what it did to the text before.
struct ChangedScalar {
    var scalar: UInt32
    var change: Int
}

extension NormalizedText {
    /// Composition behind a decomposition; text that has nothing to compose is left alone.
    mutating func compose(_ form: DecompositionForm) {
        let properties = UnicodeTables.properties
        let changing: ScalarProperties =
            form == .canonical ? .mayCompose : [.mayCompose, .hasCompatibility]
        var mayCompose = false
        forEachScalar { scalar, _ in
            if !properties[Int(scalar)].isDisjoint(with: changing) { mayCompose = true }
        }
        guard mayCompose else { return }
        transform(Self.composed(decomposed(form)))
    }

    /// The decomposition, marks in canonical order.
    private func decomposed(_ form: DecompositionForm) -> [ChangedScalar] {
        let properties = UnicodeTables.properties
        let decomposing = form.decomposing
        var result: [ChangedScalar] = []
        result.reserveCapacity(bytes.count)
        /// Where the marks behind the last starter begin.
        var marksStart = 0
        forEachScalar { scalar, _ in
            var change = 0
            func add(_ part: UInt32) {
                if !properties[Int(part)].contains(.hasCombiningClass) {
                    Self.orderMarks(&result, from: marksStart)
                    marksStart = result.count + 1
                }
                result.append(ChangedScalar(scalar: part, change: change))
                change = 1
            }
            if !properties[Int(scalar)].isDisjoint(with: decomposing) {
                UnicodeTables.decompose(scalar, form, add)
            } else {
                add(scalar)
            }
        }
        Self.orderMarks(&result, from: marksStart)
        return result
    }

    /// Orders the marks at the end by class; those of one class keep their order.
    private static func orderMarks(_ scalars: inout [ChangedScalar], from start: Int) {
        guard scalars.count - start > 1 else { return }
        let keys = scalars[start...].enumerated().map { index, entry in
            UInt64(UnicodeTables.combiningClass(entry.scalar)) << 32 | UInt64(index)
        }
        let marks = Array(scalars[start...])
        for (position, key) in keys.sorted().enumerated() {
            scalars[start + position] = marks[Int(key & 0xFFFF_FFFF)]
        }
    }

    /// Composes each starter with the marks and starters that aren't blocked from it.
    private static func composed(_ scalars: [ChangedScalar]) -> [ChangedScalar] {
        var result: [ChangedScalar] = []
        result.reserveCapacity(scalars.count)
        /// Where the starter is that what follows may be composed with.
        var starter: Int?
        /// The class of the last scalar after it that stayed, if any did.
        var lastClass: UInt8?
        for entry in scalars {
            let combiningClass = UnicodeTables.combiningClass(entry.scalar)
            let isBlocked = lastClass.map { $0 >= combiningClass } ?? false
            if let position = starter, !isBlocked,
                let whole = Compositions.composed(result[position].scalar, entry.scalar)
            {
                result[position].scalar = whole
                result[position].change += entry.change - 1
                continue
            }
            if combiningClass == 0 {
                starter = result.count
                lastClass = nil
            } else if starter != nil {
                lastClass = combiningClass
            }
            result.append(entry)
        }
        return result
    }

    /// Replaces the text by scalars with their changes.
    mutating func transform(_ scalars: [ChangedScalar]) {
        var result = emptied()
        var position = 0
        var last = beginning
        for entry in scalars {
            if entry.change <= 0, position < bytes.count {
                last = origin(at: position)
                for _ in 0...(-entry.change) where position < bytes.count {
                    let length = UTF8Bytes.length(first: bytes[position])
                    position += length
                }
                result.append(entry.scalar, origin: last)
                // What is put in after it has the origin of the last scalar that it replaced.
                last = origin(at: position - 1)
            } else {
                result.append(entry.scalar, origin: last)
            }
        }
        self = result
    }
}
