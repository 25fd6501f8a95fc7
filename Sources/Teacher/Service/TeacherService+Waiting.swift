// For callers that aren't asynchronous: a command's main thread.

import Foundation

extension TeacherService {
    /// Like `shutdown`; stands still until that is over.
    ///
    /// Not to be called from a task.
    public func shutDownAndWait() {
        let done = DispatchSemaphore(value: 0)
        Task.detached {
            await self.shutdown()
            done.signal()
        }
        done.wait()
    }
}
