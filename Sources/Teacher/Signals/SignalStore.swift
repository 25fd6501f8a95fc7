// The signals of a recording, read one at a time: which file and row each sample's lies in is held in
// memory, its scores are not.

import Foundation
import GRDB
public import Models
import Synchronization

/// Recorded scores of samples, readable from several threads.
public final class SignalStore: Sendable {
    /// What the signals share.
    public let set: SignalSet
    private let places: [String: Place]
    private let files: [File]

    private struct Place {
        let key: LabelKey
        /// Of the answer's tokens.
        let answer: LabelKey
        let count: Int
        let file: Int
        let number: Int64
    }

    private struct File {
        let path: String
        let queue: DatabaseQueue
    }

    /// The signals of samples in a folder; those that aren't there are missing.
    init(folder: String, set: SignalSet, samples: [SignalSample]) throws(TeacherError) {
        self.set = set
        var wanted: [LabelKey: SignalSample] = [:]
        for sample in samples { wanted[sample.key(in: set.identity)] = sample }
        var places: [String: Place] = [:]
        var files: [File] = []
        for path in try RankFiles.signals.paths(in: folder) {
            do {
                var configuration = Configuration()
                configuration.readonly = true
                configuration.busyMode = .timeout(60)
                let queue = try DatabaseQueue(path: path, configuration: configuration)
                let index = files.count
                files.append(File(path: path, queue: queue))
                try queue.read { database in
                    let version = try RankFiles.version(of: database)
                    try RankFiles.signals.refuseNewer(version, path: path)
                    guard version > 0 else { return }
                    let rows = try Row.fetchCursor(
                        database, sql: "SELECT number, key FROM signals WHERE signal_set = ?",
                        arguments: [set.identity])
                    while let row = try rows.next() {
                        guard let bytes = row[1] as Data?,
                            let key = LabelKey(
                                hexadecimal: bytes.map { String(format: "%02x", $0) }.joined())
                        else { throw LedgerTrouble.damaged(path, "a key isn't a SHA-256") }
                        // Of two signals of one sample the first counts, on every rank.
                        guard let sample = wanted[key], places[sample.id] == nil else { continue }
                        places[sample.id] = Place(
                            key: key, answer: Self.name(of: sample.answer),
                            count: sample.answer.count, file: index,
                            number: row[0] as Int64? ?? 0)
                    }
                }
            } catch {
                throw LedgerTrouble.named(error, path: path, writing: false)
            }
        }
        self.places = places
        self.files = files
    }

    /// How many samples have their signal.
    public var count: Int { places.count }

    /// Whether a sample has its signal.
    public func holds(_ id: String) -> Bool { places[id] != nil }

    /// The teacher's scores at each of an answer's tokens.
    ///
    /// - Parameters:
    ///   - id: The sample.
    ///   - answer: Its answer's tokens, as they were recorded: T of them.
    /// - Returns: T places.
    /// - Throws: `TeacherError`: `noAnswer` where nothing is recorded of the sample, `badAnswer` for
    ///   other tokens than the recorded ones, `ledgerDamaged` where a row isn't what was written.
    public func signal(of id: String, answer: [Int32]) throws(TeacherError) -> TopScores {
        guard let place = places[id] else {
            throw TeacherError(
                .noAnswer, "sample '\(id)': no scores of \(set.teacher) are recorded for it")
        }
        guard place.answer == Self.name(of: answer) else {
            throw TeacherError(
                .badAnswer,
                "sample '\(id)': the teacher's scores were recorded for \(place.count) other tokens "
                    + "than these \(answer.count); does the student have the teacher's tokenizer, and is "
                    + "the answer the same?")
        }
        let file = files[place.file]
        do {
            let found = try file.queue.read { database in
                try Row.fetchOne(
                    database, sql: "SELECT data, checksum FROM signals WHERE number = ?",
                    arguments: [place.number]
                ).map { (Array($0[0] as Data? ?? Data()), $0[1] as Int64? ?? -1) }
            }
            guard let (data, checksum) = found,
                checksum == SignalFile.checksum(place.key, data),
                let scores = SignalCodec.scores(data, temperature: set.temperature),
                scores.count == answer.count
            else {
                throw TeacherError(
                    .ledgerDamaged,
                    "\(file.path): the scores of sample '\(id)' are damaged; without the file they are "
                        + "recorded again")
            }
            return scores
        } catch {
            throw LedgerTrouble.named(error, path: file.path, writing: false)
        }
    }

    /// A hash of tokens.
    private static func name(of tokens: [Int32]) -> LabelKey {
        SignalSample(id: "", prompt: [], answer: tokens).key(in: "answer")
    }
}
