// A line chart as data: what is drawn, not how.

/// Curves over a common axis.
public struct Chart: Sendable, Hashable {
    /// One measurement.
    public struct Point: Sendable, Hashable {
        /// Where on the horizontal axis: a step, a share of visits.
        public let x: Double
        /// The value; one that isn't finite interrupts the curve.
        public let y: Double

        /// Makes a point.
        public init(x: Double, y: Double) {
            self.x = x
            self.y = y
        }
    }

    /// One named curve.
    public struct Series: Sendable, Hashable {
        /// Its name in the legend.
        public let name: String
        /// Its points, by rising `x`.
        public let points: [Point]
        /// Whether the points are marked (few measurements) or only joined (many).
        public let marked: Bool

        /// Makes a curve.
        public init(_ name: String, _ points: [Point], marked: Bool = false) {
            self.name = name
            self.points = points
            self.marked = marked
        }
    }

    /// What it shows.
    public let title: String
    /// What the horizontal axis means.
    public let xLabel: String
    /// The curves, in the order of their colours; at most six can be told apart.
    public let series: [Series]
    /// Values that the vertical axis must reach, or nil: as the points want it.
    public let range: ClosedRange<Double>?

    /// Makes a chart.
    public init(
        title: String, xLabel: String = "step", series: [Series],
        range: ClosedRange<Double>? = nil
    ) {
        self.title = title
        self.xLabel = xLabel
        self.series = series
        self.range = range
    }

    /// Whether there is anything to draw.
    var isEmpty: Bool {
        series.allSatisfy { $0.points.allSatisfy { !$0.y.isFinite || !$0.x.isFinite } }
    }
}
