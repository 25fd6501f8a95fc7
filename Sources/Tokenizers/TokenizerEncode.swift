// Encoding: the tokens of one text or two, cut to length, with their specials and padding.

extension Tokenizer {
    /// What a short encoding is filled up with.
    public enum PaddingChoice: Sendable {
        /// What the file says, which may be nothing.
        case asInFile
        /// Nothing.
        case none
    }

    /// Encodes a text, or a pair of texts.
    ///
    /// - Parameters:
    ///   - pair: the second text, where there is one.
    ///   - addSpecialTokens: whether the template's special tokens come with it.
    ///   - maximumLength: the most tokens that come out, specials included; nil: what the file says
    ///     (`Int.max`: no limit at all). The file's strategy and direction hold in either case.
    ///   - strategy: which text of a pair is cut; nil: what the file says.
    ///   - padding: what a short result is filled up with.
    public func encode(
        _ text: String, pair: String? = nil, addSpecialTokens: Bool = true,
        maximumLength: Int? = nil, cutting strategy: TruncationStrategy? = nil,
        padding choice: PaddingChoice = .asInFile
    ) -> Encoding {
        var encoding = Encoding()
        withTokens(text, pair, addSpecialTokens, maximumLength, strategy, tracksOffsets: true) {
            piece, sequence in
            encoding.append(piece, sequence, self)
        }
        if let maximumLength { encoding.truncate(to: maximumLength) }
        if choice == .asInFile { padding?.apply(to: &encoding) }
        return encoding
    }

    /// The ids alone, never padded: the fast way.
    ///
    /// The parameters are those of `encode`.
    public func encodeIDs(
        _ text: String, pair: String? = nil, addSpecialTokens: Bool = true,
        maximumLength: Int? = nil, cutting strategy: TruncationStrategy? = nil
    ) -> [Int32] {
        var ids: [Int32] = []
        withTokens(text, pair, addSpecialTokens, maximumLength, strategy, tracksOffsets: false) {
            piece, sequence in
            switch piece {
            case .special(let specials, _, _): ids.append(contentsOf: specials)
            case .sequence:
                if ids.isEmpty { ids.reserveCapacity(sequence.count + 4) }
                ids.append(contentsOf: sequence.ids)
            }
        }
        if let maximumLength, ids.count > maximumLength {
            ids.removeLast(ids.count - maximumLength)
        }
        return ids
    }

    /// The ids of two texts and the type of each token, never padded: a premise and a hypothesis, or
    /// a question and one of its choices.
    ///
    /// As `encode`, without the rest of what that gives. Where `.onlyFirst` or `.onlySecond` can't
    /// make them fit, both are cut as by `.longestFirst`.
    public func encodePair(
        _ first: String, _ second: String, maximumLength: Int? = nil,
        cutting strategy: TruncationStrategy? = nil
    ) -> (ids: [Int32], typeIDs: [Int32]) {
        var (ids, typeIDs): ([Int32], [Int32]) = ([], [])
        withTokens(first, second, true, maximumLength, strategy, tracksOffsets: false) {
            piece, sequence in
            let added: [Int32]
            let type: Int32
            switch piece {
            case .special(let specials, _, let typeID): (added, type) = (specials, typeID)
            case .sequence(_, let typeID): (added, type) = (sequence.ids, typeID)
            }
            ids.append(contentsOf: added)
            typeIDs.append(contentsOf: repeatElement(type, count: added.count))
        }
        if let maximumLength, ids.count > maximumLength {
            ids.removeLast(ids.count - maximumLength)
            typeIDs.removeLast(typeIDs.count - maximumLength)
        }
        return (ids, typeIDs)
    }

    /// Calls `body` with the pieces of the template in their order, a text's tokens with its piece.
    func withTokens(
        _ text: String, _ pair: String?, _ addSpecialTokens: Bool, _ maximumLength: Int?,
        _ strategy: TruncationStrategy?, tracksOffsets: Bool,
        _ body: (PostProcessor.Piece, TokenSequence) -> Void
    ) {
        precondition(maximumLength ?? 0 >= 0, "encode: maximumLength \(maximumLength ?? 0)")
        var truncation = truncation
        if let maximumLength {
            truncation = truncation ?? Truncation(maximumLength: maximumLength)
            truncation?.maximumLength = maximumLength
        }
        if let strategy { truncation?.strategy = strategy }
        let specialCount = addSpecialTokens ? specialTokenCount(isPair: pair != nil) : 0
        let room = truncation.map { max(0, $0.maximumLength - specialCount) } ?? Int.max
        // How a pair is shared out depends on both lengths, and a cut on the left on the whole.
        let limit = pair == nil && truncation?.cutsLeft != true ? room : Int.max
        var first = tokenize(text, limit: limit, tracksOffsets: tracksOffsets)
        var second = pair.map { tokenize($0, limit: Int.max, tracksOffsets: tracksOffsets) }
        if let truncation {
            let kept = truncation.keptCounts(first: first.count, second: second?.count, room: room)
            truncation.cut(&first, to: kept.first)
            if var cut = second {
                truncation.cut(&cut, to: kept.second)
                second = cut
            }
        }
        let empty = TokenSequence(tracksOffsets: tracksOffsets)
        for piece in pair == nil ? postProcessor.single : postProcessor.pair {
            switch piece {
            case .special: if addSpecialTokens { body(piece, empty) }
            case .sequence(let isSecond, _): body(piece, isSecond ? second ?? empty : first)
            }
        }
    }
}

extension Encoding {
    /// Appends a piece of a template.
    fileprivate mutating func append(
        _ piece: PostProcessor.Piece, _ sequence: TokenSequence, _ tokenizer: Tokenizer
    ) {
        switch piece {
        case .special(let specials, let texts, let typeID):
            ids.append(contentsOf: specials)
            tokens.append(contentsOf: texts)
            fill(typeID: typeID, isSpecial: 1)
            offsets.append(contentsOf: repeatElement(0..<0, count: specials.count))
        case .sequence(_, let typeID):
            ids.append(contentsOf: sequence.ids)
            let trimming = tokenizer.postProcessor.offsetTrimming
            for (position, id) in sequence.ids.enumerated() {
                let surface = sequence.surfaces.isEmpty ? nil : sequence.surfaces[position]
                let token = surface ?? String(decoding: tokenizer.encodedToken(id), as: UTF8.self)
                tokens.append(token)
                let offset = sequence.offsets[position]
                offsets.append(trimming?.trimmed(offset, of: token, at: position) ?? offset)
            }
            fill(typeID: typeID, isSpecial: 0)
        }
    }

    /// Brings the type ids and masks up to the number of the ids.
    private mutating func fill(typeID: Int32, isSpecial: Int32) {
        let missing = ids.count - typeIDs.count
        typeIDs.append(contentsOf: repeatElement(typeID, count: missing))
        specialTokensMask.append(contentsOf: repeatElement(isSpecial, count: missing))
        attentionMask.append(contentsOf: repeatElement(1, count: missing))
    }
}
