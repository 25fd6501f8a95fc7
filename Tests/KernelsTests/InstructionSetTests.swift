// Which kernels are used: names, order, and an environment variable that lowers and never raises.

import Kernels
import Testing

#if canImport(Glibc)
    import Glibc
#elseif canImport(Darwin)
    import Darwin
#endif

@Suite struct InstructionSetTests {
    @Test func names() {
        for set in InstructionSet.allCases {
            #expect(InstructionSet(name: "\(set)") == set)
            #expect(InstructionSet(name: "\(set)".uppercased()) == set)
        }
        for name in ["", "avx", "avx-512", "sse", " avx2", "best"] {
            #expect(InstructionSet(name: name) == nil, "\(name)")
        }
    }

    @Test func oneSetMultipliesBFloat16() {
        #if arch(x86_64)
            #expect(InstructionSet.allCases.filter(\.hasBFloat16) == [.avx512bf16])
        #else
            #expect(InstructionSet.allCases.filter(\.hasBFloat16).isEmpty)
        #endif
    }

    @Test func availableSetsEndWithTheDetectedOne() {
        let available = InstructionSet.available
        #expect(available.first == .baseline)
        #expect(available.last == .detected)
        #expect(available == available.sorted())
        #expect(KernelTable.available.map(\.instructionSet) == available)
    }

    @Test func aRequestLowersAndNeverRaises() {
        for requested in InstructionSet.allCases {
            let chosen = InstructionSet.chosen(requested: "\(requested)")
            #expect(chosen == min(requested, .detected))
            #expect(chosen <= .detected)
        }
        for name in [nil, "", "avx1024", "0"] {
            #expect(InstructionSet.chosen(requested: name) == .detected, "\(name ?? "nil")")
        }
    }

    /// In a process of its own: a test may not change the environment of the others.
    @Test func theEnvironmentVariableIsReadAtEachChoice() async {
        await #expect(processExitsWith: .exitCode(42)) {
            for requested in InstructionSet.allCases {
                setenv("RETORT_ISA", "\(requested)", 1)
                guard InstructionSet.preferred == min(requested, .detected) else { exit(1) }
            }
            setenv("RETORT_ISA", "nonsense", 1)
            guard InstructionSet.preferred == .detected else { exit(2) }
            unsetenv("RETORT_ISA")
            guard InstructionSet.preferred == .detected else { exit(3) }
            exit(42)
        }
    }

    @Test(.enabled(if: InstructionSet.detected < .avx512bf16, "this processor runs every set"))
    func aSetThatDoesNotRunHereIsRefused() async {
        await #expect(processExitsWith: .failure) { _ = KernelTable(.avx512bf16) }
    }
}
