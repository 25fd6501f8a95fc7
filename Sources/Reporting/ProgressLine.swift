// What a person sees of a running stage: one line with how much is done, how fast and how long yet.
// On a terminal it is drawn over itself; in a file it becomes a plain line every few seconds. It
// prints nothing itself: whoever owns the terminal hands it a closure, and time too, for tests.

import Glibc

/// The progress of one stage.
public final class ProgressLine {
    private let stage: String
    /// All units; nil where that is unknown yet.
    public var total: Int?
    private let unit: String
    private let isTerminal: Bool
    private let interval: Double
    private let width: Int
    private let now: () -> Double
    private let write: (String) -> Void
    private let begun: Double
    private let doneAtStart: Int
    private var lastShown: Double
    private var line = ""
    /// Moments of the last seconds: the rate is that of now, not of the whole stage.
    private var recent: [(time: Double, done: Int)]
    private static let window = 15.0

    /// Begins a stage of `total` units (nil: unknown), of which `done` were done before.
    ///
    /// `write` gets whole pieces of text for the terminal or file; `now` gives seconds that never go
    /// back. A terminal is redrawn ten times a second at most, cut to its `width`, so that it stays
    /// one line; a file gets a line every `interval` seconds.
    public init(
        stage: String, total: Int?, done: Int = 0, unit: String, isTerminal: Bool,
        interval: Double = 5, width: Int = 100,
        now: @escaping () -> Double = ProgressLine.steadySeconds,
        write: @escaping (String) -> Void
    ) {
        self.stage = stage
        self.total = total
        self.unit = unit
        self.isTerminal = isTerminal
        self.interval = isTerminal ? 0.1 : interval
        self.width = width
        self.now = now
        self.write = write
        begun = now()
        doneAtStart = done
        lastShown = begun
        recent = [(begun, done)]
    }

    /// Notes how much is done; `note` stands at the line's end (`cached 12, failed 0`).
    public func update(done: Int, note: String = "") {
        let time = now()
        if let last = recent.last, time - last.time >= 0.1 { recent.append((time, done)) }
        if time - lastShown >= interval {
            show(time, done: done, note: note)
        }
        // The first one kept is the last that is older than the window.
        let old = recent.prefix { $0.time < time - Self.window }.count
        if old > 1 { recent.removeFirst(old - 1) }
    }

    /// Writes a line of text (a logged step) without disturbing the progress line.
    public func log(_ text: String) {
        guard isTerminal, !line.isEmpty else { return write(text + "\n") }
        write("\r\u{1B}[K\(text)\n\(line)")
    }

    /// Ends the stage with a last line: how much, in what time, how fast.
    public func finish(done: Int, note: String = "") {
        let spent = now() - begun
        let rate = spent > 0 ? Double(done - doneAtStart) / spent : 0
        var text =
            "\(stage): \(NumberText.grouped(done)) \(unit) in "
            + NumberText.clock(seconds: spent)
        if done > doneAtStart, spent > 0 { text += ", \(Self.speed(rate))" }
        if !note.isEmpty { text += ", \(note)" }
        write(isTerminal ? "\r\u{1B}[K\(text)\n" : "\(text)\n")
        line = ""
    }

    /// Seconds of a clock that never goes back.
    public static func steadySeconds() -> Double {
        var time = timespec()
        unsafe clock_gettime(CLOCK_MONOTONIC, &time)
        return Double(time.tv_sec) + Double(time.tv_nsec) * 1e-9
    }

    private func show(_ time: Double, done: Int, note: String) {
        lastShown = time
        var text = "\(stage): \(NumberText.grouped(done))"
        if let total { text += "/\(NumberText.grouped(total))" }
        text += " \(unit)"
        if let total, total > 0 {
            text += " (\(NumberText.percent(Double(done) / Double(total))))"
        }
        if let first = recent.first, time > first.time, done > first.done {
            let rate = Double(done - first.done) / (time - first.time)
            text += ", \(Self.speed(rate))"
            if let total, total > done {
                text += ", \(NumberText.clock(seconds: Double(total - done) / rate)) left"
            }
        }
        if !note.isEmpty { text += ", \(note)" }
        guard isTerminal else { return write("\(text)\n") }
        line = String(text.prefix(width - 1))
        write("\r\u{1B}[K\(line)")
    }

    private static func speed(_ rate: Double) -> String {
        (rate < 100 ? NumberText.significant(rate) : NumberText.grouped(Int(rate))) + "/s"
    }
}
