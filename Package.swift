// swift-tools-version: 6.1
// SPDX-License-Identifier: Apache-2.0

import PackageDescription

// The architecture, as a list. Six rooms: Vocabulary ← {Protocols, Policies, Rim} ← Roles, and Proof beside them.
// What each room may hold and import is said in Sources/README.md and checked by scripts/check.

let package = Package(
    name: "millrace",
    dependencies: [
        .package(url: "https://github.com/apple/swift-argument-parser", from: "1.8.2"),
        .package(url: "https://github.com/apple/swift-collections", from: "1.6.0"),
        .package(url: "https://github.com/apple/swift-configuration", from: "1.4.0", traits: ["YAML"]),
        .package(url: "https://github.com/apple/swift-distributed-tracing.git", from: "1.7.3"),
        .package(url: "https://github.com/apple/swift-http-types", from: "1.8.0"),
        .package(url: "https://github.com/apple/swift-log", from: "1.16.2"),
        .package(url: "https://github.com/apple/swift-nio", from: "2.101.2"),
        .package(url: "https://github.com/apple/swift-nio-extras", from: "1.35.2"),
        .package(url: "https://github.com/apple/swift-nio-http2", from: "1.46.0"),
        .package(url: "https://github.com/apple/swift-nio-ssl", from: "2.37.6"),
        .package(url: "https://github.com/apple/swift-protobuf", from: "1.39.0"),
        .package(url: "https://github.com/grpc/grpc-swift-2", from: "2.4.3"),
        .package(url: "https://github.com/grpc/grpc-swift-nio-transport", from: "2.9.2"),
        .package(url: "https://github.com/grpc/grpc-swift-protobuf", from: "2.4.1"),
        .package(url: "https://github.com/hummingbird-project/hummingbird", from: "2.28.1"),
        .package(url: "https://github.com/jpsim/Yams", from: "6.2.2"),
        .package(url: "https://github.com/swift-server/swift-service-lifecycle", from: "2.13.0"),
        .package(url: "https://github.com/swiftlang/swift-subprocess", from: "1.0.2"),
    ],
    targets: vocabulary + protocols + policies + rim + roles + proof
)

// MARK: - Rooms

var vocabulary: [Target] {
    [
        room("Vocabulary", "Bytes"),
        room("Vocabulary", "Cluster", uses: ["Identity"]),
        room("Vocabulary", "Identity"),
        room("Vocabulary", "Media", uses: ["Bytes", "Identity"]),
        room("Vocabulary", "Objects", uses: ["Bytes", "Media"]),
        room("Vocabulary", "Traces", uses: ["Identity"]),
    ]
}

var protocols: [Target] {
    [
        room("Protocols", "CDN", uses: ["Bytes", "Identity", "Media", "Signing"]),
        room("Protocols", "CMAF", uses: ["Bytes", "Feed", "Media"]),
        room("Protocols", "Feed", uses: ["Bytes", "Identity", "Media"]),
        room("Protocols", "GeoIP", uses: ["Bytes", "Cluster"]),
        room("Protocols", "Gossip", uses: ["Bytes", "Cluster", "COpenSSL", "Identity"]),
        room("Protocols", "HLS", uses: ["Bytes", "CMAF", "COpenSSL", "Cluster", "Feed", "Identity", "Media"]),
        room("Protocols", "OTLP", uses: ["Objects", "Traces"]),
        room("Protocols", "ObjectStorage", uses: ["Bytes", "Media", "Objects", "Signing"]),
        room("Protocols", "Relay", uses: ["Bytes", "Cluster", "Feed", "Identity", "Media"]),
        room("Protocols", "RTP", uses: ["Bytes", "Identity", "Media"]),
        room("Protocols", "RTMP", uses: ["Bytes", "COpenSSL", "Identity", "Media"]),
        room("Protocols", "SecureMedia", uses: ["Bytes", "COpenSSL", "CSRTP", "Media"]),
        room("Protocols", "Signing", uses: ["Bytes", "COpenSSL", "Media"]),
        room("Protocols", "Sound", uses: ["Bytes", "Media"]),
        room("Protocols", "WebRTC", uses: ["Bytes", "COpenSSL", "CZlib", "Cluster", "Media"]),
    ]
}

var policies: [Target] {
    [
        room("Policies", "Access", uses: ["Bytes", "COpenSSL", "Identity", "Media"]),
        room("Policies", "Arbitration"),
        room("Policies", "Fanout", uses: ["Cluster", "Identity", "Media"]),
        room("Policies", "Layers"),
        room("Policies", "Placement", uses: ["Cluster", "Identity"]),
        room("Policies", "Steering"),
        room("Policies", "Upload", uses: ["Bytes", "Identity", "Objects"]),
    ]
}

var rim: [Target] {
    [
        room("Rim", "APIClient", uses: ["COpenSSL"]),
        shim("CCurl", pkgConfig: "libcurl", debian: "libcurl4-openssl-dev"),
        // Without pkg-config, whose flags for hiredis SwiftPM refuses with a warning.
        .systemLibrary(name: "CHiredis", path: "Sources/Rim/CHiredis", providers: [.apt(["libhiredis-dev"])]),
        .systemLibrary(name: "CLinuxIO", path: "Sources/Rim/CLinuxIO"),
        shim("COpenSSL", pkgConfig: "openssl", debian: "libssl-dev"),
        shim("CSRTP", pkgConfig: "libsrtp2", debian: "libsrtp2-dev"),
        shim("CZlib", pkgConfig: "zlib", debian: "zlib1g-dev"),
        room("Rim", "Datagrams", uses: ["CLinuxIO", "Cluster", "Telemetry"]),
        room(
            "Rim", "FanoutAPI",
            products: [
                from("grpc-swift-2", "GRPCCore"), from("grpc-swift-protobuf", "GRPCProtobuf"),
                from("swift-protobuf", "SwiftProtobuf"),
            ],
            resources: [.embedInCode("Resources")], excluding: ["Definitions"]
        ),
        room("Rim", "Processes", uses: ["CLinuxIO"], products: [nio("NIOCore"), nio("NIOPosix")]),
        room(
            "Rim", "SharedState", uses: ["CHiredis", "COpenSSL", "Cluster", "Identity", "Telemetry", "Transport"],
            products: [logging, nio("NIOPosix")]
        ),
        room(
            "Rim", "Storage", uses: ["Bytes", "CCurl", "Media", "Objects", "Telemetry"],
            products: [from("swift-distributed-tracing", "Instrumentation")]),
        room("Rim", "Telemetry", uses: ["Media"], products: [logging]),
        room(
            "Rim", "Transport", uses: ["CLinuxIO", "Cluster", "Media"],
            products: [nio("NIOCore"), nio("NIOPosix"), nio("NIOTLS"), from("swift-nio-ssl", "NIOSSL")]
        ),
        room(
            "Rim", "WebServer", uses: ["Bytes", "CZlib", "Transport"],
            products: [
                nio("NIOCore"), nio("NIOHTTP1"), nio("NIOTLS"),
                from("swift-nio-extras", "NIOHTTPTypes"), from("swift-nio-extras", "NIOHTTPTypesHTTP2"),
                from("swift-nio-http2", "NIOHPACK"), from("swift-nio-http2", "NIOHTTP2"),
                from("swift-http-types", "HTTPTypes"), logging,
                from("hummingbird", "Hummingbird"), from("hummingbird", "HummingbirdCore"),
            ]
        ),
    ]
}

var roles: [Target] {
    [
        room(
            "Roles", "Clustering",
            uses: ["Bytes", "Cluster", "Gossip", "Identity", "Media", "Telemetry", "Transport"],
            products: [logging, nio("NIOCore"), nio("NIOPosix")]
        ),
        room(
            "Roles", "Control",
            uses: ["Access", "COpenSSL", "Cluster", "Identity", "Media", "Transport", "WebServer"],
            products: [from("hummingbird", "Hummingbird"), from("swift-http-types", "HTTPTypes"), nio("NIOCore")],
            resources: [.embedInCode("Resources")]
        ),
        room(
            "Roles", "Edge",
            uses: [
                "Access", "Bytes", "CDN", "Feed", "HLS", "Identity", "Media", "RTMP", "Replica", "Telemetry", "Traces",
                "Transport", "WebServer",
            ],
            products: [from("swift-collections", "DequeModule"), nio("NIOCore")]
        ),
        program(
            "millrace", folder: "Sources/Roles/Millrace", uses: ["Node"], products: [argumentParser],
            libraries: ["jemalloc"],  // docs/decisions/0010
            holdsSwift: true  // docs/decisions/0016
        ),
        room(
            "Roles", "Node",
            uses: [
                "APIClient", "Access", "Arbitration", "Bytes", "CDN", "CLinuxIO", "CMAF", "COpenSSL", "Cluster",
                "Clustering",
                "Control", "Datagrams", "Edge", "Fanout", "Feed", "GeoIP", "Gossip", "HLS", "Identity", "Media",
                "OTLP", "ObjectStorage", "Objects", "Origin", "Placement", "PlainRTP", "RTMP", "RTP", "RealTime",
                "Recording",
                "Relay", "Replica", "Router", "SharedState", "Signing", "Steering", "Storage", "Telemetry", "Traces",
                "Transport",
                "Upload", "WebRTC",
                "WebServer",
            ],
            products: [
                argumentParser, configuration, logging, nio("NIOCore"), nio("NIOPosix"),
                from("hummingbird", "Hummingbird"),
                from("swift-service-lifecycle", "ServiceLifecycle"), from("swift-subprocess", "Subprocess"), yaml,
            ]
        ),
        room(
            "Roles", "Origin",
            uses: [
                "Access", "Bytes", "Cluster", "Feed", "Identity", "Media", "RTMP", "Replica", "Telemetry", "Transport",
            ],
            products: [logging, nio("NIOCore")]
        ),
        room(
            "Roles", "PlainRTP",
            uses: [
                "Access", "Bytes", "Cluster", "Datagrams", "Fanout", "FanoutAPI", "Identity", "Media", "RTP", "Relay",
                "Replica", "Signing", "Telemetry", "Transport", "WebRTC",
            ],
            products: [
                from("grpc-swift-2", "GRPCCore"), from("grpc-swift-nio-transport", "GRPCNIOTransportHTTP2Posix"),
                from("grpc-swift-protobuf", "GRPCProtobuf"), nio("NIOCore"), nio("NIOPosix"),
                from("swift-protobuf", "SwiftProtobuf"),
            ]
        ),
        room(
            "Roles", "RealTime",
            uses: [
                "Access", "Bytes", "Cluster", "Datagrams", "Feed", "HLS", "Identity", "Layers", "Media", "Processes",
                "RTP",
                "Replica", "SecureMedia", "Sound", "Telemetry", "Transport", "WebRTC", "WebServer",
            ],
            products: [
                from("hummingbird", "Hummingbird"), from("swift-http-types", "HTTPTypes"), logging, nio("NIOCore"),
            ]
        ),
        room(
            "Roles", "Recording",
            uses: [
                "Bytes", "Cluster", "Feed", "HLS", "Identity", "Media", "Objects", "Replica", "Signing", "Storage",
                "Telemetry", "Traces", "Upload",
            ],
            products: [logging, from("swift-distributed-tracing", "Tracing")]),
        room(
            "Roles", "Router",
            uses: [
                "Access", "Bytes", "Cluster", "HLS", "Identity", "Media", "Placement", "Steering", "Telemetry",
                "Transport", "WebServer",
            ],
            products: [nio("NIOCore")]
        ),
        room(
            "Roles", "Replica",
            uses: [
                "Bytes", "CMAF", "Cluster", "Feed", "HLS", "Identity", "Media", "OTLP", "RTMP", "Relay", "Telemetry",
                "Traces", "Transport",
            ],
            products: [
                from("swift-collections", "DequeModule"), from("swift-distributed-tracing", "Tracing"),
                nio("NIOCore"), nio("NIOPosix"),
            ]
        ),
    ]
}

var proof: [Target] {
    [
        library(
            "DelayLine", folder: "cluster/DelayLine", uses: ["CLinuxIO"],
            products: [from("swift-collections", "DequeModule")]),
        library(
            "VirtualCluster", folder: "cluster/VirtualCluster",
            uses: [
                "Arbitration", "Bytes", "Cluster", "Feed", "Gossip", "HLS", "Identity", "Media", "Placement", "Relay",
                "TestKit",
            ]),
        library(
            "Swarm", folder: "loadtests/Swarm",
            uses: ["Bytes", "Cluster", "Media", "RTMP", "RTP", "SecureMedia", "WebRTC"]),
        program(
            "millrace-bench-rtp", folder: "Benchmarks/PlainRTP",
            uses: ["Cluster", "Datagrams", "Fanout", "PlainRTP", "Telemetry", "Transport"]),
        program(
            "millrace-bench-secure", folder: "Benchmarks/SecureMedia", uses: ["CSRTP", "Media", "SecureMedia"]),
        program(
            "millrace-drill", folder: "cluster/ClusterDrill",
            uses: ["Cluster", "DelayLine", "Gossip", "Identity", "TestKit", "VirtualCluster"],
            products: [argumentParser]),
        program(
            "millrace-load", folder: "loadtests/ViewerSwarm",
            uses: ["Bytes", "CLinuxIO", "COpenSSL", "Cluster", "Media", "RTMP", "SecureMedia", "Swarm", "WebRTC"],
            products: [argumentParser, nio("NIOCore"), nio("NIOPosix")]
        ),
        tests("Policies", "Access", uses: ["Identity", "Media"]),
        tests("Policies", "Arbitration", uses: ["TestKit"]),
        tests("Rim", "APIClient"),
        tests("Vocabulary", "Bytes"),
        tests("Vocabulary", "Cluster", uses: ["Identity"]),
        tests(
            "Protocols", "CDN",
            uses: ["Bytes", "COpenSSL", "Identity", "Media", "Objects", "Signing", "Storage", "StoreKit"]),
        tests("Protocols", "CMAF", uses: ["Bytes", "Feed", "Media"]),
        tests(
            "Roles", "Control",
            uses: [
                "Access", "Cluster", "Identity", "Media", "Node", "NodeKit", "Origin", "RTMP", "TestKit", "Transport",
                "WebServer",
            ],
            products: [
                from("hummingbird", "Hummingbird"), from("swift-http-types", "HTTPTypes"), logging, nio("NIOCore"),
            ]),
        tests("Rim", "Datagrams", uses: ["Cluster", "Telemetry"]),
        tests("cluster", "DelayLine", uses: ["TestKit"]),
        tests("Roles", "Edge", uses: ["CZlib", "Identity", "Node", "NodeKit", "RTMP", "TestKit"]),
        tests("Policies", "Fanout", uses: ["Cluster", "Identity", "Media", "TestKit"]),
        tests("Protocols", "Feed", uses: ["Bytes", "Identity", "Media", "TestKit"]),
        tests("Protocols", "GeoIP", uses: ["Bytes", "Cluster"]),
        tests("Protocols", "Gossip", uses: ["Bytes", "Cluster", "Identity", "TestKit", "VirtualCluster"]),
        tests("Protocols", "HLS", uses: ["Bytes", "CMAF", "Cluster", "Feed", "Identity", "Media", "TestKit"]),
        tests("Vocabulary", "Identity"),
        tests("Policies", "Layers", uses: ["RTP", "TestKit"]),
        tests("Vocabulary", "Media", uses: ["Bytes"]),
        tests(
            "Roles", "Node",
            uses: [
                "Access", "Bytes", "Cluster", "Feed", "HLS", "Identity", "Media", "NodeKit", "Objects", "Origin",
                "RTMP",
                "RedisKit", "Replica", "SharedState", "Telemetry", "TestKit", "Transport",
            ],
            products: [argumentParser]),
        tests("Protocols", "OTLP", uses: ["Objects", "TestKit", "Traces"]),
        tests("Protocols", "ObjectStorage", uses: ["Bytes", "Media", "Objects", "Signing", "TestKit"]),
        tests(
            "Roles", "Origin",
            uses: [
                "Access", "Cluster", "Feed", "HLS", "Identity", "Media", "Node", "NodeKit", "RTMP", "Replica",
                "Telemetry", "TestKit", "Transport",
            ],
            products: [nio("NIOPosix")]),
        tests("Policies", "Placement", uses: ["Cluster", "Identity", "TestKit"]),
        tests(
            "Roles", "PlainRTP",
            uses: [
                "Bytes", "Cluster", "Datagrams", "Fanout", "Identity", "RTP", "Relay", "Replica", "Telemetry",
                "TestKit",
                "Transport", "WebRTC",
            ],
            products: [nio("NIOCore"), nio("NIOPosix")]),
        tests("Rim", "Processes", uses: ["TestKit"], products: [nio("NIOCore"), nio("NIOPosix")]),
        tests("Protocols", "RTP", uses: ["Bytes", "Media", "RTMP", "TestKit"]),
        tests("Protocols", "RTMP", uses: ["Bytes", "COpenSSL", "Identity", "Media"]),
        tests(
            "Roles", "RealTime",
            uses: [
                "Bytes", "Cluster", "Feed", "Identity", "Media", "Node", "NodeKit", "Origin", "RTP", "Replica",
                "SecureMedia", "TestKit", "WebRTC",
            ]),
        tests(
            "Protocols", "Relay", uses: ["Bytes", "Cluster", "Feed", "HLS", "Identity", "Media", "TestKit"]),
        tests(
            "Roles", "Recording",
            uses: [
                "Bytes", "Feed", "HLS", "Identity", "Media", "ObjectStorage", "Objects", "Replica", "Storage",
                "StoreKit",
                "Telemetry", "TestKit", "Upload",
            ], products: [logging]),
        tests(
            "Roles", "Replica",
            uses: [
                "Cluster", "Feed", "HLS", "Identity", "Media", "NodeKit", "OTLP", "Relay", "Telemetry", "TestKit",
                "Traces",
                "Transport",
            ],
            products: [
                from("swift-distributed-tracing", "Tracing"), nio("NIOCore"), nio("NIOEmbedded"), nio("NIOPosix"),
            ]),
        tests(
            "Roles", "Router", uses: ["Cluster", "HLS", "Identity", "Media", "Placement", "Telemetry", "Transport"]),
        tests("Protocols", "SecureMedia", uses: ["Bytes", "CSRTP", "Media", "TestKit"]),
        tests(
            "Rim", "SharedState", uses: ["Cluster", "Identity", "RedisKit", "Telemetry", "TestKit", "VirtualCluster"],
            products: [logging]),
        tests("Protocols", "Signing", uses: ["Bytes", "COpenSSL", "Media", "TestKit"]),
        tests("Protocols", "Sound", uses: ["Bytes", "Media", "TestKit"]),
        tests("Policies", "Steering", uses: ["TestKit"]),
        tests("Rim", "Storage", uses: ["Bytes", "Media", "ObjectStorage", "Objects", "StoreKit"]),
        tests(
            "loadtests", "Swarm",
            uses: ["Bytes", "Cluster", "Media", "RTMP", "RTP", "SecureMedia", "TestKit", "WebRTC"]),
        tests("Rim", "Telemetry", products: [logging]),
        tests("Vocabulary", "Traces", uses: ["Identity"]),
        tests(
            "Rim", "Transport", uses: ["TestKit"],
            products: [nio("NIOCore"), nio("NIOPosix"), from("swift-nio-ssl", "NIOSSL")]
        ),
        tests("Policies", "Upload", uses: ["Bytes", "Identity", "TestKit"]),
        tests(
            "Rim", "WebServer", uses: ["Bytes", "TestKit", "Transport"],
            products: [
                from("hummingbird", "Hummingbird"), logging, nio("NIOCore"), nio("NIOEmbedded"), nio("NIOPosix"),
            ]
        ),
        tests("Protocols", "WebRTC", uses: ["Bytes", "Cluster", "Media", "TestKit"]),
        testKit(
            "NodeKit",
            uses: [
                "Access", "Cluster", "Edge", "Identity", "Media", "Node", "Origin", "RTMP", "Replica", "Telemetry",
                "TestKit", "Transport",
            ],
            products: [logging, nio("NIOCore"), nio("NIOPosix"), from("swift-nio-ssl", "NIOSSL")]),
        testKit("RedisKit", uses: ["SharedState"]),
        testKit(
            "StoreKit", uses: ["Bytes", "Media", "ObjectStorage", "Objects", "Signing", "Storage", "Telemetry"],
            files: ["store_stub.py"]),
        testKit("TestKit", uses: ["Bytes", "Feed", "Identity", "Media"]),
    ]
}

// MARK: - Products of other packages

var argumentParser: Target.Dependency { .product(name: "ArgumentParser", package: "swift-argument-parser") }
var configuration: Target.Dependency { .product(name: "Configuration", package: "swift-configuration") }
var logging: Target.Dependency { .product(name: "Logging", package: "swift-log") }
var yaml: Target.Dependency { .product(name: "Yams", package: "Yams") }

// MARK: - Helpers, one a kind

func room(
    _ room: String, _ name: String, uses: [String] = [], products: [Target.Dependency] = [],
    resources: [Resource]? = nil, excluding: [String] = []
) -> Target {
    .target(
        name: name,
        dependencies: uses.map { .byName(name: $0) } + products,
        path: "Sources/\(room)/\(name)",
        exclude: excluding,
        resources: resources,
        swiftSettings: settings()
    )
}

func library(_ name: String, folder: String, uses: [String], products: [Target.Dependency] = []) -> Target {
    .target(
        name: name, dependencies: uses.map { .byName(name: $0) } + products, path: folder, swiftSettings: settings())
}

func program(
    _ name: String, folder: String, uses: [String], products: [Target.Dependency] = [], libraries: [String] = [],
    holdsSwift: Bool = false
) -> Target {
    let swift = [
        "-static-stdlib", "-lFoundation", "-lFoundationInternationalization", "-lFoundationEssentials",
        "-lCoreFoundation",
        "-l_FoundationICU", "-l_FoundationCShims", "-l_FoundationCollections", "-lswiftDispatch", "-Xlinker",
        "--gc-sections",
    ]
    return .executableTarget(
        name: name,
        dependencies: uses.map { .byName(name: $0) } + products,
        path: folder,
        swiftSettings: settings(),
        linkerSettings: libraries.map { .linkedLibrary($0) } + (holdsSwift ? [.unsafeFlags(swift)] : [])
    )
}

func shim(_ name: String, pkgConfig: String, debian: String) -> Target {
    .systemLibrary(
        name: name, path: "Sources/Rim/\(name)", pkgConfig: pkgConfig, providers: [.apt([debian])]
    )
}

func tests(_ room: String, _ name: String, uses: [String] = [], products: [Target.Dependency] = []) -> Target {
    .testTarget(
        name: "\(name)Tests",
        dependencies: [.byName(name: name)] + uses.map { .byName(name: $0) } + products,
        path: "Tests/\(name)Tests",
        swiftSettings: settings()
    )
}

func testKit(
    _ name: String, uses: [String], products: [Target.Dependency] = [], files: [String] = []
) -> Target {
    .target(
        name: name, dependencies: uses.map { .byName(name: $0) } + products, path: "Tests/\(name)",
        exclude: files, swiftSettings: settings())
}

func nio(_ product: String) -> Target.Dependency { from("swift-nio", product) }

func from(_ package: String, _ product: String) -> Target.Dependency { .product(name: product, package: package) }

func settings() -> [SwiftSetting] {
    [
        .swiftLanguageMode(.v6),
        .enableUpcomingFeature("ExistentialAny"),  // SE-0335
        .enableUpcomingFeature("MemberImportVisibility"),  // SE-0444
        .enableUpcomingFeature("InternalImportsByDefault"),  // SE-0409
    ]
}
