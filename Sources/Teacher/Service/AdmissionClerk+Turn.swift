// One turn of the clerk: what came in is noted, then as many of those who wait are let out as the limits
// allow. Limits in the order in which they are asked: pause, window, budget, rates.

import Corpus

extension AdmissionClerk {
    /// Why nobody more was let out; it decides when to look again.
    private enum Block {
        case nothing, window, budget
    }

    /// Takes one turn; after how many seconds the next one is due, without news.
    func turn(_ news: Inbox) -> Double {
        waiting += news.arrivals
        pending.add(news.change)
        do {
            try note(news.notes)
            if let failure = news.failure {
                end(waiting, .failed(failure))
            } else if news.isStopped || news.isEnding {
                end(waiting, .cancelled)
            } else {
                if news.hasCancelled { for entry in removeCancelled() { hand(entry, .cancelled) } }
                return try work(news)
            }
            if !pending.isNothing { try flush() }
        } catch {
            fail(with: error)
        }
        return 1
    }

    private func work(_ news: Inbox) throws -> Double {
        if news.throttledSentAt > 0 || news.pausedUntil > 0 { try heedServers(news) }
        end(waiting.filter { $0.attempt == nil && $0.eligibleAt <= wallMicroseconds() }, .go)
        let block = try letOut()
        let now = wallMicroseconds()
        var pause = 1.0
        if !pending.isNothing {
            // Whoever waits for room, here or on another rank, waits for this.
            if block != .nothing || !news.hasChange || now - knownAt > 4000 {
                try flush()
            } else {
                pause = Self.lingerSeconds
            }
        } else if now - knownAt > 900_000 {
            try flush()
        }
        switch block {
        case .nothing: break
        case .window: pause = min(pause, 0.005)
        case .budget: pause = min(pause, 0.015 + 0.01 * uniform())
        }
        for entry in waiting {
            let next = max(entry.eligibleAt, entry.slotAt ?? 0)
            if next > now { pause = min(pause, Double(next - now) / 1e6 + 20e-6) }
        }
        return pause
    }

    // MARK: Letting out

    private func letOut() throws -> Block {
        var isFresh = false
        while true {
            let now = wallMicroseconds()
            holdDuringPause(now)
            let due = waiting.filter { $0.attempt != nil && $0.eligibleAt <= now }
            guard !due.isEmpty else { return .nothing }
            var (fitting, block) = choose(from: due, now: now)
            if fitting.isEmpty && !isFresh {
                try flush()
                isFresh = true
                continue
            }
            if limits.requestPace != nil || limits.tokenPace != nil {
                try giveSlots(to: fitting)
                let moment = wallMicroseconds()
                fitting.removeAll { ($0.slotAt ?? .max) > moment }
            }
            if fitting.isEmpty {
                guard block == .budget else { return block }
                return refuseHopeless(due, now: now) ? .nothing : .budget
            }
            if try reserve(fitting) { isFresh = true }
        }
    }

    /// Those who fit into what is known to be left, in their order.
    private func choose(from due: [Entry], now: Int64) -> ([Entry], Block) {
        var held = known
        held.add(pending)
        var fitting: [Entry] = []
        var block = Block.nothing
        for entry in due {
            guard let attempt = entry.attempt else { continue }
            guard limits.hasWindow(held: held, now: now) else { return (fitting, .window) }
            guard limits.hasBudget(for: attempt, held: held) else {
                block = .budget
                continue
            }
            held.reserve(attempt)
            fitting.append(entry)
        }
        return (fitting, block)
    }

    /// Reserves for a batch, notes those who got their reservation, and lets them go; whether somebody
    /// was turned away, because other ranks came first.
    private func reserve(_ batch: [Entry]) throws -> Bool {
        var change = JobLimits.Change()
        for entry in batch { if let attempt = entry.attempt { change.reserve(attempt) } }
        var held = try send(change)
        let now = wallMicroseconds()
        let isPaused = held[.pausedUntil] > now
        var admitted: [Entry] = []
        var attempts: [Attempt] = []
        for entry in batch {
            guard let attempt = entry.attempt else { continue }
            if !isPaused, limits.hasWindow(held: held, now: now),
                limits.hasBudget(for: attempt, held: held)
            {
                held.reserve(attempt)
                admitted.append(entry)
                attempts.append(attempt)
                pending[.sent] += 1
                if entry.isResend { pending[.resent] += 1 }
            } else {
                pending.reserve(attempt, times: -1)
            }
        }
        if admitted.count < batch.count { try flush() }
        if !attempts.isEmpty {
            do {
                try journal.willSend(attempts)
            } catch {
                for attempt in attempts { pending.reserve(attempt, times: -1) }
                throw error
            }
            end(admitted, .go)
        }
        return admitted.count < batch.count
    }

    /// Gives up those for whom there will be no room; false if there still may be.
    private func refuseHopeless(_ due: [Entry], now: Int64) -> Bool {
        var held = known
        held.add(pending)
        // What moves only for the panel says nothing of room.
        var seen = JobLimits.Change()
        for slot in [JobLimits.Slot.micro, .tokens, .requests, .unsettled] {
            seen[slot] = held[slot]
        }
        if seen != lastBudget.seen { lastBudget = (seen, now) }
        // Open reservations may turn out smaller, and leave room.
        guard held[.unsettled] <= 0 || now - lastBudget.since > staleMicroseconds else {
            return false
        }
        end(
            due.filter { entry in
                guard let attempt = entry.attempt else { return false }
                return !limits.hasBudget(for: attempt, held: held)
            }, .overBudget)
        return true
    }

    // MARK: Rates and pauses

    /// Gives those a turn who have none: as many as are due now, or the first one of them.
    private func giveSlots(to fitting: [Entry]) throws {
        let without = fitting.filter { $0.slotAt == nil }
        guard !without.isEmpty else { return }
        let now = wallMicroseconds()
        let mayTakeLater = !waiting.contains { ($0.slotAt ?? 0) > now }
        var due = (
            requests: max(known[.requestOrigin] + known[.requestWork] + pending[.requestWork], 0),
            tokens: max(known[.tokenOrigin] + known[.tokenWork] + pending[.tokenWork], 0)
        )
        let burst = (limits.requestPace?.burst ?? 0, limits.tokenPace?.burst ?? 0)
        due = (max(due.requests, now - burst.0), max(due.tokens, now - burst.1))
        var change = JobLimits.Change()
        var taken: [Entry] = []
        for entry in without {
            let isDue =
                (limits.requestPace == nil || due.requests <= now)
                && (limits.tokenPace == nil || due.tokens <= now)
            guard isDue || (mayTakeLater && taken.isEmpty) else { break }
            taken.append(entry)
            let costs = costs(of: entry)
            change[.requestWork] += costs.request
            change[.tokenWork] += costs.tokens
            due = (due.requests + costs.request, due.tokens + costs.tokens)
        }
        guard !taken.isEmpty else { return }
        let held = try send(change)
        let moment = wallMicroseconds()
        var slots = (
            requests: try firstSlot(
                limits.requestPace, .requestOrigin, work: held[.requestWork], held, moment),
            tokens: try firstSlot(
                limits.tokenPace, .tokenOrigin, work: held[.tokenWork], held, moment)
        )
        for entry in taken {
            entry.slotAt = max(slots.requests, slots.tokens)
            let costs = costs(of: entry)
            slots = (slots.requests + costs.request, slots.tokens + costs.tokens)
        }
    }

    private func costs(of entry: Entry) -> (request: Int64, tokens: Int64) {
        (limits.requestPace?.cost(1) ?? 0, limits.tokenPace?.cost(entry.estimate) ?? 0)
    }

    /// When the work that was just let out begins; raises the origin if that lies far back.
    private func firstSlot(
        _ pace: Pace?, _ slot: JobLimits.Slot, work: Int64, _ held: JobLimits.Change, _ now: Int64
    ) throws -> Int64 {
        guard let pace else { return 0 }
        guard let raised = pace.raisedOrigin(held[slot], work: work, now: now) else {
            return held[slot] + work
        }
        let before = try limits.raise([(slot, raised)])
        known[slot] = max(before[slot], raised)
        return known[slot] + work
    }

    /// Tells all ranks that a server is overloaded, or wants to be left alone.
    private func heedServers(_ news: Inbox) throws {
        var raised: [(JobLimits.Slot, Int64)] = []
        // Another rank may have heard the same a moment ago.
        try flush()
        if news.throttledSentAt > 0,
            let cut = limits.window.nextCut(
                after: known[.windowCut], sentAt: news.throttledSentAt, now: wallMicroseconds())
        {
            raised.append((.windowCut, cut))
        }
        if news.pausedUntil > known[.pausedUntil] {
            raised.append((.pausedUntil, news.pausedUntil))
        }
        guard !raised.isEmpty else { return }
        let before = try limits.raise(raised)
        for (slot, value) in raised { known[slot] = max(before[slot], value) }
    }

    /// Puts those who are due behind a pause, spread out so that they don't come back as one herd.
    private func holdDuringPause(_ now: Int64) {
        let until = known[.pausedUntil]
        guard until > now else { return }
        let spread = min(100_000 + Double(until - now) / 10, 2_000_000)
        for entry in waiting where entry.attempt != nil && entry.eligibleAt < until {
            entry.eligibleAt = until + Int64(uniform() * spread)
        }
    }

    private func uniform() -> Double {
        defer { drawn += 1 }
        return Double(random[drawn] >> 11) * 0x1p-53
    }

    // MARK: Counters, journal, queue

    /// Adds what is pending and `change`; what the counters hold without `change`.
    @discardableResult
    private func send(_ change: JobLimits.Change) throws -> JobLimits.Change {
        var whole = pending
        whole.add(change)
        var held = try limits.add(whole)
        held.add(pending)
        own.add(whole)
        pending = JobLimits.Change()
        known = held
        known.add(change)
        knownAt = wallMicroseconds()
        return held
    }

    private func flush() throws {
        try send(JobLimits.Change())
    }

    private func note(_ notes: [Note]) throws {
        for note in notes {
            switch note {
            case .lost(let attempt, let reason): try journal.lost(attempt, reason: reason)
            case .released(let attempt): try journal.released(attempt)
            }
        }
    }

    private func fail(with error: any Error) {
        let failure =
            error as? TeacherError
            ?? TeacherError(
                .unreachable, "the limits that the ranks share can't be reached: \(error)")
        setFailure(failure)
        end(waiting, .failed(failure))
    }

    private func end(_ entries: [Entry], _ admission: Admission) {
        guard !entries.isEmpty else { return }
        let gone = Set(entries.map(ObjectIdentifier.init))
        waiting.removeAll { gone.contains(ObjectIdentifier($0)) }
        for entry in entries { hand(entry, admission) }
    }

    private func hand(_ entry: Entry, _ admission: Admission) {
        entry.continuation?.resume(returning: admission)
        entry.continuation = nil
    }
}
