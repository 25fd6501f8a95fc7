// Keys and values of the tokens that a decoder has seen, in the panels that a product reads: nothing is
// packed again when a new token attends to them.
//
// A page holds the keys and values of 128 tokens for all layers and key heads. A run of a sum over
// tokens never crosses a page, so what a token attends to has the same bits however its sequence was
// cut into passes. Pages are shared by sequences with a common beginning (`fork`).
//
// Not here: who attends to what (CachedAttention.swift).
//
// Shape legend: K head width, NR columns of a panel.

internal import Kernels

/// The shape of a decoder's keys and values.
struct KeyValueShape: Equatable {
    let layers: Int
    let heads: Int
    let headWidth: Int
    /// Columns of a panel.
    let tile: Int

    /// Floats of a head's keys in a page: panels of NR tokens, K slots each.
    var keyCount: Int { KeyValuePage.tokens * headWidth }
    /// Floats of a head's values in a page: panels of NR columns, a slot a token.
    var valueCount: Int { KeyValuePage.tokens * ((headWidth + tile - 1) / tile * tile) }
    var count: Int { layers * heads * (keyCount + valueCount) }

    /// Where the keys of a head of a layer begin; its values follow them.
    func offset(layer: Int, head: Int) -> Int { (layer * heads + head) * (keyCount + valueCount) }
}

/// Keys and values of neighbouring tokens.
final class KeyValuePage: @unchecked Sendable {
    /// Tokens of a page: a multiple of every panel's columns, and no longer than a run of k.
    static let tokens = 128

    let floats: UnsafeMutablePointer<Float>
    private let memory: UnsafeMutableRawPointer

    init(_ shape: KeyValueShape) {
        memory = .allocatePages(byteCount: shape.count * MemoryLayout<Float>.stride)
        floats = memory.bindMemory(to: Float.self, capacity: shape.count)
        // Columns of panels that stand for nothing are multiplied and thrown away; a NaN there is
        // harmless, but slow on some processors.
        floats.update(repeating: 0, count: shape.count)
    }

    deinit { memory.deallocate() }
}

/// Free pages of one decoder; one thread at a time.
public final class KeyValuePool: @unchecked Sendable {
    let shape: KeyValueShape
    private var free: [KeyValuePage] = []
    /// Pages made so far, free or not.
    public private(set) var pageCount = 0

    /// Bytes of a page.
    public var pageBytes: Int { shape.count * MemoryLayout<Float>.stride }
    /// Tokens of a page.
    public static var tokensPerPage: Int { KeyValuePage.tokens }

    /// No pages yet.
    ///
    /// - Parameters:
    ///   - compute: Whose panels the pages hold.
    ///   - layers: Layers of the decoder.
    ///   - heads: Key heads of a layer.
    ///   - headWidth: K, at most 256.
    public init(_ compute: Compute, layers: Int, heads: Int, headWidth: Int) {
        precondition(
            headWidth <= compute.kernels.pointee.depth_limit, "heads of \(headWidth) elements")
        shape = KeyValueShape(
            layers: layers, heads: heads, headWidth: headWidth,
            tile: compute.kernels.pointee.column_tile)
    }

    func take() -> KeyValuePage {
        if let page = free.popLast() { return page }
        pageCount += 1
        return KeyValuePage(shape)
    }

    func give(_ page: KeyValuePage) { free.append(page) }
}

/// The keys and values of one sequence.
public final class KeyValueCache: @unchecked Sendable {
    /// Tokens whose keys and values are here.
    public private(set) var count = 0
    private let pool: KeyValuePool
    private(set) var pages: [KeyValuePage] = []

    /// An empty cache with pages from a pool.
    public init(_ pool: KeyValuePool) { self.pool = pool }

    deinit { clear() }

    /// Gives all pages back.
    public func clear() { truncate(to: 0) }

    /// Forgets the tokens from `length` on.
    public func truncate(to length: Int) {
        precondition(length >= 0 && length <= count, "truncate \(count) tokens to \(length)")
        count = length
        while pages.count > (length + KeyValuePage.tokens - 1) / KeyValuePage.tokens {
            guard var page = pages.popLast() else { return }
            if isKnownUniquelyReferenced(&page) { pool.give(page) }
        }
    }

    /// A sequence that begins with this one's tokens; full pages are shared, the last one is copied.
    public func fork() -> KeyValueCache {
        let copy = KeyValueCache(pool)
        copy.count = count
        copy.pages = pages
        if count % KeyValuePage.tokens != 0, let last = pages.last {
            let fresh = pool.take()
            fresh.floats.update(from: last.floats, count: pool.shape.count)
            copy.pages[pages.count - 1] = fresh
        }
        return copy
    }

    /// Makes room for `added` tokens more and counts them; `write` then has to be called for each of
    /// them in every layer.
    public func extend(by added: Int) {
        // A full last page may be shared, a part of one never is: `truncate` is the exception.
        if count % KeyValuePage.tokens != 0, let last = pages.indices.last,
            !isKnownUniquelyReferenced(&pages[last])
        {
            let fresh = pool.take()
            fresh.floats.update(from: pages[last].floats, count: pool.shape.count)
            pages[last] = fresh
        }
        count += added
        while pages.count * KeyValuePage.tokens < count { pages.append(pool.take()) }
    }

    /// Puts the keys and values of one token of one layer in their places, heads side by side.
    ///
    /// Safe from several threads at once for different tokens.
    public func write(layer: Int, token: Int, keys: Matrix, values: Matrix) {
        let shape = pool.shape
        keys.checkVector(shape.heads * shape.headWidth, "keys of a token")
        values.checkVector(shape.heads * shape.headWidth, "values of a token")
        precondition(token >= 0 && token < count, "token \(token) of \(count)")
        let (index, row) = token.quotientAndRemainder(dividingBy: KeyValuePage.tokens)
        let page = pages[index].floats
        let (width, tile) = (shape.headWidth, shape.tile)
        for head in 0..<shape.heads {
            let panels = page + shape.offset(layer: layer, head: head)
            let key = keys.base + head * width
            let column = panels + (row / tile * width * tile + row % tile)
            for slot in 0..<width { column[slot &* tile] = key[slot] }
            let value = values.base + head * width
            var panel = panels + (shape.keyCount + row * tile)
            for first in stride(from: 0, to: width, by: tile) {
                panel.update(from: value + first, count: min(tile, width - first))
                panel += KeyValuePage.tokens * tile
            }
        }
    }
}
