// The report: JSON in its order, a page that is whole and safe, drawings within their frame.

import Foundation
import Testing

@testable import Reporting

@Suite struct ReportTests {
    private func sample() -> RunReport {
        var report = RunReport(title: "run <1>", summary: "Tom & \"Jerry\"")
        report.figures = [
            .init("accuracy", "0.568", note: "on 2,000"), .init("visits", "8 %"),
        ]
        report.charts = [
            Chart(
                title: "Loss & more",
                series: [
                    .init("train", (0..<1000).map { .init(x: Double($0), y: 1 / Double($0 + 1)) }),
                    .init(
                        "held <out>", [.init(x: 0, y: 0.5), .init(x: 500, y: .nan)], marked: true),
                ]),
            Chart(title: "nothing", series: [.init("none", [])]),
            Chart(title: "only nan", series: [.init("nan", [.init(x: 1, y: .nan)])]),
        ]
        report.tables = [
            ReportTable(title: "Configuration", pairs: [("a", "<script>"), ("b", "2")]),
            .confusion(labels: ["x", "y"], counts: [[3, 1], [0, 0]]),
        ]
        report.values = [
            .init("b", 1), .init("a", ["z": 1.5, "y": nil, "x": [true, false]]),
            .init("list", [["k": "v"], [:]]), .init("empty", []),
        ]
        return report
    }

    @Test func jsonKeepsItsOrder() {
        #expect(
            sample().json == """
                {
                  "b": 1,
                  "a": {
                    "z": 1.5,
                    "y": null,
                    "x": [true, false]
                  },
                  "list": [
                    {
                      "k": "v"
                    },
                    {}
                  ],
                  "empty": []
                }

                """)
        let one: ReportValue = ["b": 1, "a": [nil, "x\n", 2.5, .number(.infinity)]]
        #expect(one.json == #"{"b":1,"a":[null,"x\n",2.5,null]}"#)
        #expect(throws: Never.self) {
            try JSONSerialization.jsonObject(with: Data(sample().json.utf8))
        }
    }

    @Test func thePageIsWholeAndSafe() throws {
        let page = try sample().html()
        for text in [
            "<title>run &lt;1&gt;</title>", "Tom &amp; &quot;Jerry&quot;", "&lt;script&gt;",
            "0.568",
            "held &lt;out&gt;", "Loss &amp; more", "--share: 53",
        ] { #expect(page.contains(text), "\(text)") }
        for text in ["<script", "http", "{{", "}}", "nothing", "only nan", "nan\""] {
            #expect(!page.contains(text), "\(text)")
        }
        #expect(page.split(separator: "<svg viewBox=\"0 0 640").count == 2)
        // What is opened is closed.
        for tag in [
            "section", "table", "tr", "td", "div", "svg", "ul", "dl", "p", "thead", "tbody",
        ] {
            let opened = page.ranges(of: "<\(tag)>").count + page.ranges(of: "<\(tag) ").count
            #expect(opened == page.ranges(of: "</\(tag)>").count, "\(tag)")
        }
        // Notes that are empty leave no trace.
        #expect(page.ranges(of: "class=\"small\"").count == 1)
        #expect(page.ranges(of: "class=\"note\"").count == 1)
        #expect(!page.contains("<footer>"))
        #expect(try sample().html() == page)
    }

    @Test func bothFilesAreWritten() throws {
        let folder = try TemporaryFolder()
        try sample().write(toFolder: folder.path)
        #expect(try folder.names() == ["report.html", "report.json"])
        let error = #expect(throws: ReportingError.self) {
            try sample().write(toFolder: folder.file("absent"))
        }
        #expect(error?.message.contains("absent/report.json") == true)
    }

    @Test func drawingsStayInTheirFrame() {
        for points in [
            [(0.0, 0.0)], [(5, 5), (5, 5)], [(0, 1e-9), (1, 2e-9)], [(-1e6, -1e12), (1e6, 1e12)],
            [(0, 1), (1, .nan), (2, .infinity), (3, 4)], [(0, 0.1), (1e-4, 0.3)],
        ] {
            let chart = Chart(
                title: "t",
                series: [.init("s", points.map { .init(x: $0.0, y: $0.1) }, marked: true)])
            let svg = ChartDrawing(chart).svg
            let numbers = svg.matches(of: /(?:x|y|x1|x2|y1|y2|cx|cy)="(-?[0-9.]+)"/)
                .compactMap { Double($0.output.1) }
            #expect(!numbers.isEmpty)
            #expect(numbers.allSatisfy { (0...640).contains($0) }, "\(points): \(numbers)")
            #expect(!svg.contains("nan") && !svg.contains("inf"), "\(points)")
        }
    }

    @Test func manyPointsAreThinned() {
        let many = (0..<100_000).map { Chart.Point(x: Double($0), y: Double($0 % 7)) }
        let svg = ChartDrawing(Chart(title: "t", series: [.init("s", many)])).svg
        #expect(svg.utf8.count < 10_000)
    }

    @Test func axesHaveRoundTicks() {
        for (values, labels) in [
            ([0.0, 1.0], ["0", "0.2", "0.4", "0.6", "0.8", "1.0"]),
            ([0.12, 0.18], ["0.12", "0.14", "0.16", "0.18"]), ([0, 5e-5], ["0", "1.0e-05"]),
            ([0, 60000], ["0", "20,000"]), ([3, 3], ["2.6", "2.8"]),
            ([0, 0], ["-1.0", "-0.5", "0"]),
            ([-20, 30], ["-20", "-10", "0", "10"]),
        ] {
            let axis = AxisScale(covering: values, ticks: 5, snug: false)
            let texts = axis.ticks.map(axis.label)
            #expect(Array(texts.prefix(labels.count)) == labels, "\(values): \(texts)")
            #expect(axis.low <= (values.min() ?? 0) && axis.high >= (values.max() ?? 0))
        }
    }
}
