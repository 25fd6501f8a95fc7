// Collectives that move bytes without arithmetic: barrier, broadcast, all-gather.

import Glibc

extension Communicator {
    /// Returns when every rank has called it.
    ///
    /// By dissemination: in round k each rank tells the one 2^k further on; after log2 P rounds each
    /// has heard of all.
    public func barrier() throws {
        try collective("barrier") { [self] in try runBarrier() }
    }

    /// Copies the root's elements to every rank.
    ///
    /// The count is the same everywhere.
    public func broadcast<Element: BitwiseCopyable>(
        _ buffer: UnsafeMutableBufferPointer<Element>, root: Int = 0
    ) throws {
        precondition(root >= 0 && root < size, "root \(root) of \(size) ranks")
        let bytes = UnsafeMutableRawBufferPointer(buffer)
        try collective("broadcast") { [self] in try runBroadcast(bytes, root: root) }
    }

    /// Copies the root's bytes to every rank, whose own argument is ignored.
    public func broadcast(_ bytes: [UInt8], root: Int = 0) throws -> [UInt8] {
        var count = [bytes.count]
        try count.withUnsafeMutableBufferPointer { try broadcast($0, root: root) }
        if rank == root {
            var own = bytes
            try own.withUnsafeMutableBufferPointer { try broadcast($0, root: root) }
            return own
        }
        var received = [UInt8](repeating: 0, count: count[0])
        try received.withUnsafeMutableBufferPointer { try broadcast($0, root: root) }
        return received
    }

    /// Every rank's elements, in rank order; counts may differ.
    public func allGather<Element: BitwiseCopyable & Sendable>(_ own: [Element]) throws
        -> [[Element]]
    {
        guard size > 1 else {
            try checkFailure()
            return [own]
        }
        let counts = try gatherEqual([own.count], name: "all-gather of counts").map { $0[0] }
        var all: [[Element]] = []
        try collective("all-gather") { [self] in
            let starts = counts.reduce(into: [0]) { $0.append($0[$0.count - 1] + $1) }
            let total = UnsafeMutableBufferPointer<Element>.allocate(capacity: starts[size])
            defer { total.deallocate() }
            let width = MemoryLayout<Element>.stride
            let base = UnsafeMutableRawPointer(mutating: UnsafeRawPointer(total.baseAddress))
            own.withUnsafeBytes { source in
                if let base, let from = source.baseAddress {
                    memcpy(base + starts[rank] * width, from, own.count * width)
                }
            }
            if let base {
                try runAllGather(
                    (0..<size).map { other in
                        [(base + starts[other] * width, counts[other] * width)]
                    })
            }
            all = (0..<size).map { Array(total[starts[$0]..<starts[$0 + 1]]) }
        }
        return all
    }

    /// Completes a buffer of which rank `r` has the range `parts[r]`.
    ///
    /// In place.
    public func allGather(
        _ buffer: UnsafeMutableBufferPointer<Float>, parts: [Range<Int>]
    ) throws {
        precondition(parts.count == size, "\(parts.count) parts for \(size) ranks")
        try startAllGather(buffer, parts.map { [$0] }).wait()
    }

    /// Completes a buffer of which every rank has its parts of the buckets.
    ///
    /// In place.
    public func allGather(
        _ buffer: UnsafeMutableBufferPointer<Float>, layout: BucketLayout
    ) throws {
        check(layout, buffer)
        try startAllGather(buffer, (0..<size).map { layout.owned(by: $0) }).wait()
    }

    /// Begins to complete one bucket of a buffer and returns.
    ///
    /// - Parameter owner: what keeps the memory allocated. An error may unwind the caller before it
    ///   has waited; the owner is held until the operation is over.
    public func startAllGather(
        _ buffer: UnsafeMutableBufferPointer<Float>, layout: BucketLayout, bucket: Int,
        owner: AnyObject? = nil
    ) -> PendingOperation {
        check(layout, buffer)
        return startAllGather(
            buffer, (0..<size).map { [layout.part(bucket: bucket, rank: $0)] }, owner: owner)
    }

    private func check(_ layout: BucketLayout, _ buffer: UnsafeMutableBufferPointer<Float>) {
        precondition(
            layout.ranks == size && layout.count == buffer.count,
            "a layout of \(layout.count) elements for \(layout.ranks) ranks,"
                + " a buffer of \(buffer.count) on \(size)")
    }

    private func startAllGather(
        _ buffer: UnsafeMutableBufferPointer<Float>, _ parts: [[Range<Int>]],
        owner: AnyObject? = nil
    ) -> PendingOperation {
        for range in parts.joined() {
            precondition(
                range.lowerBound >= 0 && range.upperBound <= buffer.count,
                "part \(range) of a buffer of \(buffer.count)")
        }
        return startCollective("all-gather") { [self] in
            guard let base = buffer.baseAddress else { return }
            let width = MemoryLayout<Float>.stride
            try withExtendedLifetime(owner) {
                try runAllGather(
                    parts.map { ranges in
                        ranges.map { range in
                            (UnsafeMutableRawPointer(base + range.lowerBound), range.count * width)
                        }
                    })
            }
        }
    }

    // MARK: On the communication thread

    private func runBarrier() throws {
        var token: UInt8 = 0
        var heard: UInt8 = 0
        var distance = 1
        while distance < size {
            try withUnsafeMutableBytes(of: &heard) { heard in
                try withUnsafeBytes(of: &token) { token in
                    guard let from = heard.baseAddress, let to = token.baseAddress else { return }
                    try exchange([
                        .receive(from, bytes: 1, from: (rank - distance + size) % size),
                        .send(to, bytes: 1, to: (rank + distance) % size),
                    ])
                }
            }
            distance *= 2
        }
    }

    /// A binomial tree, piece by piece: while a rank passes one piece on it receives the next.
    private func runBroadcast(_ bytes: UnsafeMutableRawBufferPointer, root: Int) throws {
        guard size > 1, let base = bytes.baseAddress, !bytes.isEmpty else { return }
        let place = (rank - root + size) % size
        // The lowest set bit of my place leads to my parent; lower bits lead to my children.
        let reach = place == 0 ? size.nextPowerOfTwo : place & -place
        let parent = (place - (place & -place) + root) % size
        let children = sequence(first: reach >> 1) { $0 >> 1 }.prefix { $0 > 0 }
            .map { place + $0 }.filter { $0 < size }.map { ($0 + root) % size }
        let piece = 1 << 20
        var sends: [any MessageBatch] = []
        let ranges = stride(from: 0, to: bytes.count, by: piece)
            .map { $0..<min($0 + piece, bytes.count) }
        let arrivals =
            try place == 0
            ? []
            : ranges.map {
                try start([.receive(base + $0.lowerBound, bytes: $0.count, from: parent)])
            }
        for (index, range) in ranges.enumerated() {
            if place != 0 { try endpoint.finish(arrivals[index]) }
            sends.append(
                try start(
                    children.map { .send(base + range.lowerBound, bytes: range.count, to: $0) }))
        }
        for batch in sends { try endpoint.finish(batch) }
    }

    /// Each rank's blocks go to every peer at once: `blocks[r]` are those that rank `r` has.
    func runAllGather(_ blocks: [[(base: UnsafeMutableRawPointer, bytes: Int)]]) throws {
        var messages: [Message] = []
        for step in 1..<max(size, 1) {
            let from = (rank - step + size) % size
            messages += blocks[from].filter { $0.bytes > 0 }
                .map { .receive($0.base, bytes: $0.bytes, from: from) }
        }
        for peer in peers {
            messages += blocks[rank].filter { $0.bytes > 0 }
                .map { .send($0.base, bytes: $0.bytes, to: peer) }
        }
        try exchange(messages)
    }
}

extension Int {
    fileprivate var nextPowerOfTwo: Int {
        var power = 1
        while power < self { power *= 2 }
        return power
    }
}
