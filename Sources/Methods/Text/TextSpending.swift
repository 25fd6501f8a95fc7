// What a teacher's texts have cost, as reports have it.

import Reporting
import Teacher

extension LedgerTotals {
    /// Requests, tokens and money, for `report.json`.
    var figures: [ReportValue.Member] {
        [
            .init("teacher_requests", .integer(Int(responses))),
            .init("teacher_prompt_tokens", .integer(Int(promptTokens))),
            .init("teacher_completion_tokens", .integer(Int(completionTokens))),
            .init("teacher_price_micro", .integer(Int(priceMicro))),
        ]
    }
}
