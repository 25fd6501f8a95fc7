// The ledger's tables and their versions; a new version adds a step. Rows are only ever appended, and
// there is no index: keys are random, so an index would touch a page of its own for almost each
// row, and each page goes to the disk twice. Who reads the ledger reads all of it.

import GRDB

enum LedgerSchema {
    /// Step `i` takes a file from version `i` to `i + 1`; see `RankFiles`.
    static let steps = [
        """
        CREATE TABLE labels (
            number INTEGER PRIMARY KEY,
            key TEXT NOT NULL,
            record_id TEXT NOT NULL,
            teacher TEXT NOT NULL,
            request_sha TEXT NOT NULL,
            label_probabilities TEXT,
            choice_probabilities TEXT,
            text TEXT,
            confidence_method TEXT,
            finish_reason TEXT,
            prompt_tokens INTEGER,
            completion_tokens INTEGER,
            price_micro INTEGER NOT NULL,
            latency_us INTEGER,
            created_at INTEGER NOT NULL
        )
        """,
        // Teachers on servers: what they answered, whole (`bodies` stands apart, so that going through
        // the keys doesn't read them), what they refused, and what was lost on the way. `labels` then
        // holds what a parser made of the answers. `journal` has one row: the last journal file whose
        // content is in the tables.
        """
        ALTER TABLE labels ADD COLUMN label TEXT;
        CREATE TABLE responses (
            number INTEGER PRIMARY KEY,
            key TEXT NOT NULL,
            record_id TEXT NOT NULL,
            teacher TEXT NOT NULL,
            server TEXT,
            finish_reason TEXT,
            prompt_tokens INTEGER,
            completion_tokens INTEGER,
            charged_tokens INTEGER NOT NULL,
            price_micro INTEGER NOT NULL,
            latency_us INTEGER NOT NULL,
            created_at INTEGER NOT NULL
        );
        CREATE TABLE bodies (number INTEGER PRIMARY KEY, body TEXT NOT NULL);
        CREATE TABLE failures (
            number INTEGER PRIMARY KEY,
            key TEXT NOT NULL,
            record_id TEXT NOT NULL,
            teacher TEXT NOT NULL,
            kind TEXT NOT NULL,
            reason TEXT NOT NULL,
            created_at INTEGER NOT NULL
        );
        CREATE TABLE losses (
            number INTEGER PRIMARY KEY,
            key TEXT NOT NULL,
            teacher TEXT NOT NULL,
            charged_tokens INTEGER NOT NULL,
            price_micro INTEGER NOT NULL,
            reason TEXT NOT NULL,
            created_at INTEGER NOT NULL
        );
        CREATE TABLE journal (generation INTEGER NOT NULL);
        INSERT INTO journal VALUES (0);
        CREATE VIEW answers AS
            SELECT record_id, teacher, finish_reason, prompt_tokens, completion_tokens, price_micro,
                coalesce(json_extract(body, '$.choices[0].message.content'),
                    json_extract(body, '$.choices[0].text')) AS content, body
            FROM responses JOIN bodies USING (number);
        """,
    ]

    /// Refuses a file whose structure is damaged; costs about as much as reading it, so the bodies of
    /// answers, which are most of it, are left to when they are read.
    static func check(_ database: Database, path: String) throws {
        let tables = try String.fetchAll(
            database,
            sql: "SELECT name FROM sqlite_schema WHERE type = 'table' AND name <> 'bodies'")
        for table in tables {
            try check(database, path: path, pragma: "PRAGMA quick_check('\(table)')")
        }
    }

    private static func check(_ database: Database, path: String, pragma: String) throws {
        let said = try String.fetchOne(database, sql: pragma) ?? "no answer"
        guard said == "ok" else {
            let line = said.split(separator: "\n").joined(separator: " ")
            throw LedgerTrouble.damaged(path, line)
        }
    }
}
