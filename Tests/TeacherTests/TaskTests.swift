// The chain from a record to its label: exact bytes, votes, questions asked again, and answers that
// must never be taken for labels.

import Corpus
import Foundation
import Testing

@testable import Teacher

@Suite struct TaskTests {
    private let record = TaskBodies.record("t", id: "r")

    private func options(
        _ change: (inout LabelTaskOptions) -> Void = { _ in }
    ) -> LabelTaskOptions {
        var options = LabelTaskOptions(model: "m", labels: ["yes", "no"])
        options.prompts = [.init(system: "", user: "{{text}}")]
        change(&options)
        return options
    }

    /// The end of a chain whose requests are answered in turn, and all requests.
    private func walk(
        _ options: LabelTaskOptions, _ bodies: [[UInt8]]
    ) throws -> (step: LabelStep, requests: [TeacherRequest]) {
        let task = try LabelTask(options)
        var known: [TeacherRequest: [UInt8]] = [:]
        var requests: [TeacherRequest] = []
        var left = bodies[...]
        while true {
            let step = task.next(for: record) { known[$0] }
            guard case .ask(let asked) = step else { return (step, requests) }
            for request in asked {
                guard let body = left.popFirst() else { return (step, requests + asked) }
                #expect(known.updateValue(body, forKey: request) == nil)
                requests.append(request)
            }
        }
    }

    @Test func exactBytes() throws {
        let request = try LabelTask(options()).firstRequests(for: record)[0]
        #expect(
            String(decoding: request.body, as: UTF8.self)
                == #"{"model":"m","messages":[{"role":"user","content":"t"}],"max_tokens":16,"#
                + #""temperature":0.0,"logprobs":true,"top_logprobs":20}"#)
        #expect(request.promptTokenBound == 1 + 16 + 128)
        #expect(request.completionTokenBound == 16)
        let many = options {
            $0.answer = .json
            $0.confidence = .verbalized
            $0.samples = 3
            $0.temperature = 0.7
            $0.topP = 0.9
            $0.seed = -4
            $0.extraBody = #" { "guided" : {"a": 1}, "user":"ü" } "#
        }
        let full = try LabelTask(many).firstRequests(for: record)[0]
        #expect(
            String(decoding: full.body, as: UTF8.self)
                == #"{"model":"m","messages":[{"role":"user","content":"t"}],"max_tokens":256,"#
                + #""temperature":0.7,"top_p":0.9,"n":3,"seed":-4,"response_format":{"type":"#
                + #""json_schema","json_schema":{"name":"label","strict":true,"schema":{"type":"#
                + #""object","properties":{"label":{"type":"string","enum":["yes","no"]},"#
                + #""confidence":{"type":"number"}},"required":["label","confidence"],"#
                + #""additionalProperties":false}}},"guided":{"a": 1},"user":"ü"}"#)
        #expect(full.completionTokenBound == 768)
        #expect(try TaskBodies.object(full)["guided"] as? [String: Int] == ["a": 1])
        let plain = options {
            $0.route = .completions
            $0.extraBody = #"{"max_completion_tokens":5}"#
        }
        let completion = try LabelTask(plain).firstRequests(for: record)[0]
        #expect(
            String(decoding: completion.body, as: UTF8.self)
                == #"{"model":"m","prompt":"t","temperature":0.0,"stop":["\n"],"logprobs":20,"#
                + #""max_completion_tokens":5}"#)
        #expect(completion.completionTokenBound == 5)
        #expect(completion.route == .completions)
    }

    @Test func aLabelWithItsProbabilities() throws {
        let body = TaskBodies.chat("Yes", places: [[("Yes", 0.6), ("no", 0.2), ("?", 0.2)]])
        let (step, requests) = try walk(options(), [body])
        #expect(requests.count == 1)
        let answer = try #require(step.labelled)
        #expect(answer.id == "r")
        #expect(answer.label == "yes")
        #expect(abs((answer.labelProbabilities?["yes"] ?? 0) - 0.75) < 1e-12)
        #expect(answer.confidenceMethod == "label_logprob")
        #expect(answer.usage == .init(promptTokens: 10, completionTokens: 2))
        #expect(answer.finishReason == "stop")
        _ = try answer.validated()
    }

    @Test func unknownIsNotNought() throws {
        for places in [nil, [[("yes", 0.2), ("no", 0.2), ("?", 0.6)]], [[("yes", 0.6)]]]
            as [[[(String, Double)]]?]
        {
            let answer = try #require(
                try walk(options(), [TaskBodies.chat("yes", places: places)]).step.labelled)
            #expect(answer.label == "yes")
            #expect(answer.labelProbabilities == nil)
            #expect(answer.confidenceMethod == "label_logprob")
            _ = try answer.validated()
        }
    }

    @Test(
        arguments: [
            ("length", "perhaps", LabelFailure.Kind.cut), ("length", "yes it", .cut),
            ("length", nil, .cut), ("stop", "", .empty), ("stop", " \n", .empty),
            (nil, nil, .empty),
            ("content_filter", "yes", .filtered), ("tool_calls", "yes", .unparsable),
            ("abort", "yes", .unparsable), ("stop", "perhaps", .unparsable),
            ("stop", "yes or no", .unparsable),
        ] as [(String?, String?, LabelFailure.Kind)])
    func whatIsNeverALabel(_ finish: String?, _ content: String?, _ kind: LabelFailure.Kind) throws
    {
        let body = TaskBodies.chat(content, finish: finish)
        let (step, _) = try walk(options { $0.reAsk = 0 }, [body])
        #expect(step.failure?.kind == kind)
    }

    @Test func aWholeLabelAtTheLimitIsOne() throws {
        let cut = TaskBodies.chat("yes", finish: "length")
        #expect(try walk(options(), [cut]).step.labelled?.label == "yes")
        let more = TaskBodies.chat("yes,", finish: "length")
        #expect(try walk(options { $0.reAsk = 0 }, [more]).step.failure?.kind == .cut)
        // Not where more of it could have come, and not in JSON or text.
        let longer = options {
            $0.labels = ["yes", "yes indeed"]
            $0.reAsk = 0
        }
        #expect(try walk(longer, [cut]).step.failure?.kind == .cut)
        let json = options {
            $0.answer = .json
            $0.reAsk = 0
        }
        let object = TaskBodies.chat("{\"label\":\"yes\"}", finish: "length")
        #expect(try walk(json, [object]).step.failure?.kind == .cut)
    }

    @Test func badAnswersAreAskedAgainSoOften() throws {
        let bad = TaskBodies.chat("per\"haps")
        let twice = options { $0.reAsk = 2 }
        let (step, requests) = try walk(twice, [bad, TaskBodies.chat(""), TaskBodies.chat("no")])
        #expect(step.labelled?.label == "no")
        #expect(step.labelled?.usage == .init(promptTokens: 30, completionTokens: 6))
        #expect(Set(requests).count == 3)
        let wanted = "Answer with exactly one of these labels and nothing else: yes, no."
        #expect(
            try TaskBodies.messages(requests[2]) == [
                "user: t", "assistant: per\"haps",
                "user: That answer can't be used: it names none of the labels. \(wanted)",
                "user: That answer can't be used: it was empty. \(wanted)",
            ])
        #expect(requests[2].promptTokenBound > requests[0].promptTokenBound)
        let failed = try walk(twice, [bad, bad, bad])
        #expect(failed.step.failure?.kind == .unparsable)
        #expect(failed.step.failure?.reason == "it names none of the labels: per\"haps")
        // Neither a filter's answer nor a broken body.
        let filtered = TaskBodies.chat("yes", finish: "content_filter")
        #expect(try walk(twice, [filtered]).step.failure?.kind == .filtered)
        #expect(try walk(twice, [Array("{}".utf8)]).step.failure?.kind == .malformed)
    }

    @Test func votesOfSamplesAndPrompts() throws {
        let voting = options {
            $0.confidence = .votes
            $0.samples = 3
            $0.temperature = 1
            $0.prompts.append(.init(system: "S", user: "{{text}}"))
        }
        let (step, requests) = try walk(
            voting,
            [TaskBodies.chat(["yes", "perhaps", "no"]), TaskBodies.chat(["no", "no", "no"])])
        #expect(requests.count == 2)
        // A vote that failed is none: 1 of 5 and 4 of 5.
        let answer = try #require(step.labelled)
        #expect(answer.labelProbabilities == ["yes": 0.2, "no": 0.8])
        #expect(answer.label == "no")
        #expect(answer.confidenceMethod == "vote_share")
        // Both are asked at once; one answered alone is not the end.
        let task = try LabelTask(voting)
        let asked = task.firstRequests(for: record)
        let half = task.next(for: record) { $0 == asked[1] ? TaskBodies.chat(["no"]) : nil }
        #expect(half.asked == [asked[0]])
        // One prompt without a vote: the others decide. None with one: failed.
        let bad = TaskBodies.chat(["?", "?", "?"])
        let one = try walk(voting, [bad, TaskBodies.chat(["no", "yes", "no"]), bad])
        #expect(one.requests.count == 3)
        #expect(one.step.labelled?.labelProbabilities?["no"] == 2.0 / 3)
        #expect(try walk(voting, [bad, bad, bad, bad]).step.failure?.kind == .unparsable)
    }

    @Test func severalPromptsAverageTheirDistributions() throws {
        let two = options { $0.prompts.append(.init(system: "S", user: "{{text}}")) }
        let first = TaskBodies.chat("yes", places: [[("yes", 0.9), ("no", 0.1)]])
        let second = TaskBodies.chat("no", places: [[("no", 1)]])
        let answer = try #require(try walk(two, [first, second]).step.labelled)
        #expect(abs((answer.labelProbabilities?["yes"] ?? 0) - 0.45) < 1e-12)
        #expect(answer.label == "no")
        // One unknown: the mean would be that of the surer ones.
        let unknown = try #require(try walk(two, [first, TaskBodies.chat("yes")]).step.labelled)
        #expect(unknown.labelProbabilities == nil)
        #expect(unknown.label == "yes")
    }

    @Test func aStatedConfidence() throws {
        let stating = options {
            $0.labels.append("perhaps")
            $0.answer = .json
            $0.confidence = .verbalized
        }
        let body = TaskBodies.chat(#"{"label":"no","confidence":"80%"}"#)
        let answer = try #require(try walk(stating, [body]).step.labelled)
        #expect(answer.label == "no")
        #expect(answer.confidenceMethod == "verbalized")
        #expect(answer.labelProbabilities?["no"] == 0.8)
        #expect(abs((answer.labelProbabilities?["yes"] ?? 0) - 0.1) < 1e-12)
        let again = try walk(stating, [TaskBodies.chat(#"{"label":"no"}"#), body])
        #expect(again.requests.count == 2)
        #expect(try TaskBodies.messages(again.requests[1]).last?.contains("\"confidence\"") == true)
    }
}
