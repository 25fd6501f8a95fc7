// What a recipe can say of a teacher's servers. Plain values; they are checked where they are used, when
// the service is made.

/// Caps on what the whole job may spend, earlier runs included; nil is no cap.
public struct TeacherBudget: Sendable, Hashable {
    /// Money in millionths of the currency.
    public var micro: Int64?
    /// Tokens, those sent and those that came back.
    public var tokens: Int64?
    /// Requests that were answered, or may have been.
    public var requests: Int64?

    /// Caps.
    public init(micro: Int64? = nil, tokens: Int64? = nil, requests: Int64? = nil) {
        self.micro = micro
        self.tokens = tokens
        self.requests = requests
    }
}

/// How fast the whole job may ask; nil is no limit.
public struct TeacherRate: Sendable, Hashable {
    /// Requests sent in any minute.
    public var requestsPerMinute: Int64?
    /// Tokens in any minute, to within one request.
    public var tokensPerMinute: Int64?
    /// Requests that wait for their answer at a time, over all ranks.
    public var maxInFlight: Int

    /// Limits.
    public init(
        requestsPerMinute: Int64? = nil, tokensPerMinute: Int64? = nil, maxInFlight: Int = 64
    ) {
        self.requestsPerMinute = requestsPerMinute
        self.tokensPerMinute = tokensPerMinute
        self.maxInFlight = maxInFlight
    }
}

/// What earlier runs of a job have spent, from their ledgers.
public struct TeacherSpending: Sendable, Hashable {
    /// Money in millionths of the currency.
    public var micro: Int64
    /// Tokens, both ways.
    public var tokens: Int64
    /// Requests.
    public var requests: Int64

    /// Sums.
    public init(micro: Int64 = 0, tokens: Int64 = 0, requests: Int64 = 0) {
        self.micro = micro
        self.tokens = tokens
        self.requests = requests
    }
}

/// How a teacher's servers are reached.
public struct ServiceOptions: Sendable {
    /// Where they are, such as `http://localhost:8000/v1`; one or more.
    public var baseURLs: [String]
    /// The key that they want, if any.
    public var apiKey: APIKey?
    /// Seconds until a connection must stand.
    public var connectTimeout: Double = 5
    /// Seconds for one exchange, from sending to the last byte.
    public var timeout: Double = 60
    /// Times that a request is sent again; connections that were refused don't count.
    public var maxRetries: Int = 8
    /// Seconds without any server before requests are given up.
    public var giveUpSeconds: Double = 60
    /// A proxy, `http://host:port`; nil takes HTTP_PROXY, HTTPS_PROXY and NO_PROXY, "" is none.
    public var proxy: String?
    /// A PEM file of certificates that are trusted besides the system's.
    public var caFile: String?
    /// Bytes that an answer may have.
    public var maximumAnswerBytes: Int = 16 << 20
    /// What tokens cost; needed for a budget of money.
    public var prices: TokenPrices?

    /// Options with their defaults.
    public init(baseURLs: [String], apiKey: APIKey? = nil) {
        self.baseURLs = baseURLs
        self.apiKey = apiKey
    }

    /// Looks at everything that can be wrong before a server is reached.
    ///
    /// Throws `.configuration` for a URL, an environment variable or a number that can't be.
    public func validate() throws(TeacherError) {
        try check()
        _ = try addresses()
    }

    /// The servers, variables put in.
    func addresses() throws(TeacherError) -> [BaseURL] {
        var addresses: [BaseURL] = []
        for text in baseURLs {
            addresses.append(try BaseURL(EnvironmentText.expanded(text, key: "base_url")))
        }
        return addresses
    }

    /// Throws `.configuration` where a number can't be.
    func check() throws(TeacherError) {
        guard !baseURLs.isEmpty else {
            throw TeacherError(
                .configuration, "the teacher has no base_url: give one, http://HOST:8000/v1 say")
        }
        for (name, seconds) in [
            ("connect_timeout", connectTimeout), ("timeout", timeout),
            ("give_up_seconds", giveUpSeconds),
        ] where !(seconds > 0 && seconds <= 86_400) {
            throw TeacherError(
                .configuration,
                "the teacher's \(name) is \(seconds): give seconds, more than 0 and at most a day")
        }
        guard (0...1000).contains(maxRetries) else {
            throw TeacherError(
                .configuration, "the teacher's max_retries is \(maxRetries): give 0 to 1000")
        }
        guard maximumAnswerBytes > 0 else {
            throw TeacherError(
                .configuration, "answers of at most \(maximumAnswerBytes) bytes can't be")
        }
    }
}
