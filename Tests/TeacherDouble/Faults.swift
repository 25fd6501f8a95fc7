// What goes wrong, and when: each fault has a probability, and whether it strikes is a function of the
// seed and the request's number.

import ArgumentParser
import NIOCore
import Synchronization

/// The faults, as options.
struct FaultOptions: ParsableArguments, Sendable {
    @Option(name: .customLong("fail-500"), help: "Answers 500.")
    var fail500 = 0.0

    @Option(name: .customLong("storm-429"), help: "Answers 429, to 16 requests in a row.")
    var storm429 = 0.0

    @Option(help: "Seconds in the Retry-After of a storm's answers.")
    var retryAfter: Double?

    @Option(help: "Requests a minute; more get 429.")
    var rateLimitRpm: Double?

    @Option(help: "Requests that may come at once below the rate; a second's worth by default.")
    var rateLimitBurst: Double?

    @Option(help: "Closes the connection in the middle of the body.")
    var cut = 0.0

    @Option(help: "A whole body that is no JSON.")
    var badJson = 0.0

    @Option(help: "No log-probabilities though asked.")
    var noLogprobs = 0.0

    @Option(help: "The first of the top log-probabilities comes twice.")
    var duplicateLogprobs = 0.0

    @Option(help: "An empty answer.")
    var empty = 0.0

    @Option(help: "An answer cut short, finish_reason `length`.")
    var length = 0.0

    @Option(help: "Usage that is negative, huge, missing, or strings.")
    var lieUsage = 0.0

    @Option(help: "Never answers.")
    var hang = 0.0

    @Option(help: "Takes twenty times as long.")
    var slow = 0.0

    @Option(name: .customLong("refuse-400"), help: "Answers 400, always to the same texts.")
    var refuse400 = 0.0

    @Option(help: "Ends the process in the middle of this answer, counted from 1.")
    var dieAfter: Int?

    @Option(help: "Answers with a word that is no label.")
    var wrongLabel = 0.0

    @Option(help: "Requests in flight; more get 503.")
    var maxConcurrent: Int?

    func validate() throws {
        let shares = [
            fail500, storm429, cut, badJson, noLogprobs, duplicateLogprobs, empty, length, lieUsage,
            hang, slow, refuse400, wrongLabel,
        ]
        guard shares.allSatisfy({ (0...1).contains($0) }) else {
            throw ValidationError("a fault's probability lies between 0 and 1")
        }
        guard rateLimitRpm ?? 1 > 0, rateLimitBurst ?? 1 >= 1 else {
            throw ValidationError("--rate-limit-rpm must be above 0, its burst at least 1")
        }
    }
}

/// The draws of one request.
struct FaultDraws {
    let seed: UInt64
    let number: Int

    /// What a draw is for; no two uses share one.
    enum Use: UInt64 {
        case fail, storm, cut, badJSON, noLogprobs, duplicate, empty, length, lie, lieKind
        case hang, slow, refuse, wrong, latency
    }

    /// Whether a fault of this probability strikes.
    func strikes(_ use: Use, _ probability: Double) -> Bool {
        probability > 0 && uniform(use) < probability
    }

    /// A number in 0..<1.
    func uniform(_ use: Use) -> Double {
        // A storm lasts for 16 requests.
        let at = use == .storm ? number / 16 : number
        return Hash.unit(Hash.mix(seed, Hash.mix(UInt64(at), use.rawValue)))
    }
}

/// Hashes that are the same in every process.
enum Hash {
    /// Two words into one; SplitMix64's finaliser.
    static func mix(_ left: UInt64, _ right: UInt64) -> UInt64 {
        var word = (left &+ 0x9e37_79b9_7f4a_7c15) ^ (right &* 0xd6e8_feb8_6659_fd93)
        word = (word ^ (word >> 30)) &* 0xbf58_476d_1ce4_e5b9
        word = (word ^ (word >> 27)) &* 0x94d0_49bb_1331_11eb
        return word ^ (word >> 31)
    }

    /// A hash as a number in 0..<1.
    static func unit(_ word: UInt64) -> Double { Double(word >> 11) * 0x1p-53 }

    /// All bytes into one word, eight at a time.
    static func bytes(_ bytes: UnsafeRawBufferPointer) -> UInt64 {
        var word = UInt64(bytes.count) &* 0x9e37_79b9_7f4a_7c15
        var index = 0
        while index + 8 <= bytes.count {
            let next = UInt64(
                littleEndian: bytes.loadUnaligned(fromByteOffset: index, as: UInt64.self))
            word = (word ^ next) &* 0x94d0_49bb_1331_11eb
            word ^= word >> 29
            index += 8
        }
        while index < bytes.count {
            word = (word ^ UInt64(bytes[index])) &* 0xbf58_476d_1ce4_e5b9
            word ^= word >> 29
            index += 1
        }
        return mix(word, 0)
    }
}

/// A rate that holds: a bucket that fills evenly, and a request takes one drop.
final class RateLimit: Sendable {
    let perMinute: Double
    private let burst: Double
    private let state: Mutex<(drops: Double, at: NIODeadline)>

    init(perMinute: Double, burst: Double?) {
        self.perMinute = perMinute
        self.burst = burst ?? max(1, perMinute / 60)
        state = Mutex((self.burst, NIODeadline.now()))
    }

    /// What a request gets: seconds to wait, 0 for none, and whole drops that are left.
    func take() -> (waitSeconds: Double, left: Int) {
        state.withLock { state in
            let now = NIODeadline.now()
            let seconds = Double((now - state.at).nanoseconds) / 1e9
            state.drops = min(burst, state.drops + seconds * perMinute / 60)
            state.at = now
            guard state.drops >= 1 else {
                return ((1 - state.drops) * 60 / perMinute, 0)
            }
            state.drops -= 1
            return (0, Int(state.drops))
        }
    }
}
