// A chart as SVG text. Colours are classes that the page's style sheet fills, so that light and dark
// are its business; the drawing scales with the page.

import Corpus

/// Draws charts.
struct ChartDrawing {
    private static let width = 640.0
    private static let height = 260.0
    private static let left = 56.0
    private static let right = 12.0
    private static let top = 10.0
    private static let bottom = 34.0
    /// More points than this can't be seen on that width.
    private static let greatestCount = 400
    private static let colours = 6

    private let chart: Chart
    private let horizontal: AxisScale
    private let vertical: AxisScale

    init(_ chart: Chart) {
        self.chart = chart
        let points = chart.series.flatMap(\.points).filter { $0.x.isFinite && $0.y.isFinite }
        let bounds = chart.range.map { [$0.lowerBound, $0.upperBound] } ?? []
        horizontal = AxisScale(covering: points.map(\.x), ticks: 6, snug: true)
        vertical = AxisScale(covering: points.map(\.y) + bounds, ticks: 5, snug: false)
    }

    /// The drawing.
    var svg: String {
        var out =
            "<svg viewBox=\"0 0 \(Int(Self.width)) \(Int(Self.height))\" role=\"img\" "
            + "aria-label=\"\(escaped(chart.title))\">\n"
        for tick in vertical.ticks {
            let y = place(vertical: tick)
            out += line(Self.left, y, Self.width - Self.right, y, "grid")
            out += text(Self.left - 6, y + 3.5, "end", vertical.label(tick))
        }
        let floor = Self.height - Self.bottom
        out += line(Self.left, floor, Self.width - Self.right, floor, "axis")
        for tick in horizontal.ticks {
            let x = place(horizontal: tick)
            out += line(x, floor, x, floor + 4, "axis")
            out += text(x, floor + 16, "middle", horizontal.label(tick))
        }
        out += text(
            (Self.left + Self.width - Self.right) / 2, Self.height - 4, "middle", chart.xLabel)
        for (index, series) in chart.series.enumerated() {
            out += curve(series, colour: index % Self.colours)
        }
        return out + "</svg>"
    }

    private func curve(_ series: Chart.Series, colour: Int) -> String {
        let points = series.marked ? series.points : thinned(series.points)
        var path = ""
        var isDown = false
        for point in points {
            guard point.x.isFinite, point.y.isFinite else {
                isDown = false
                continue
            }
            path +=
                "\(isDown ? "L" : "M")\(short(place(horizontal: point.x))) "
                + "\(short(place(vertical: point.y)))"
            isDown = true
        }
        var out = "<path class=\"curve c\(colour)\" d=\"\(path)\"/>\n"
        // A point alone makes no line.
        guard series.marked || points.count == 1 else { return out }
        for point in points where point.x.isFinite && point.y.isFinite {
            out +=
                "<circle class=\"mark c\(colour)\" cx=\"\(short(place(horizontal: point.x)))\" "
                + "cy=\"\(short(place(vertical: point.y)))\" r=\"3\"><title>"
                + "\(escaped(series.name)): \(NumberText.significant(point.y, digits: 4)) at "
                + "\(NumberText.significant(point.x, digits: 4))</title></circle>\n"
        }
        return out
    }

    /// Means of equal runs of points: the curve's course without its finest noise.
    private func thinned(_ points: [Chart.Point]) -> [Chart.Point] {
        guard points.count > Self.greatestCount else { return points }
        let run = (points.count + Self.greatestCount - 1) / Self.greatestCount
        return stride(from: 0, to: points.count, by: run).map { start in
            let part = points[start..<min(start + run, points.count)]
            let finite = part.filter(\.y.isFinite)
            guard !finite.isEmpty else { return Chart.Point(x: points[start].x, y: .nan) }
            return Chart.Point(
                x: finite.reduce(0) { $0 + $1.x } / Double(finite.count),
                y: finite.reduce(0) { $0 + $1.y } / Double(finite.count))
        }
    }

    private func place(horizontal value: Double) -> Double {
        Self.left + horizontal.share(value) * (Self.width - Self.left - Self.right)
    }

    private func place(vertical value: Double) -> Double {
        Self.height - Self.bottom
            - vertical.share(value) * (Self.height - Self.top - Self.bottom)
    }

    private func line(
        _ x1: Double, _ y1: Double, _ x2: Double, _ y2: Double, _ style: String
    ) -> String {
        "<line class=\"\(style)\" x1=\"\(short(x1))\" y1=\"\(short(y1))\" x2=\"\(short(x2))\" "
            + "y2=\"\(short(y2))\"/>\n"
    }

    private func text(_ x: Double, _ y: Double, _ anchor: String, _ text: String) -> String {
        "<text x=\"\(short(x))\" y=\"\(short(y))\" text-anchor=\"\(anchor)\">"
            + "\(escaped(text))</text>\n"
    }

    private func short(_ value: Double) -> String { NumberText.fixed(value, decimals: 1) }
}

/// Text made safe within HTML, attributes too.
func escaped(_ text: String) -> String {
    text.replacing("&", with: "&amp;").replacing("<", with: "&lt;").replacing(">", with: "&gt;")
        .replacing("\"", with: "&quot;")
}
