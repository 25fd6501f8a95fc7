// What servers say of when to come again: `Retry-After` (RFC 9110, 10.2.3), and the `x-ratelimit-*` headers
// of OpenAI and those who follow it. A hint that can't be read is no hint.

import NIOHTTP1

/// A server's hints in the head of an answer.
struct ServerHints: Sendable, Hashable {
    /// Seconds to wait after a refusal, by `Retry-After`.
    var retryAfter: Double?
    /// Seconds until there is room again, where none is left: `x-ratelimit-remaining-*` is 0.
    var exhaustedFor: Double?

    /// No server is believed that sends everybody away for longer; it is asked again then.
    static let longest = 3600.0

    /// The longer of the hints.
    var wait: Double? {
        switch (retryAfter, exhaustedFor) {
        case (let first?, let second?): max(first, second)
        case (let first, let second): first ?? second
        }
    }

    init(retryAfter: Double? = nil, exhaustedFor: Double? = nil) {
        self.retryAfter = retryAfter
        self.exhaustedFor = exhaustedFor
    }

    /// Reads a head at a time in seconds since 1970.
    init(_ headers: HTTPHeaders, now: Double) {
        if let text = headers.first(name: "retry-after-ms"), let number = Double(text) {
            retryAfter = Self.bounded(number / 1000)
        } else if let text = headers.first(name: "retry-after") {
            retryAfter = Self.bounded(Double(text) ?? Self.httpDate(text).map { $0 - now })
        }
        for unit in ["requests", "tokens"] {
            guard let left = headers.first(name: "x-ratelimit-remaining-\(unit)"),
                let number = Double(left), number <= 0,
                let reset = headers.first(name: "x-ratelimit-reset-\(unit)"),
                let seconds = Self.bounded(Self.duration(reset))
            else { continue }
            exhaustedFor = max(exhaustedFor ?? 0, seconds)
        }
    }

    private static func bounded(_ seconds: Double?) -> Double? {
        guard let seconds, seconds.isFinite else { return nil }
        return min(max(seconds, 0), longest)
    }

    /// Seconds of a duration such as `1s`, `6m0s`, `120ms`, `1h2m3.5s`, or plain seconds.
    static func duration(_ text: String) -> Double? {
        if let seconds = Double(text) { return seconds }
        var rest = text[...]
        var sum = 0.0
        while !rest.isEmpty {
            let digits = rest.prefix { $0.isASCII && ($0.isNumber || $0 == ".") }
            guard let number = Double(digits) else { return nil }
            rest = rest.dropFirst(digits.count)
            let unit = rest.prefix { $0.isLetter }
            rest = rest.dropFirst(unit.count)
            switch unit {
            case "d": sum += number * 86_400
            case "h": sum += number * 3600
            case "m": sum += number * 60
            case "s": sum += number
            case "ms": sum += number / 1000
            case "us", "µs": sum += number / 1_000_000
            default: return nil
            }
        }
        return text.isEmpty ? nil : sum
    }

    /// Seconds since 1970 of an HTTP date: `Sun, 06 Nov 1994 08:49:37 GMT`.
    ///
    /// The two older forms that a reader should know differ in punctuation and order alone.
    static func httpDate(_ text: String) -> Double? {
        let months = [
            "jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec",
        ]
        var numbers: [Int] = []
        var month: Int?
        var time: [Int]?
        for word in text.lowercased().split(whereSeparator: { " ,-".contains($0) }) {
            if let index = months.firstIndex(of: String(word)) {
                month = index + 1
            } else if word.contains(":") {
                time = word.split(separator: ":").compactMap { Int($0) }
            } else if let number = Int(word) {
                numbers.append(number)
            }
        }
        guard let month, let time, time.count == 3, numbers.count == 2 else { return nil }
        let day = numbers[0]
        var year = numbers[1]
        if year < 100 { year += year < 70 ? 2000 : 1900 }
        guard (1...31).contains(day), (1970...9999).contains(year), (0...23).contains(time[0]),
            (0...59).contains(time[1]), (0...60).contains(time[2])
        else { return nil }
        let seconds = time[0] * 3600 + time[1] * 60 + time[2]
        return Double(daysSince1970(year, month, day) * 86_400 + seconds)
    }

    /// Days of the Gregorian calendar (Hinnant, chrono-compatible low-level date algorithms).
    private static func daysSince1970(_ year: Int, _ month: Int, _ day: Int) -> Int {
        let shifted = month <= 2 ? year - 1 : year
        let era = shifted / 400
        let yearOfEra = shifted - era * 400
        let dayOfYear = (153 * (month > 2 ? month - 3 : month + 9) + 2) / 5 + day - 1
        let dayOfEra = yearOfEra * 365 + yearOfEra / 4 - yearOfEra / 100 + dayOfYear
        return era * 146_097 + dayOfEra - 719_468
    }
}
