// swift-tools-version: 6.2
import PackageDescription

// The tests' build (deploy/test.sh) refuses warnings; a user's build with a newer compiler doesn't.
let strict: [SwiftSetting] =
    Context.environment["RETORT_STRICT"] == nil ? [] : [.treatAllWarnings(as: .error)]

// What every target is compiled with. Ownership of memory is checked by the compiler wherever
// raw pointers are not the subject matter (see `unsafeOwners` below).
let common: [SwiftSetting] =
    [
        .swiftLanguageMode(.v6),
        .enableUpcomingFeature("ExistentialAny"),
        .enableUpcomingFeature("MemberImportVisibility"),
        .enableUpcomingFeature("InternalImportsByDefault"),
    ] + strict
let safe = common + [.strictMemorySafety()]
// Numeric code is unusable without the optimiser, in debug builds too.
let numeric = common + [.unsafeFlags(["-O"], .when(configuration: .debug))]

/// One instruction set: the same generic kernels, compiled with that set's features.
func instructionSet(_ name: String, flags: [String]) -> Target {
    .target(
        name: "Kernels\(name)", dependencies: ["CKernels", "KernelSource"],
        path: "Sources/Kernels/\(name)",
        swiftSettings: common + [
            .unsafeFlags(["-O"] + flags.flatMap { ["-Xcc", $0] })
        ])
}

#if arch(x86_64)
    let instructionSets = [
        instructionSet("Baseline", flags: []),
        instructionSet("AVX2", flags: ["-march=x86-64-v3"]),
        instructionSet("AVX512", flags: ["-march=x86-64-v4"]),
        instructionSet("AVX512BF16", flags: ["-march=x86-64-v4", "-mavx512bf16"]),
    ]
#else
    let instructionSets = [instructionSet("Baseline", flags: [])]
#endif

let package = Package(
    name: "retort",
    platforms: [.macOS(.v15)],
    products: [.executable(name: "retort", targets: ["retort"])],
    dependencies: [
        .package(url: "https://github.com/apple/swift-argument-parser", from: "1.8.2"),
        .package(url: "https://github.com/apple/swift-crypto", from: "4.5.2"),
        .package(url: "https://github.com/apple/swift-log", from: "1.16.2"),
        .package(url: "https://github.com/apple/swift-nio", from: "2.101.2"),
        .package(url: "https://github.com/apple/swift-nio-ssl", from: "2.37.6"),
        .package(url: "https://github.com/groue/GRDB.swift", from: "7.10.0"),
        .package(url: "https://github.com/hummingbird-project/hummingbird", from: "2.28.1"),
        .package(url: "https://github.com/hummingbird-project/swift-mustache", from: "2.1.1"),
        .package(url: "https://github.com/jpsim/Yams", from: "6.2.2"),
        .package(url: "https://github.com/swift-server/async-http-client", from: "1.37.0"),
    ],
    targets: instructionSets + [
        // Kernels: the C table of function pointers, the generic source, one satellite an ISA.
        .target(name: "CKernels", path: "Sources/Kernels/CKernels"),
        .target(
            name: "KernelSource", dependencies: ["CKernels"], path: "Sources/Kernels/Source",
            swiftSettings: common + [.unsafeFlags(["-O"])]),
        .target(
            name: "Kernels",
            dependencies: ["CKernels"] + instructionSets.map { .target(name: $0.name) },
            path: "Sources/Kernels/Kernels", swiftSettings: numeric),
        .target(name: "TensorCore", dependencies: ["Kernels"], swiftSettings: numeric),
        .target(name: "Autograd", dependencies: ["TensorCore"], swiftSettings: safe),
        .target(name: "Safetensors", swiftSettings: common),
        .target(
            name: "Models", dependencies: ["Autograd", "Safetensors", "TensorCore"],
            swiftSettings: safe),
        .target(name: "Tokenizers", swiftSettings: safe),
        .systemLibrary(
            name: "CZlib", path: "Sources/Corpus/CZlib", pkgConfig: "zlib",
            providers: [.apt(["zlib1g-dev"])]),
        .target(
            name: "Corpus",
            dependencies: [
                "CZlib", "Tokenizers", .product(name: "Crypto", package: "swift-crypto"),
            ],
            exclude: ["CZlib"], swiftSettings: safe),
        .systemLibrary(
            name: "CMPI", path: "Sources/Collectives/CMPI", pkgConfig: "ompi-c",
            providers: [.apt(["libopenmpi-dev"])]),
        .target(
            name: "Collectives", dependencies: ["CMPI"], exclude: ["CMPI"], swiftSettings: common),
        .target(
            name: "Checkpoint",
            dependencies: [
                "Collectives", "Safetensors", .product(name: "Crypto", package: "swift-crypto"),
            ], swiftSettings: safe),
        .target(
            name: "Training",
            dependencies: [
                "Autograd", "Checkpoint", "Collectives", "Corpus", "Models", "Safetensors",
                "TensorCore", "Tokenizers",
            ], swiftSettings: safe),
        .target(
            name: "Teacher",
            dependencies: [
                "Collectives", "Corpus", "Models", "TensorCore", "Tokenizers",
                .product(name: "AsyncHTTPClient", package: "async-http-client"),
                .product(name: "Crypto", package: "swift-crypto"),
                .product(name: "GRDB", package: "GRDB.swift"),
                .product(name: "GRDBSQLite", package: "GRDB.swift"),
                .product(name: "Logging", package: "swift-log"),
                .product(name: "Mustache", package: "swift-mustache"),
                .product(name: "NIOCore", package: "swift-nio"),
                .product(name: "NIOHTTP1", package: "swift-nio"),
                .product(name: "NIOPosix", package: "swift-nio"),
                .product(name: "NIOSSL", package: "swift-nio-ssl"),
            ], swiftSettings: safe),
        .target(
            name: "Reporting",
            dependencies: ["Corpus", .product(name: "Mustache", package: "swift-mustache")],
            resources: [.embedInCode("report.mustache")], swiftSettings: safe),
        .target(
            name: "Methods",
            dependencies: [
                "Checkpoint", "Collectives", "Corpus", "Kernels", "Models", "Reporting",
                "Safetensors", "Teacher", "TensorCore", "Tokenizers", "Training",
            ], swiftSettings: safe),
        .executableTarget(
            name: "retort",
            dependencies: [
                "Autograd", "Checkpoint", "Collectives", "Corpus", "Kernels", "Methods", "Models",
                "Reporting",
                "Safetensors", "Teacher", "TensorCore", "Tokenizers", "Training",
                .product(name: "ArgumentParser", package: "swift-argument-parser"),
                .product(name: "Hummingbird", package: "hummingbird"),
                .product(name: "Logging", package: "swift-log"),
                .product(name: "NIOCore", package: "swift-nio"),
                .product(name: "Yams", package: "Yams"),
            ], swiftSettings: safe),
    ] + [
        // Tests, one target a module, and what several of them share.
        .target(
            name: "TestSupport", dependencies: ["Safetensors"], path: "Tests/TestSupport",
            swiftSettings: common),
        .testTarget(
            name: "AutogradTests",
            dependencies: ["Autograd", "Kernels", "TensorCore", "TestSupport"],
            swiftSettings: common),
        .testTarget(
            name: "CheckpointTests", dependencies: ["Checkpoint", "Collectives", "Safetensors"],
            swiftSettings: common),
        .testTarget(
            name: "CollectivesTests", dependencies: ["CMPI", "Collectives"],
            swiftSettings: common),
        .testTarget(name: "CorpusTests", dependencies: ["Corpus"], swiftSettings: common),
        .testTarget(
            name: "KernelsTests", dependencies: ["CKernels", "Kernels"], swiftSettings: common),
        .testTarget(
            name: "MethodsTests",
            dependencies: [
                "Collectives", "Corpus", "Methods", "Models", "Reporting", "Teacher", "TensorCore",
                "TestSupport", "Tokenizers", "Training", "teacher-double",
            ], swiftSettings: common),
        .testTarget(
            name: "ModelsTests",
            dependencies: [
                "Autograd", "Kernels", "Models", "Safetensors", "TensorCore", "TestSupport",
                "Tokenizers",
            ], swiftSettings: common),
        .testTarget(name: "ReportingTests", dependencies: ["Reporting"], swiftSettings: common),
        .testTarget(
            name: "SafetensorsTests", dependencies: ["Safetensors"], swiftSettings: common),
        .testTarget(
            name: "TeacherTests",
            dependencies: [
                "Collectives", "Corpus", "Models", "Teacher", "TensorCore", "TestSupport",
                "Tokenizers",
                .product(name: "GRDB", package: "GRDB.swift"),
                .product(name: "NIOCore", package: "swift-nio"),
                .product(name: "NIOHTTP1", package: "swift-nio"),
                .product(name: "NIOPosix", package: "swift-nio"),
                .product(name: "NIOSSL", package: "swift-nio-ssl"),
            ], swiftSettings: common),
        // An OpenAI-compatible server under the tests' control: slow, faulty, lying, counting.
        .executableTarget(
            name: "teacher-double",
            dependencies: [
                .product(name: "ArgumentParser", package: "swift-argument-parser"),
                .product(name: "NIOCore", package: "swift-nio"),
                .product(name: "NIOHTTP1", package: "swift-nio"),
                .product(name: "NIOPosix", package: "swift-nio"),
            ], path: "Tests/TeacherDouble", swiftSettings: common),
        .testTarget(
            name: "TensorCoreTests", dependencies: ["Kernels", "TensorCore"],
            swiftSettings: common),
        .testTarget(
            name: "TokenizersTests", dependencies: ["Tokenizers"],
            exclude: ["Oracle", "Resources"], swiftSettings: common),
        .testTarget(
            name: "TrainingTests",
            dependencies: [
                "Autograd", "Checkpoint", "Collectives", "Corpus", "Models", "Safetensors",
                "TensorCore", "TestSupport", "Tokenizers", "Training",
            ], swiftSettings: common),
        .testTarget(
            name: "RetortTests",
            dependencies: [
                "Checkpoint", "Collectives", "Corpus", "Methods", "Models", "Reporting",
                "Safetensors",
                "Teacher", "TensorCore", "TestSupport", "Tokenizers", "Training", "retort",
                .product(name: "Hummingbird", package: "hummingbird"),
                .product(name: "Logging", package: "swift-log"),
                .product(name: "NIOCore", package: "swift-nio"),
                .product(name: "NIOEmbedded", package: "swift-nio"),
            ], swiftSettings: common),
    ]
)
