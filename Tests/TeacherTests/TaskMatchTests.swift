// Labels found in words and in JSON, and not found where they aren't said.

import Testing

@testable import Teacher

@Suite struct TaskMatchTests {
    private let matcher = LabelMatcher(labels: ["biased", "unbiased", "no agreement", "rec.autos"])

    private func index(_ text: String) -> Int? {
        if case .label(let index, _, _) = matcher.match(text) { index } else { nil }
    }

    @Test(arguments: [
        ("biased", 0), ("  Biased.\n", 0), ("**Unbiased**", 1), ("\"unbiased\"", 1),
        ("Label: biased", 0), ("**Label:** unbiased", 1), ("The label is: no agreement", 2),
        ("NO AGREEMENT", 2), ("rec.autos", 3), ("`rec.autos`.", 3),
        ("The text is biased, since it judges.", 0), ("I think it's unbiased", 1),
        ("There is no agreement here", 2), ("<think>biased or unbiased?</think>\n\nbiased", 0),
        ("biased. Clearly biased!", 0),
    ])
    func whatIsSaid(_ text: String, _ label: Int) {
        #expect(index(text) == label)
    }

    @Test(arguments: [
        ("", "none"), ("yes", "none"), ("biasedness", "none"), ("non-biased", "none"),
        ("semi_biased", "none"), ("biased or unbiased", "several labels: 'biased', 'unbiased'"),
        ("It is not biased.", "denies the label 'biased'"), ("It isn't really biased", "denies"),
        ("rec autos", "none"), ("<think>biased</think>", "none"),
    ])
    func whatIsNot(_ text: String, _ words: String) {
        guard case .unclear(let reason) = matcher.match(text) else {
            Issue.record("'\(text)' was taken for a label")
            return
        }
        #expect(reason.contains(words))
    }

    @Test func whereALabelBeginsAndWhetherItIsAllThere() {
        #expect(matcher.match("biased") == .label(0, start: 0, isWhole: true))
        #expect(matcher.match("Label: biased") == .label(0, start: 6, isWhole: true))
        #expect(matcher.match("so é: biased") == .label(0, start: 7, isWhole: false))
        #expect(matcher.match("<think>x</think>biased") == .label(0, start: 16, isWhole: true))
        let nested = LabelMatcher(labels: ["bias", "bias free", "C", "C++"])
        #expect(nested.match("bias") == .label(0, start: 0, isWhole: false))
        #expect(nested.match("bias free") == .label(1, start: 0, isWhole: true))
        #expect(nested.match("it is bias free") == .label(1, start: 6, isWhole: false))
        #expect(nested.match("C++") == .label(3, start: 0, isWhole: true))
        #expect(nested.match("c") == .label(2, start: 0, isWhole: false))
    }

    private func json(_ text: String, confidence: Bool = false) -> Result<
        AnswerJSON, AnswerJSON.Fault
    > {
        do throws(AnswerJSON.Fault) {
            return .success(
                try AnswerJSON(text, matcher: matcher, wantsConfidence: confidence))
        } catch {
            return .failure(error)
        }
    }

    @Test(
        arguments: [
            (#"{"label": "Biased"}"#, 0, nil), ("```json\n{\"label\":\"unbiased\"}\n```", 1, nil),
            (#"{"why":["x"],"label":"no agreement","confidence":0.25}"#, 2, 0.25),
            (#" {"confidence":"90%","label":"biased"} "#, 0, 0.9),
            (#"{"confidence":85,"label":"biased"}"#, 0, 0.85),
            (#"{"confidence":1,"label":"biased"}"#, 0, 1),
            (#"{"confidence":"1%","label":"biased"}"#, 0, 0.01),
            (#"<think>{}</think>{"label":"biased"}"#, 0, nil),
        ] as [(String, Int, Double?)])
    func jsonThatIs(_ text: String, _ label: Int, _ confidence: Double?) throws {
        let answer = try json(text).get()
        #expect(answer.label == label)
        #expect(answer.confidence == confidence)
        #expect(
            text.utf8.dropFirst(answer.start).starts(with: " \"Biased".utf8)
                || text.utf8.dropFirst(answer.start).first == UInt8(ascii: "\""))
    }

    @Test(arguments: [
        ("biased", "not one JSON object alone"), (#"Here: {"label":"biased"}"#, "not one JSON"),
        (#"{"label":"biased"} done"#, "not one JSON"), (#"{"label":"bia"#, "not one JSON"),
        (#"{"label":"baised"}"#, "\"baised\" is none of the labels"),
        (#"{"label":7}"#, "no member \"label\""), (#"{"Label":"biased"}"#, "no member \"label\""),
        (#"{"label":"biased","label":"unbiased"}"#, "stands twice"),
        (#"{"label":"it is biased"}"#, "none of the labels"), ("", "not one JSON"),
        ("``````", "not one JSON"), ("[]", "not one JSON"),
    ])
    func jsonThatIsNot(_ text: String, _ words: String) {
        guard case .failure(let fault) = json(text) else {
            Issue.record("'\(text)' was taken for an answer")
            return
        }
        #expect(fault.reason.contains(words))
    }

    @Test(arguments: [
        "", ",\"confidence\":null", ",\"confidence\":-1", ",\"confidence\":101",
        ",\"confidence\":1.5",
        ",\"confidence\":\"high\"", ",\"confidence\":\"nan\"", ",\"confidence\":true",
    ])
    func aConfidenceThatIsNone(_ member: String) {
        guard case .failure(let fault) = json("{\"label\":\"biased\"\(member)}", confidence: true)
        else {
            Issue.record("taken for a confidence: \(member)")
            return
        }
        #expect(fault.reason.contains("\"confidence\" with a number"))
    }
}
