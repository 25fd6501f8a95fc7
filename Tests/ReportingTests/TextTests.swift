// What people read on the terminal: numbers, tables, progress.

import Testing

@testable import Reporting

@Suite struct TextTests {
    @Test func numbers() {
        for (value, text) in [(0, "0"), (999, "999"), (1000, "1,000"), (-1_234_567, "-1,234,567")] {
            #expect(NumberText.grouped(value) == text)
        }
        for (value, decimals, text) in [
            (0.5685, 3, "0.569"), (1, 2, "1.00"), (-0.004, 2, "0.00"), (-1.5, 0, "-2"),
            (0.049, 1, "0.0"), (1234.5, 1, "1234.5"), (1e20, 2, "1e+20"), (.nan, 2, "nan"),
            (-.infinity, 1, "-inf"), (9.9999, 2, "10.00"),
        ] as [(Double, Int, String)] {
            #expect(NumberText.fixed(value, decimals: decimals) == text)
        }
        for (value, text) in [
            (0, "0"), (1.23456, "1.23"), (12.3456, "12.3"), (123.456, "123"), (12345, "12345"),
            (0.0123456, "0.0123"), (3e-5, "3.00e-05"), (9.996e-5, "1.00e-04"), (1.5e9, "1.50e+09"),
            (-2.5e-7, "-2.50e-07"), (0.000123, "0.000123"), (.infinity, "inf"),
        ] as [(Double, String)] {
            #expect(NumberText.significant(value) == text)
        }
        for (share, text) in [
            (0, "0 %"), (0.004, "0.4 %"), (0.5, "50 %"), (1, "100 %"), (0.123, "12 %"),
        ] as [(Double, String)] {
            #expect(NumberText.percent(share) == text)
        }
        for (seconds, text) in [
            (0, "0:00"), (7.4, "0:07"), (59.6, "1:00"), (754, "12:34"), (7509, "2:05:09"),
            (.infinity, "-:--"), (-3, "0:00"),
        ] as [(Double, String)] {
            #expect(NumberText.clock(seconds: seconds) == text)
        }
    }

    @Test func tables() {
        var table = TextTable([.init("selection"), .init("visits", .right), .init("note")])
        table.add(["all", "1.00", "a|b"])
        table.add(["日本語", "0.08", ""])
        #expect(
            table.text == """
                selection  visits  note
                ---------  ------  ----
                all          1.00  a|b
                日本語       0.08

                """)
        #expect(
            table.markdown == """
                | selection | visits | note |
                |---|---:|---|
                | all | 1.00 | a\\|b |
                | 日本語 | 0.08 |  |

                """)
    }

    /// A clock that is set by hand, and what was written.
    private final class Scene {
        var time = 0.0
        var text = ""
    }

    private func line(_ scene: Scene, terminal: Bool, total: Int?, done: Int = 0) -> ProgressLine {
        ProgressLine(
            stage: "label", total: total, done: done, unit: "records", isTerminal: terminal,
            width: 60, now: { scene.time }, write: { scene.text += $0 })
    }

    @Test func plainLinesNowAndThen() {
        let scene = Scene()
        let progress = line(scene, terminal: false, total: 3020)
        for step in 1...120 {
            scene.time = Double(step) * 0.1
            progress.update(done: step * 10, note: "cached 3, failed 0")
        }
        #expect(
            scene.text == """
                label: 500/3,020 records (17 %), 100/s, 0:25 left, cached 3, failed 0
                label: 1,000/3,020 records (33 %), 100/s, 0:20 left, cached 3, failed 0

                """)
        scene.text = ""
        progress.log("step 3")
        #expect(scene.text == "step 3\n")
        scene.text = ""
        progress.finish(done: 3020, note: "cached 3")
        #expect(scene.text == "label: 3,020 records in 0:12, 251/s, cached 3\n")
    }

    @Test func theRateIsThatOfNowAndOfThisRun() {
        let scene = Scene()
        let progress = line(scene, terminal: false, total: 100_000, done: 50_000)
        var done = 50_000
        for second in 1...60 {
            scene.time = Double(second)
            // It slows down after half a minute.
            done += second <= 30 ? 1000 : 10
            progress.update(done: done)
        }
        let last = scene.text.split(separator: "\n").last
        #expect(last == "label: 80,300/100,000 records (80 %), 10.0/s, 32:50 left")
        #expect(scene.text.hasPrefix("label: 55,000/100,000 records (55 %), 1,000/s, 0:45 left\n"))
    }

    @Test func aTerminalIsRedrawn() {
        let scene = Scene()
        let progress = line(scene, terminal: true, total: 100)
        progress.update(done: 1)
        #expect(scene.text == "")
        scene.time = 1
        progress.update(done: 10)
        #expect(scene.text == "\r\u{1B}[Klabel: 10/100 records (10 %), 10.0/s, 0:09 left")
        scene.text = ""
        progress.log("step 1")
        #expect(
            scene.text
                == "\r\u{1B}[Kstep 1\nlabel: 10/100 records (10 %), 10.0/s, 0:09 left")
        scene.text = ""
        scene.time = 2
        progress.update(done: 20, note: "a note that is too long for the terminal's width")
        #expect(scene.text.count == 4 + 59)
        scene.text = ""
        progress.finish(done: 100)
        #expect(scene.text == "\r\u{1B}[Klabel: 100 records in 0:02, 50.0/s\n")
    }

    @Test func stagesThatEndAtOnceOrHaveNoTotal() {
        let scene = Scene()
        let progress = line(scene, terminal: false, total: nil)
        progress.finish(done: 0)
        #expect(scene.text == "label: 0 records in 0:00\n")
        scene.text = ""
        scene.time = 10
        progress.update(done: 7)
        #expect(scene.text == "label: 7 records, 0.700/s\n")
    }
}
