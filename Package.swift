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
        .package(url: "https://github.com/apple/swift-http-types", from: "1.8.0"),
        .package(url: "https://github.com/apple/swift-log", from: "1.16.2"),
        .package(url: "https://github.com/apple/swift-nio", from: "2.101.2"),
        .package(url: "https://github.com/apple/swift-nio-extras", from: "1.35.2"),
        .package(url: "https://github.com/apple/swift-nio-http2", from: "1.46.0"),
        .package(url: "https://github.com/apple/swift-nio-ssl", from: "2.37.6"),
        .package(url: "https://github.com/hummingbird-project/hummingbird", from: "2.28.1"),
        .package(url: "https://github.com/swift-server/swift-service-lifecycle", from: "2.13.0"),
    ],
    targets: vocabulary + protocols + policies + rim + roles + proof
)

// MARK: - Rooms

var vocabulary: [Target] {
    [
        room("Vocabulary", "Bytes"),
        room("Vocabulary", "Identity"),
        room("Vocabulary", "Media", uses: ["Bytes", "Identity"]),
    ]
}

var protocols: [Target] {
    [
        room("Protocols", "Feed", uses: ["Bytes", "Identity", "Media"])
    ]
}

var policies: [Target] { [] }

var rim: [Target] {
    [
        shim("COpenSSL", pkgConfig: "openssl", debian: "libssl-dev"),
        shim("CZlib", pkgConfig: "zlib", debian: "zlib1g-dev"),
    ]
}

var roles: [Target] { [] }

var proof: [Target] {
    [
        tests("Vocabulary", "Bytes")
    ]
}

// MARK: - Helpers, one a kind

func room(
    _ room: String, _ name: String, uses: [String] = [], products: [Target.Dependency] = []
) -> Target {
    .target(
        name: name,
        dependencies: uses.map { .byName(name: $0) } + products,
        path: "Sources/\(room)/\(name)",
        swiftSettings: settings()
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

func settings() -> [SwiftSetting] {
    [
        .swiftLanguageMode(.v6),
        .enableUpcomingFeature("ExistentialAny"),  // SE-0335
        .enableUpcomingFeature("MemberImportVisibility"),  // SE-0444
        .enableUpcomingFeature("InternalImportsByDefault"),  // SE-0409
    ]
}
