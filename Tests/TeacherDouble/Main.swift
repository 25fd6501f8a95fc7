// teacher-double: an OpenAI-compatible server under the tests' control. It knows no model: a label is
// a function of the text, so that what should come back is known, and it counts what it was asked.
//
//     teacher-double --port 0 --port-file port --labels ham,spam --latency-ms 50 --seed 1
//
// Answers: POST /v1/chat/completions and /v1/completions, with log-probabilities, `n` and JSON where
// asked for; GET /v1/models, /health. A text that holds `gold:LABEL` gets that label nine times in ten.
// With `--token-length 3` labels are tokens of three letters each, as real tokenizers cut them.
//
// Faults (FaultOptions): each with a probability, drawn from the seed and the number of the request,
// so the same requests in the same order meet the same faults.
//
// Counts: GET /stats, POST /reset. `answered` are bodies with status 200 that went out whole, flawed
// ones too (`by_fault` has those by flaw); `prompt_tokens` and `completion_tokens` are what their usage
// truly told, so what a ledger must add up to (lies and broken JSON add nothing); `repeated_requests`
// are requests, by their exact bytes, that were answered more than once. `--log FILE` gets a line a
// request: seconds since 1970, hash of the body, status or fate, requests in flight.
//
// With `--tutor` it is a tutor of word problems instead (Tutor.swift), with `--examiner` an examiner of multiple
// choice (Examiner.swift), whose flaws are in `by_fault`, with `--instructor` one who answers, judges and
// writes small tasks (Instructor.swift): all are deaf to `--labels` and have the same faults.
// `--tutor-data`, `--tutor-student`, `--examiner-data`, `--instructor-data` and `--instructor-student` write
// their files and end.
//
// It isn't a model server, it parses of a body only what it needs, and it takes no pipelining.

import ArgumentParser
import Dispatch
import Foundation
import NIOCore
import NIOPosix

@main
struct TeacherDouble: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "teacher-double", abstract: "An OpenAI-compatible server for tests.")

    @Option(help: "Port on 127.0.0.1; 0 takes any that is free.")
    var port = 0

    @Option(help: "File that the port is written to once it listens.")
    var portFile: String?

    @Option(help: "The labels, with commas between them.")
    var labels = "positive,negative"

    @Option(help: "Letters of a token in an answer's label; 0 makes each label one token.")
    var tokenLength = 0

    @Option(help: "Milliseconds from a request to its answer.")
    var latencyMs = 0.0

    @Option(help: "At most so many milliseconds more, drawn evenly.")
    var latencyJitterMs = 0.0

    @Option(help: "Seed of all draws.")
    var seed: UInt64 = 1

    @Option(help: "Requests without this key get 401.")
    var apiKey: String?

    @Option(help: "File that gets a line a request.")
    var log: String?

    @Option(help: "Event loop threads.")
    var threads = 1

    @Option(help: "Seconds after which it stops by itself.")
    var lifetime = 3600.0

    @OptionGroup var faults: FaultOptions
    @OptionGroup var tutor: TutorOptions
    @OptionGroup var examiner: ExaminerOptions
    @OptionGroup var files: TutorFileOptions
    @OptionGroup var instructor: InstructorOptions
    @OptionGroup var instructorFiles: InstructorFileOptions

    func validate() throws {
        guard !labelList.isEmpty, !labelList.contains("") else {
            throw ValidationError("--labels: give at least one, with commas between them")
        }
        guard threads >= 1, latencyMs >= 0, latencyJitterMs >= 0, lifetime > 0, tokenLength >= 0
        else { throw ValidationError("threads, times and lengths can't be negative") }
    }

    private var voice: (any Voice)? {
        get throws {
            if instructor.instructor { return Instructor(options: instructor, seed: seed) }
            if examiner.examiner { return try Examiner(options: examiner, seed: seed) }
            return tutor.tutor ? Tutor(options: tutor, seed: seed) : nil
        }
    }

    private var labelList: [String] {
        labels.split(separator: ",", omittingEmptySubsequences: false).map(String.init)
    }

    func run() throws {
        let hasWritten = try files.write(seed: seed)
        if try instructorFiles.write(files, seed: seed) || hasWritten { return }
        signal(SIGPIPE, SIG_IGN)
        let group = MultiThreadedEventLoopGroup(numberOfThreads: threads)
        let counters = Counters(log: try log.map { try RequestLog(path: $0) })
        let service = Service(
            faults: faults, seed: seed, apiKey: apiKey, labels: labelList,
            latency: latencyMs, jitter: latencyJitterMs, counters: counters,
            rateLimit: faults.rateLimitRpm.map {
                RateLimit(perMinute: $0, burst: faults.rateLimitBurst)
            }, voice: try voice)
        // Prepared bytes are kept a thread, so that nobody waits for them.
        var answers: [ObjectIdentifier: Answers] = [:]
        for loop in group.makeIterator() {
            answers[ObjectIdentifier(loop)] = Answers(labels: labelList, tokenLength: tokenLength)
        }
        let prepared = answers
        let channel = try ServerBootstrap(group: group)
            .serverChannelOption(.backlog, value: 4096)
            .serverChannelOption(.socketOption(.so_reuseaddr), value: 1)
            .childChannelOption(.socketOption(.tcp_nodelay), value: 1)
            .childChannelInitializer { channel in
                channel.eventLoop.makeCompletedFuture {
                    guard let answers = prepared[ObjectIdentifier(channel.eventLoop)] else {
                        preconditionFailure("a channel on a foreign event loop")
                    }
                    try Connection.add(to: channel, service, answers)
                }
            }
            .bind(host: "127.0.0.1", port: port).wait()
        try announce(channel.localAddress?.port ?? port)
        let stops = stopSources { channel.close(promise: nil) }
        try channel.closeFuture.wait()
        stops.forEach { $0.cancel() }
        // Whoever still waits is cut off: a stopping server does that.
        Foundation.exit(0)
    }

    /// Writes the port, whole at once: readers poll for the file.
    private func announce(_ port: Int) throws {
        let line = "listening on 127.0.0.1:\(port)\n"
        try FileHandle.standardError.write(contentsOf: Data(line.utf8))
        guard let portFile else { return }
        try Data("\(port)\n".utf8).write(to: URL(fileURLWithPath: portFile), options: .atomic)
    }

    /// Calls `stop` on SIGTERM, SIGINT, and at the end of the lifetime.
    private func stopSources(_ stop: @escaping @Sendable () -> Void) -> [any DispatchSourceProtocol]
    {
        let queue = DispatchQueue(label: "teacher-double.stop")
        let signals = [SIGTERM, SIGINT].map { number in
            signal(number, SIG_IGN)
            return DispatchSource.makeSignalSource(signal: number, queue: queue)
        }
        let timer = DispatchSource.makeTimerSource(queue: queue)
        timer.schedule(deadline: .now() + lifetime)
        let sources: [any DispatchSourceProtocol] = signals + [timer]
        for source in sources {
            source.setEventHandler(handler: stop)
            source.resume()
        }
        return sources
    }
}
