// From values to places on the page: an axis with round numbers at its ticks.

/// One axis of a chart.
struct AxisScale {
    let low: Double
    let high: Double
    let ticks: [Double]
    private let step: Double

    /// An axis that covers `values` with about `count` ticks at round numbers; `snug` ends it at the
    /// values themselves and not at the next tick.
    init(covering values: [Double], ticks count: Int, snug: Bool) {
        let finite = values.filter(\.isFinite)
        var low = finite.min() ?? 0
        var high = finite.max() ?? 1
        if low == high {
            // One value alone: some room on both sides of it.
            let room = low == 0 ? 1 : low.magnitude * 0.1
            low -= room
            high += room
        }
        let step = Self.roundStep((high - low) / Double(count))
        let first = (low / step).rounded(snug ? .up : .down)
        let last = (high / step).rounded(snug ? .down : .up)
        ticks = first <= last ? (0...Int(last - first)).map { (first + Double($0)) * step } : []
        self.low = snug ? low : min(low, first * step)
        self.high = snug ? high : max(high, last * step)
        self.step = step
    }

    /// Where a value lies between the axis' ends, from 0 to 1.
    func share(_ value: Double) -> Double { (value - low) / (high - low) }

    /// A tick's text, with as many decimals as the step has.
    func label(_ tick: Double) -> String {
        if tick.magnitude < step / 2 { return "0" }
        if step >= 1, tick.magnitude < 1e6 { return NumberText.grouped(Int(tick.rounded())) }
        if tick.magnitude >= 1e6 || (step < 1e-4 && tick != 0) {
            return NumberText.significant(tick, digits: 2)
        }
        var decimals = 0
        var size = step
        while size < 0.9999, decimals < 6 {
            size *= 10
            decimals += 1
        }
        return NumberText.fixed(tick, decimals: decimals)
    }

    /// The next greater of 1, 2, 5 times a power of ten.
    private static func roundStep(_ step: Double) -> Double {
        var power = 1.0
        while power * 10 <= step { power *= 10 }
        while power > step { power /= 10 }
        for factor in [1.0, 2, 5] where factor * power >= step * 0.9999 { return factor * power }
        return 10 * power
    }
}
