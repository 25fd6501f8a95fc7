// The grader of answers: numbers in all their spellings, and which of a text's numbers is its result.

import Testing

@testable import Methods

@Suite struct GraderTests {
    static let grader = AnswerGrader()

    static func answer(_ text: String) -> String? { grader.answer(in: text)?.description }

    @Test(arguments: [
        ("42", "42"), ("-42", "-42"), ("\u{2212}42", "-42"), ("+42", "42"), ("42.", "42"),
        ("42.50", "85/2"), ("0.1", "1/10"), (".5", "1/2"), ("-.5", "-1/2"), ("007", "7"),
        ("1,234", "1234"), ("1,234,567.80", "6172839/5"), ("1{,}234", "1234"), ("1\\,234", "1234"),
        ("12,34", "34"), ("1,2345", "2345"), ("2019,200", "200"),
        ("$18", "18"), ("$18.00", "18"), ("-$18", "-18"), ("$-18", "-18"), ("$ 18", "18"),
        ("\\$18", "18"), ("€3.20", "16/5"), ("3/4", "3/4"), ("6/8", "3/4"), ("-3/4", "-3/4"),
        ("1 1/2", "3/2"), ("1½", "3/2"), ("½", "1/2"), ("-1 1/2", "-3/2"), ("3 4/2", "2"),
        ("1/2/2020", "2020"), ("5/0", "0"), ("\\frac{3}{4}", "3/4"), ("-\\frac{3}{4}", "-3/4"),
        ("\\dfrac{-3}{4}", "-3/4"), ("\\frac12", "1/2"), ("2\\frac{1}{2}", "5/2"),
        ("50%", "50%"), ("50 %", "50%"), ("50\\%", "50%"), ("12.5 percent", "25/2%"),
        ("5 million", "5000000"), ("2.5 thousand dollars", "2500"), ("3 millionaires", "3"),
        ("1.5e3", "1500"), ("2E-2", "1/50"), ("3 x 10^4", "30000"), ("3 \\times 10^{-2}", "3/100"),
        ("9-3", "3"), ("9 - 3", "3"), ("9 -3", "3"), ("(9)-3", "3"), ("is -3", "-3"),
        ("9 - 12 = - 3", "-3"), ("- 5 apples", "5"), ("sub-10", "10"), ("3-5", "5"),
        ("2:00 pm", "2"), ("9007199254740993", "9007199254740993"),
        ("12345678901234567890123456789012345678.50", "24691357802469135780246913578024691357/2"),
    ])
    func spelling(text: String, number: String) {
        #expect(Self.answer(text) == number, "\(text)")
    }

    @Test(arguments: [
        ("She has 3.\n#### 42", "42"), ("#### $42.00", "42"), ("####42", "42"),
        ("#### 1,042 dollars", "1042"), ("#### 5 + 3 = 8 apples", "8"), ("#### 7 packs and 2", "7"),
        ("#### 50% or 1/2", "50%"), ("#### 42\n\nQ: 1 + 1?\n#### 2", "42"),
        ("#### Step 1: take 3\n#### 2. Add 4 to it\nIt makes 9", "9"),
        ("#### He needs 7 packs", "7"),
        ("so \\boxed{42} and 7", "42"), ("\\boxed{\\frac{3}{4}}", "3/4"),
        ("\\boxed{41} no, \\boxed{x = 42\\text{ m}}", "42"), ("$\\boxed{-1{,}000}$.", "-1000"),
        ("The answer is 42. It took 7 steps.", "42"),
        ("The final answer is: **42**, of 7", "42"),
        ("Final Answer: \\(42\\) (7 tries)", "42"), ("**Answer:** 42\n\nCheck: 42 + 1 = 43", "42"),
        ("### Final answer\n\n42 dollars, not 43", "42"),
        ("the answer would be $5 x 2 = $10.", "10"),
        ("The answer is 41. Wait, the answer is 42", "42"),
        ("ANSWER: 42\nthanks for 3 tries", "42"),
        ("Answer: she has 3 bags of 2, so 6 pens", "6"), ("A: 42\nB: 43", "42"),
        ("The answer to question 3 is 42.", "42"), ("Answer = 42 (1 try)", "42"),
        ("To answer we must know what is 5 + 5. Then 3 remain", "3"), ("She answered 5 of 9", "9"),
        ("**Step 1:** 3\n\nSo it is **42** of 50.", "42"), ("It's **42**\n\nOr so, says 7", "7"),
        ("**Step 2:** 5 + 5 makes 10", "10"), ("**Total**: 3 + 4 = 7", "7"),
        ("2 * 9 = $<<2*9=18>>18 a day", "18"), ("He ends with 3 <<1+2=3>>", "3"),
        ("The answer is unknown; 5 is a guess", "5"), ("4 fit into 9 < 10", "10"),
    ])
    func statement(text: String, number: String) {
        #expect(Self.answer(text) == number, "\(text)")
    }

    @Test(arguments: [
        "", "no number", "####", "\\boxed{", "**", "the answer is", "$", "-", "\\frac{",
        // Too long to be held exactly.
        "123456789012345678901234567890123456789012345", "1e99", "1,000,000e38",
    ])
    func nothing(text: String) {
        #expect(Self.answer(text) == nil)
    }

    @Test func samePercentage() throws {
        let grader = Self.grader
        let half = try #require(grader.gold(of: "#### 0.5"))
        let fifty = try #require(grader.gold(of: "50%"))
        #expect(grader.isRight("50%", gold: half) && grader.isRight("1/2", gold: fifty))
        #expect(grader.isRight("#### 50", gold: fifty) && !grader.isRight("50", gold: half))
        #expect(!grader.isRight("5000%", gold: fifty) && !grader.isRight("no idea", gold: half))
        let third = try #require(grader.gold(of: "1/3"))
        #expect(!grader.isRight("0.3333", gold: third) && grader.isRight("2/6", gold: third))
        let fifteen = try #require(grader.gold(of: "15"))
        #expect(!grader.isRight("-15", gold: fifteen) && grader.isRight("15.00", gold: fifteen))
    }

    /// Every spelling of a number is the same number, and no other one.
    @Test func spellingsAgree() throws {
        for index in 0..<400 {
            let (whole, cents) = (index * index * 37 % 1_000_003, index * 7 % 100)
            let plain = "\(whole).\(cents < 10 ? "0" : "")\(cents)"
            let gold = try #require(ExactNumber(Int128(whole * 100 + cents), over: 100))
            let more = try #require(ExactNumber(Int128(whole * 100 + cents + 1), over: 100))
            let thousands = String(whole / 1000)
            let rest = String(String(whole % 1000 + 1000).dropFirst())
            let grouped =
                whole < 1000 ? plain : "\(thousands),\(rest)\(plain.dropFirst("\(whole)".count))"
            let spellings = [
                plain, plain + "0", "$" + grouped, "\\boxed{\(grouped)}",
                "\\frac{\(whole * 100 + cents)}{100}", "\(whole * 100 + cents)/100",
            ]
            for spelling in spellings {
                #expect(Self.grader.isRight("#### \(spelling)", gold: gold), "\(spelling)")
                #expect(Self.grader.isRight("It is \(spelling).", gold: gold), "\(spelling)")
                let negative =
                    spelling.hasPrefix("\\boxed") ? "\\boxed{-\(grouped)}" : "#### -\(spelling)"
                #expect(!Self.grader.isRight(negative, gold: gold) || gold.numerator == 0)
                #expect(!Self.grader.isRight(spelling, gold: more))
            }
        }
    }
}
