// An INSERT of the ledger that runs thousands of times a second. GRDB prepares it and owns it; values are
// bound and the statement is stepped by SQLite's own calls, because GRDB makes an array of boxed values
// for each row, which costs twice what SQLite does with them.

import GRDB
import GRDBSQLite

/// A prepared INSERT; values are bound one after the other, then it runs.
struct LedgerStatement {
    private let statement: Statement
    private var place: Int32 = 0

    /// Prepares a statement, or takes the one that the connection has prepared before.
    init(_ sql: String, on database: Database) throws {
        statement = try database.cachedStatement(sql: sql)
    }

    /// Binds a text, or NULL.
    mutating func bind(_ text: String?) {
        guard var text else { return bindNull() }
        text.withUTF8 { unsafe bind(UnsafeRawBufferPointer($0)) }
    }

    /// Binds bytes that are ASCII as a text.
    mutating func bind(ascii bytes: [UInt8]) {
        unsafe bytes.withUnsafeBytes { unsafe bind($0) }
    }

    /// Binds a whole number, or NULL.
    mutating func bind(_ number: Int64?) {
        guard let number else { return bindNull() }
        place += 1
        unsafe sqlite3_bind_int64(statement.sqliteStatement, place, number)
    }

    /// Inserts the row.
    mutating func run() throws {
        place = 0
        let handle = unsafe statement.sqliteStatement
        let code = unsafe sqlite3_step(handle)
        let said = unsafe code == SQLITE_DONE ? nil : Self.message(sqlite3_db_handle(handle))
        unsafe sqlite3_reset(handle)
        guard code == SQLITE_DONE else {
            throw DatabaseError(resultCode: ResultCode(rawValue: code), message: said)
        }
    }

    /// SQLite copies the bytes: they may lie elsewhere when the row is inserted.
    private mutating func bind(_ bytes: UnsafeRawBufferPointer) {
        place += 1
        let copying = unsafe unsafeBitCast(-1, to: sqlite3_destructor_type.self)
        // A text without bytes may have no address, which would bind NULL.
        let start = unsafe bytes.baseAddress?.assumingMemoryBound(to: CChar.self)
        if let start = unsafe start, bytes.count > 0 {
            unsafe sqlite3_bind_text(
                statement.sqliteStatement, place, start, Int32(bytes.count), copying)
        } else {
            unsafe sqlite3_bind_text(statement.sqliteStatement, place, "", 0, copying)
        }
    }

    private mutating func bindNull() {
        place += 1
        unsafe sqlite3_bind_null(statement.sqliteStatement, place)
    }

    private static func message(_ connection: OpaquePointer?) -> String? {
        unsafe sqlite3_errmsg(connection).map { unsafe String(cString: $0) }
    }
}
