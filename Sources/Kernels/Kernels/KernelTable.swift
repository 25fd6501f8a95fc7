// The choice of kernels, made once for a compute context. This file knows which tables there are and
// which of them this processor runs; what the kernels do is in CKernels.h.

@_exported public import CKernels
internal import KernelsBaseline

#if arch(x86_64)
    internal import KernelsAVX2
    internal import KernelsAVX512
    internal import KernelsAVX512BF16
#endif

#if canImport(Glibc)
    internal import Glibc
#elseif canImport(Darwin)
    internal import Darwin
#endif

/// A group of processors that share a set of kernels, worst first.
public enum InstructionSet: Int32, CaseIterable, Comparable, Sendable, CustomStringConvertible {
    /// Whatever every processor of the architecture has.
    case baseline = 0
    /// x86-64-v3: 256-bit vectors with fused multiply-add.
    case avx2 = 1
    /// x86-64-v4: 512-bit vectors.
    case avx512 = 2
    /// x86-64-v4 with AVX512-BF16: products of pairs of bfloat16.
    case avx512bf16 = 3

    /// The name that `RETORT_ISA` takes.
    public var description: String {
        switch self {
        case .baseline: "baseline"
        case .avx2: "avx2"
        case .avx512: "avx512"
        case .avx512bf16: "avx512bf16"
        }
    }

    /// The set of that name.
    public init?(name: String) {
        guard let match = Self.allCases.first(where: { $0.description == name.lowercased() }) else {
            return nil
        }
        self = match
    }

    /// Whether the set has an instruction for products of bfloat16; the others multiply rounded floats.
    public var hasBFloat16: Bool {
        retort_kernel_table(rawValue).map { $0.pointee.bfloat16_depth > 1 } ?? false
    }

    /// Whether the left set is the worse one.
    public static func < (left: Self, right: Self) -> Bool { left.rawValue < right.rawValue }

    /// The best set that the processor and the operating system run.
    public static let detected = Self(rawValue: retort_detect()) ?? .baseline

    /// The sets that run here, worst first.
    public static var available: [Self] { allCases.filter { $0 <= detected } }

    /// What a name in the environment variable `RETORT_ISA` makes of the detected set: it can lower
    /// the choice, never raise it, and a name that isn't one changes nothing.
    public static func chosen(requested: String?) -> Self {
        guard let requested, let named = Self(name: requested) else { return detected }
        return min(named, detected)
    }

    /// The set used unless the caller names one: `RETORT_ISA`, read now, or the detected one.
    public static var preferred: Self {
        chosen(requested: getenv("RETORT_ISA").map { String(cString: $0) })
    }
}

/// The kernels of one instruction set.
@safe
public struct KernelTable: @unchecked Sendable {
    /// Whose kernels they are.
    public let instructionSet: InstructionSet
    /// The C functions.
    public let functions: UnsafePointer<retort_kernels>

    /// The kernels of a set, which must be available here.
    public init(_ instructionSet: InstructionSet) {
        guard instructionSet <= .detected,
            let table = retort_kernel_table(instructionSet.rawValue)
        else {
            preconditionFailure(
                "instruction set \(instructionSet) on a processor that runs \(InstructionSet.detected)"
            )
        }
        self.instructionSet = instructionSet
        functions = table
    }

    /// All kernels that run here, worst first: tests go through them.
    public static var available: [KernelTable] { InstructionSet.available.map { Self($0) } }
}
