// SPDX-License-Identifier: Apache-2.0

import Access
import Identity
import Media
import Testing

@Suite("An access policy")
struct AccessPolicyTests {
    private let here = Caller(isLoopback: true)
    private let there = Caller(isLoopback: false)

    private func policy(_ change: (inout AccessSettings) -> Void = { _ in }) throws -> AccessPolicy {
        var settings = AccessSettings()
        change(&settings)
        return AccessPolicy(settings: settings, secret: try secret())
    }

    private func request(
        token: String? = nil, from caller: Caller, key: String = "wheel", address: String = "192.0.2.1",
        live: PublisherIdentity? = nil
    ) throws -> PublishRequest {
        PublishRequest(
            stream: try stream(), token: token, key: key, address: address, caller: caller, live: live)
    }

    private func publishToken(for name: String = "live/wheel", until expiry: WallTime = inAnHour) throws -> String {
        var random = SeededRandom(seed: 11)
        return PublishToken(for: try stream(name), until: expiry, by: try secret(), using: &random).text
    }

    // MARK: Publishing

    @Test(
        "lets publish without a token only whom it trusts",
        arguments: [
            (true, AccessSettings.PublishMode.token, true, true), (true, .token, false, false),
            (false, .token, true, false), (false, .token, false, false),
            (true, .open, false, true), (false, .open, false, true), (false, .open, true, true),
        ])
    func trust(trustLoopback: Bool, mode: AccessSettings.PublishMode, isLocal: Bool, allowed: Bool) throws {
        let policy = try policy {
            $0.trustLoopback = trustLoopback
            $0.publish = mode
        }
        let decision = policy.publish(try request(from: isLocal ? here : there), now: noon)
        let identity = PublisherIdentity(key: "wheel", address: "192.0.2.1", by: try secret())
        #expect(decision == (allowed ? .allow(identity) : .refuse(.tokenMissing)))
    }

    @Test("lets publish with a good token from anywhere, again and again")
    func goodToken() throws {
        let token = try publishToken()
        let identity = PublisherIdentity(token: token, by: try secret())
        for address in ["192.0.2.1", "2001:db8::1"] {
            let request = try request(token: token, from: there, address: address)
            #expect(try policy().publish(request, now: noon) == .allow(identity))
        }
    }

    @Test("says why a token does not publish")
    func badToken() throws {
        let rows: [(String, TokenFailure)] = [
            (try publishToken(for: "live/mill"), .wrongStream), (try publishToken(for: "other/wheel"), .wrongStream),
            (try publishToken(until: noon), .expired), (String(repeating: "0", count: 64), .forged), ("", .malformed),
        ]
        for (token, expected) in rows {
            let decision = try policy().publish(try request(token: token, from: there), now: noon)
            #expect(decision == .refuse(.token(expected)))
        }
    }

    @Test("lets an encoder reconnect with the token it is live with, although it expired")
    func reconnect() throws {
        let token = try publishToken(until: noon)
        let identity = PublisherIdentity(token: token, by: try secret())
        let back = try request(token: token, from: there, live: identity)
        #expect(try policy().publish(back, now: inAnHour) == .allow(identity))
        let other = try request(token: token, from: there, live: PublisherIdentity(1, 2))
        #expect(try policy().publish(other, now: inAnHour) == .refuse(.token(.expired)))
        let forged = String(repeating: "0", count: 64)
        let same = try request(token: forged, from: there, live: PublisherIdentity(token: forged, by: try secret()))
        #expect(try policy().publish(same, now: inAnHour) == .refuse(.token(.forged)))
    }

    @Test("replaces the same publisher at once and another only when told to")
    func replace() {
        let (one, two) = (PublisherIdentity(1, 1), PublisherIdentity(1, 2))
        #expect(AccessPolicy.replace(live: nil, by: one, takeover: .refuse) == .start)
        #expect(AccessPolicy.replace(live: one, by: one, takeover: .refuse) == .resume)
        #expect(AccessPolicy.replace(live: one, by: one, takeover: .allow) == .resume)
        #expect(AccessPolicy.replace(live: one, by: two, takeover: .refuse) == .refuse)
        #expect(AccessPolicy.replace(live: one, by: two, takeover: .allow) == .takeOver)
    }

    @Test(
        "bounds the life of the publish tokens it makes",
        arguments: [(Int64?.none, Int64(3600)), (60, 60), (0, 1), (-5, 1), (1 << 40, 86_400)])
    func lifetime(requested: Int64?, seconds: Int64) throws {
        let expiry = try policy().publishExpiry(requested: requested.map { .seconds($0) }, now: noon)
        #expect(expiry == noon.advanced(by: .seconds(seconds)))
    }

    // MARK: Watching

    @Test("asks for a viewer token only in the apps that want one")
    func viewerApps() throws {
        let policy = try policy { $0.viewerTokenApps = ["live"] }
        let nothing: String? = nil
        #expect(policy.viewer(of: try stream(), token: nothing, resource: .media, now: noon) == .refuse(.tokenMissing))
        let open = try stream("open/wheel")
        #expect(policy.viewer(of: open, token: nothing, resource: .media, now: noon) == .allow(nil))
        #expect(policy.viewer(of: open, token: "~junk", resource: .media, now: noon) == .allow(nil))
    }

    @Test("checks the expiry on the multivariant playlist and lets media linger")
    func viewerLinger() throws {
        let policy = try policy {
            $0.viewerTokenApps = ["live"]
            $0.tokenLinger = .seconds(60)
        }
        let session = ViewerID(number: 9)
        let token = ViewerToken(for: try stream(), session: session, until: inAnHour, by: try secret()).text
        let rows: [(ViewerResource, Int64, ViewerDecision)] = [
            (.multivariantPlaylist, -1, .allow(session)), (.multivariantPlaylist, 0, .refuse(.token(.expired))),
            (.media, 59, .allow(session)), (.media, 60, .refuse(.token(.expired))),
        ]
        for (resource, after, expected) in rows {
            let now = inAnHour.advanced(by: .seconds(after))
            #expect(policy.viewer(of: try stream(), token: token, resource: resource, now: now) == expected)
        }
        #expect(
            policy.viewer(of: try stream("live/mill"), token: token, resource: .media, now: noon)
                == .refuse(.token(.wrongStream)))
    }

    // MARK: Control

    @Test("keeps a viewer's good token at a router, and begins a session where none is needed")
    func sessions() throws {
        let policy = try policy { $0.viewerTokenApps = ["live"] }
        var random = SeededRandom(seed: 1)
        let given = ViewerToken(
            for: try stream(), session: ViewerID(number: 7), until: inAnHour, by: policy.secret)
        #expect(policy.session(of: try stream(), token: given.text, now: noon, using: &random) == .allow(given))
        #expect(
            policy.session(of: try stream(), token: given.text, now: inAnHour, using: &random)
                == .refuse(.token(.expired)))
        #expect(
            policy.session(of: try stream(), token: String?.none, now: noon, using: &random) == .refuse(.tokenMissing))

        let open = try stream("open/wheel")
        for shown in [nil, "~junk", given.text] {
            guard case .allow(let token) = policy.session(of: open, token: shown, now: noon, using: &random) else {
                Issue.record("no session for \(shown ?? "nothing")")
                continue
            }
            try token.verify(for: open, now: noon, by: policy.secret)
            #expect(token.session != given.session)
            #expect(token.expiry == noon.advanced(by: policy.settings.tokenLinger))
            #expect(policy.session(of: open, token: token.text, now: noon, using: &random) == .allow(token))
        }
    }

    @Test("asks for the role that an act needs")
    func roles() throws {
        var random = SeededRandom(seed: 13)
        for role in ControlRole.allCases {
            let token = ControlToken(role: role, until: inAnHour, by: try secret(), using: &random).text
            for needed in ControlRole.allCases {
                let expected: ControlDecision =
                    role >= needed ? .allow(role) : .refuse(.roleTooLow(needed: needed))
                for caller in [here, there] {
                    #expect(try policy().control(needed, token: token, caller: caller, now: noon) == expected)
                }
            }
            #expect(
                try policy().control(.reader, token: token, caller: there, now: inAnHour)
                    == .refuse(.token(.expired)))
        }
    }

    @Test("makes a trusted local caller an admin")
    func local() throws {
        let nothing: String? = nil
        #expect(try policy().control(.admin, token: nothing, caller: here, now: noon) == .allow(.admin))
        #expect(try policy().control(.reader, token: nothing, caller: there, now: noon) == .refuse(.tokenMissing))
        let strict = try policy { $0.trustLoopback = false }
        #expect(strict.control(.reader, token: nothing, caller: here, now: noon) == .refuse(.tokenMissing))
        #expect(try policy().control(.reader, token: "junk", caller: here, now: noon) == .refuse(.token(.malformed)))
    }
}

@Suite("A publisher identity")
struct PublisherIdentityTests {
    @Test("is equal for the same token, or key and address, and secret")
    func equality() throws {
        let (ours, theirs) = (try secret(), try secret("quite another secret"))
        #expect(PublisherIdentity(token: "t", by: ours) == PublisherIdentity(token: "t", by: ours))
        let others = [
            PublisherIdentity(token: "t", by: ours), PublisherIdentity(token: "u", by: ours),
            PublisherIdentity(token: "t", by: theirs), PublisherIdentity(key: "t", address: "", by: ours),
            PublisherIdentity(key: "", address: "t", by: ours), PublisherIdentity(key: "a", address: "bc", by: ours),
            PublisherIdentity(key: "ab", address: "c", by: ours),
        ]
        #expect(Set(others).count == others.count)
    }

    @Test("travels as two numbers and prints as 32 digits")
    func halves() throws {
        let identity = PublisherIdentity(token: "t", by: try secret())
        #expect(PublisherIdentity(identity.first, identity.second) == identity)
        #expect(PublisherIdentity(1, 0xAB).description == "000000000000000100000000000000ab")
    }
}
