// Bodies read: both forms, and all that servers do to them.

import Corpus
import Foundation
import Testing

@testable import Teacher

@Suite struct TaskResponseTests {
    private func body(_ text: String) throws -> ResponseBody { try ResponseBody(Array(text.utf8)) }

    private func token(_ members: String) throws -> ResponseBody.Token {
        let body = try body(
            #"{"choices":[{"message":{"content":"a"},"logprobs":{"content":[\#(members)]}}]}"#)
        return try #require(body.choices[0].tokens?.first)
    }

    @Test func aChat() throws {
        let body = try body(
            #"""
            {"id":"1","choices":[
              {"index":1,"message":{"role":"assistant","content":null,"refusal":"no"},"finish_reason":null},
              {"index":0,"message":{"content":"biased\n\ud83d\ude00"},"finish_reason":"stop","logprobs":
                {"refusal":null,"content":[{"token":"bi","logprob":-0.5,"bytes":null,"top_logprobs":
                  [{"token":"bi","logprob":-0.5,"bytes":[98,105]},{"token":" un","logprob":-1.5}]}]}}],
             "usage":{"prompt_tokens":7,"completion_tokens":3,"total_tokens":10,"details":{"a":[1]}}}
            """#)
        #expect(body.choices.map(\.index) == [0, 1])
        #expect(body.choices[0].content == "biased\n😀")
        #expect(body.choices[0].finishReason == "stop")
        let token = try #require(body.choices[0].tokens?[0])
        #expect(token.chosen == .init(text: Array("bi".utf8), logProbability: -0.5))
        #expect(
            token.alternatives.map { String(decoding: $0.text, as: UTF8.self) } == ["bi", " un"])
        #expect(body.choices[1].content == nil)
        #expect(body.choices[1].refusal == "no")
        #expect(body.choices[1].tokens == nil)
        #expect(body.usage == .init(promptTokens: 7, completionTokens: 3))
    }

    @Test func aCompletion() throws {
        let body = try body(
            #"""
            {"choices":[{"text":" biased","index":0,"finish_reason":"length","logprobs":{
              "text_offset":[0,3],"tokens":[" bi","ased"],"token_logprobs":[-0.1,null],
              "top_logprobs":[{" bi":-0.1," un":-2.5," bi":-0.2},null]}}]}
            """#)
        let tokens = try #require(body.choices[0].tokens)
        #expect(tokens.map { String(decoding: $0.chosen.text, as: UTF8.self) } == [" bi", "ased"])
        #expect(tokens.map(\.chosen.logProbability) == [-0.1, nil])
        #expect(tokens[0].alternatives.map(\.logProbability) == [-0.1, -2.5, -0.2])
        #expect(tokens[1].alternatives.isEmpty)
        #expect(body.usage == nil)
        // Fewer numbers than tokens.
        let short = try self.body(
            #"{"choices":[{"text":"ab","logprobs":{"tokens":["a","b"],"token_logprobs":[-1]}}]}"#)
        #expect(short.choices[0].tokens?.map(\.chosen.logProbability) == [-1, nil])
    }

    @Test(
        arguments: [
            ("-0.25", -0.25), ("-9999.0", -9999), ("0.0000001", 0), ("0", 0), ("-1e-3", -0.001),
            ("0.5", nil), ("null", nil), ("NaN", nil), ("Infinity", nil), ("\"-1\"", nil),
            ("true", nil), ("{}", nil), ("1e400", nil),
        ] as [(String, Double?)])
    func aLogProbabilityOrNone(_ text: String, _ value: Double?) throws {
        #expect(try token(#"{"token":"a","logprob":\#(text)}"#).chosen.logProbability == value)
        let listed = try token(
            #"{"token":"a","logprob":-1,"top_logprobs":[{"token":"b","logprob":\#(text)}]}"#)
        #expect(listed.alternatives[0].logProbability == value)
    }

    @Test func minusInfinityIsNoChance() throws {
        #expect(
            try token(#"{"token":"a","logprob":-Infinity}"#).chosen.logProbability == -.infinity)
    }

    @Test func partsOfCharactersComeFromTheirBytes() throws {
        let part = try token(#"{"token":"\ufffd","bytes":[228,189],"logprob":-1}"#)
        #expect(part.chosen.text == [228, 189])
        let named = try token(#"{"bytes":[160],"token":"bytes:\\xa0","logprob":-1}"#)
        #expect(named.chosen.text == [160])
        // Bytes that are none leave the text as it is.
        #expect(
            try token(#"{"token":"\ufffd","bytes":[1,999]}"#).chosen.text == [0xEF, 0xBF, 0xBD])
        #expect(try token(#"{"token":"\ufffd","bytes":null}"#).chosen.text == [0xEF, 0xBF, 0xBD])
        // Half a surrogate pair is half a character, and no reason to lose the answer.
        #expect(try token(#"{"token":"\ud83d"}"#).chosen.text == [0xEF, 0xBF, 0xBD])
        #expect(try token(#"{"token":"\ud83dx"}"#).chosen.text == [0xEF, 0xBF, 0xBD, 0x78])
        #expect(try token(#"{"token":null,"logprob":null}"#).chosen.text == [])
        #expect(try token(#"7"#).chosen.logProbability == nil)
    }

    @Test(arguments: [
        "", "{", "[]", "null", "<html>502</html>", "{\"choices\":[]}", "{\"choices\":null}",
        "{\"error\":{\"message\":\"no\"}}", "{\"choices\":[{\"index\":0}", "{\"choices\":[7]}",
        "{\"choices\":[{}]} trailing",
    ])
    func whatIsNoAnswer(_ text: String) throws {
        let failure = #expect(throws: LabelFailure.self) { try body(text) }
        #expect(failure?.kind == .malformed)
        let counted = ResponseBody.usageAndFinish(of: Array(text.utf8))
        #expect(counted.isWhole == false)
        #expect(counted.usage == nil)
        #expect(ResponseBody.usageAndFinish(of: [0x7B, 0xFF, 0x7D]).isWhole == false)
    }

    @Test(
        arguments: [
            ("{\"prompt_tokens\":7,\"completion_tokens\":0}", 7), ("{\"prompt_tokens\":7}", nil),
            ("{\"prompt_tokens\":-7,\"completion_tokens\":1}", nil), ("null", nil), ("[]", nil),
            ("{\"prompt_tokens\":7.5,\"completion_tokens\":1}", nil),
            ("{\"prompt_tokens\":\"7\",\"completion_tokens\":1}", nil),
            ("{\"prompt_tokens\":2147483648,\"completion_tokens\":1}", nil),
            ("{\"prompt_tokens\":2147483647,\"completion_tokens\":1}", 2_147_483_647),
            ("{\"prompt_tokens\":99999999999999999999,\"completion_tokens\":1}", nil),
        ] as [(String, Int?)])
    func usageThatCanBe(_ text: String, _ tokens: Int?) {
        let body =
            #"{"usage":\#(text),"choices":[{"finish_reason":"stop","message":{"content":7}}]}"#
        let found = ResponseBody.usageAndFinish(of: Array(body.utf8))
        #expect(found.isWhole)
        #expect(found.usage?.promptTokens == tokens)
        #expect(found.finishReason == "stop")
    }

    @Test func cutAnywhereItIsMalformedAndNeverWorse() throws {
        let whole = TaskBodies.chat(
            "biased \u{1F600}", places: [[("bi", 0.5), ("é", 0.25)], [("ased", 0.9)]])
        for length in 0..<whole.count {
            let cut = Array(whole.prefix(length))
            #expect(throws: LabelFailure.self) { try ResponseBody(cut) }
            #expect(!ResponseBody.usageAndFinish(of: cut).isWhole)
        }
        #expect(try ResponseBody(whole).choices.count == 1)
        // One byte changed: read or refused, never a crash, and never a number above 0.
        for index in whole.indices {
            var changed = whole
            changed[index] = changed[index] &+ 13
            guard let body = try? ResponseBody(changed) else { continue }
            let values = body.choices.flatMap { $0.tokens ?? [] }.flatMap {
                [$0.chosen] + $0.alternatives
            }
            #expect(values.allSatisfy { ($0.logProbability ?? 0) <= 0 })
        }
    }
}
