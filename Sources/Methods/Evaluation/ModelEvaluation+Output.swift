// What is written of a measurement: tables for people, JSON for machines, a line for each text.

import Foundation
import Reporting

extension ModelEvaluation {
    /// Above so many classes the confusion isn't shown in the table; it is in the JSON.
    private static let shownClasses = 12

    /// All figures as one JSON object; `NAME_interval` is the middle 95 per cent of a figure's bootstrap.
    public var json: String { ReportValue.object(members).json }

    private var members: [ReportValue.Member] {
        func figure(_ name: String, _ figure: EvaluationFigure) -> [ReportValue.Member] {
            let ends = figure.interval.map {
                ReportValue.list([.number($0.lowerBound), .number($0.upperBound)])
            }
            return [.init(name, .number(figure.value))]
                + (ends.map { [.init("\(name)_interval", $0)] } ?? [])
        }
        switch figures {
        case .answers(let answers, let comparison):
            return figure("accuracy", answers.accuracy) + [
                .init("compare", .text(comparison.rawValue)),
                .init("samples", .integer(answers.count)),
            ]
        case .classes(let classes):
            var members = figure("accuracy", classes.accuracy)
            members += figure("macro_f1", classes.macroF1)
            if let error = classes.calibrationError {
                members += figure("calibration_error", error)
            }
            members += [
                .init("samples", .integer(classes.count)),
                .init("unanswered", .integer(classes.unanswered)),
            ]
            let rows = classes.classes.map { one in
                ReportValue.object(
                    [.init("label", .text(one.label)), .init("support", .integer(one.support))]
                        + figure("precision", one.precision) + figure("recall", one.recall)
                        + figure("f1", one.f1))
            }
            members.append(.init("classes", .list(rows)))
            let counts = classes.confusion.map { ReportValue.list($0.map { .integer($0) }) }
            members.append(.init("confusion", .list(counts)))
            return members
        }
    }

    /// Tables for the terminal.
    public var text: String {
        switch figures {
        case .answers(let answers, let comparison):
            return "accuracy \(answers.accuracy.text(4)) (\(comparison.rawValue)), "
                + "\(answers.count) answers\n"
        case .classes(let classes):
            var table = TextTable([
                .init("class"), .init("texts", .right), .init("precision", .right),
                .init("recall", .right), .init("F1", .right),
            ])
            for one in classes.classes {
                table.add([
                    one.label, String(one.support), one.precision.text(3), one.recall.text(3),
                    one.f1.text(3),
                ])
            }
            var last =
                "accuracy \(classes.accuracy.text(4)), macro F1 \(classes.macroF1.text(4))"
            if let error = classes.calibrationError {
                last += ", calibration error \(error.text(4))"
            }
            last += ", \(classes.count) texts"
            if classes.unanswered > 0 { last += ", \(classes.unanswered) without an answer" }
            return table.text + Self.confusion(classes) + last + "\n"
        }
    }

    private static func confusion(_ figures: ClassFigures) -> String {
        guard (2...shownClasses).contains(figures.classes.count) else { return "" }
        let names = figures.classes.map(\.label)
        var table = TextTable(
            [.init("gold \\ chosen")] + names.map { TextTable.Column($0, .right) })
        for (name, row) in zip(names, figures.confusion) {
            table.add([name] + row.map { String($0) })
        }
        return "\n" + table.text + "\n"
    }

    /// Writes the figures as a JSON file, whole or not at all.
    public func writeFigures(to path: String) throws {
        try Self.write(ReportValue.object(members).indentedJSON + "\n", to: path)
    }

    /// Writes what was said of each text, a line of JSON each, whole or not at all.
    public func writePredictions(to path: String) throws {
        try Self.write(predictions.map { $0.value.json + "\n" }.joined(), to: path)
    }

    private static func write(_ text: String, to path: String) throws {
        do {
            try Data(text.utf8).write(to: URL(fileURLWithPath: path), options: .atomic)
        } catch {
            throw MethodError(
                .unusableFolder, "\(path): can't be written: \(RunFolder.reason(error))")
        }
    }
}
