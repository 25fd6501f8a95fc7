// The words of a request that was written as bytes: the way back from `RequestWriter`.

import Corpus
import Foundation

enum RequestReader {
    /// The turns of a chat, or a plain prompt as a user's turn.
    static func turns(of request: TeacherRequest) -> [Turn] {
        let body = try? JSONSerialization.jsonObject(with: Data(request.body)) as? [String: Any]
        if let prompt = body?["prompt"] as? String { return [Turn(.user, prompt)] }
        let messages = body?["messages"] as? [[String: Any]] ?? []
        return messages.map { message in
            Turn(
                (message["role"] as? String).flatMap(Turn.Role.init) ?? .user,
                message["content"] as? String ?? "")
        }
    }
}
