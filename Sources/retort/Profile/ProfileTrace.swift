// A profile as a Chrome trace, which Perfetto and chrome://tracing open: one process a rank.
//
// Format: "Trace Event Format", complete events (`ph: X`), times in microseconds.

import Foundation
import Reporting
import TensorCore

/// The events of one rank, as the inside of a JSON array.
struct ProfileTrace {
    let events: String

    init(_ profile: Profile, rank: Int) {
        var lines = [
            Self.line([
                .init("name", "process_name"), .init("ph", "M"), .init("pid", .integer(rank)),
                .init("args", .object([.init("name", .text("rank \(rank)"))])),
            ])
        ]
        for span in profile.spans {
            lines.append(
                Self.line([
                    .init("name", .text(span.name)), .init("ph", "X"),
                    .init("pid", .integer(rank)), .init("tid", .integer(0)),
                    .init("ts", .number(Double(span.start) / 1000)),
                    .init("dur", .number(Double(span.end - span.start) / 1000)),
                ]))
        }
        events = lines.joined(separator: ",\n")
    }

    private static func line(_ members: [ReportValue.Member]) -> String {
        ReportValue.object(members).json
    }

    /// A whole trace file of the events of all ranks.
    static func file(_ ranks: [String]) -> String {
        "{\"displayTimeUnit\":\"ms\",\"traceEvents\":[\n"
            + ranks.joined(separator: ",\n") + "\n]}\n"
    }
}
