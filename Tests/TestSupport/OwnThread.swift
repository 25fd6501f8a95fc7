// Long synchronous work of tests on a thread of its own: whoever holds one of the few threads on which all
// async tests run lets them wait, and their patience ends.

import Foundation

/// Runs a body on a new thread; the test's own thread is free meanwhile.
public func onOwnThread<Value: Sendable>(
    _ body: @escaping @Sendable () throws -> Value
) async throws -> Value {
    try await withCheckedThrowingContinuation { continuation in
        let thread = Thread { continuation.resume(with: Result { try body() }) }
        thread.stackSize = 8 << 20
        thread.start()
    }
}
