// SPDX-License-Identifier: Apache-2.0

import Bytes
import Cluster
import TestKit
import Testing
import WebRTC

@Suite("ICE with a remote party")
struct ICESessionTests {
    @Test("admits who knows the password, and answers with the address it saw")
    func admission() throws {
        var client = ICEClient()
        let check = client.check(nominates: false)
        let directives = try client.send(check, from: path(1))
        #expect(directives.events == [.admit(path(1))])
        guard case .send(let answer, let to) = directives.last else { throw Missing() }
        let message = try STUNMessage(parsing: answer)
        #expect(to == path(1))
        #expect(message.kind == .bindingSuccess)
        #expect(message.mappedAddress == path(1).remote)
        #expect(message.transaction == (try STUNMessage(parsing: check).transaction))
        #expect(message.hasFingerprint)
        let key = STUNIntegrityKey(password: client.credentials.password)
        #expect(key.verifies(message, in: answer))
        #expect(answer.count <= check.count)
        #expect(client.session.isAdmitted(path(1)) && !client.session.isAdmitted(path(2)))
        #expect(client.session.selected == nil)
    }

    @Test("selects the newest nomination")
    func nomination() throws {
        var client = ICEClient()
        #expect(try client.send(client.check(), from: path(1)).events == [.admit(path(1)), .select(path(1))])
        #expect(try client.send(client.check(), from: path(1)).events.isEmpty)
        #expect(try client.send(client.check(nominates: false), from: path(2)).events == [.admit(path(2))])
        #expect(client.session.selected == path(1))
        #expect(try client.send(client.check(), from: path(2)).events == [.select(path(2))])
        #expect(client.session.selected == path(2))
    }

    @Test("tells a path over TCP from one over UDP")
    func transports() throws {
        var client = ICEClient()
        _ = try client.send(client.check(), from: path(1))
        let directives = try client.send(client.check(), from: path(1, transport: .tcp))
        #expect(directives.events == [.admit(path(1, transport: .tcp)), .select(path(1, transport: .tcp))])
    }

    @Test("drops in silence what proves nothing")
    func silence() throws {
        var client = ICEClient()
        let other = ICEFragment.random(using: &client.random)
        #expect(try client.send(client.check(password: "wrong"), from: path(1)) == [.drop(.badIntegrity)])
        #expect(try client.send(client.check(fragment: other), from: path(1)) == [.drop(.unknownFragment)])
        #expect(try client.send(STUNVectors.request, from: path(1)) == [.drop(.unknownFragment)])
        #expect(try client.send(STUNVectors.response, from: path(1)) == [.drop(.noRequest)])
        var unsigned = STUNWriter(.bindingRequest, transaction: .random(using: &client.random))
        unsigned.append(username: "\(client.credentials.fragment):abcd")
        #expect(try client.send(unsigned.finish(key: nil), from: path(1)) == [.drop(.badIntegrity)])
        #expect(client.session.nextDeadline == .seconds(10))
    }

    @Test("drops every check of which a bit is wrong")
    func bitFlips() throws {
        var client = ICEClient()
        let check = client.check()
        for bit in 0..<(check.count - 8) * 8 {
            var bytes = Array(check.dropLast(8))
            bytes[3] -= 8
            bytes[bit / 8] ^= 1 << UInt8(bit % 8)
            guard (try? STUNMessage(parsing: bytes)) != nil else { continue }
            let directives = try client.send(bytes, from: path(1))
            // The length of the message is not what is signed, but its end is.
            guard case .drop = directives.first else {
                Issue.record("bit \(bit) passed: \(directives)")
                continue
            }
            #expect(directives.count == 1)
        }
    }

    @Test("does not follow a check that is sent again from elsewhere")
    func replay() throws {
        var client = ICEClient()
        let check = client.check()
        _ = try client.send(check, from: path(1))
        #expect(try client.send(check, from: path(9)) == [.drop(.replay)])
        #expect(client.session.selected == path(1))
        #expect(try client.send(check, from: path(1)).answers().count == 1)
        for _ in 0..<15 { _ = try client.send(client.check(), from: path(1)) }
        #expect(try client.send(check, from: path(9)) == [.drop(.replay)])
    }

    @Test("refuses a party that wants to be controlled: 487")
    func roleConflict() throws {
        var client = ICEClient()
        let directives = try client.send(client.check(role: .controlled(tieBreaker: 1)), from: path(1))
        #expect(try directives.answers().map(\.errorCode) == [487])
        #expect(directives.events.isEmpty)
        #expect(!client.session.isAdmitted(path(1)))
    }

    @Test("refuses attributes that it would have to know: 420")
    func unknownAttributes() throws {
        var client = ICEClient()
        let check = client.check(attributes: [0x7F01, 0x7F02, 0x7F01])
        let directives = try client.send(check, from: path(1))
        guard case .send(let answer, _) = directives.first else { throw Missing() }
        let message = try STUNMessage(parsing: answer)
        #expect(message.kind == .bindingError && message.errorCode == 420)
        #expect(answer[28..<36] == [0, 0x0A, 0, 4, 0x7F, 1, 0x7F, 2])
        #expect(answer.count <= check.count)
    }

    @Test("keeps eight paths, and of those the selected one")
    func manyPaths() throws {
        var client = ICEClient()
        _ = try client.send(client.check(), from: path(1))
        for number in 2...8 as ClosedRange<UInt32> {
            _ = try client.send(client.check(nominates: false), from: path(number))
        }
        let ninth = try client.send(client.check(nominates: false), from: path(9))
        #expect(ninth.events == [.forget(path(2)), .admit(path(9))])
        #expect(client.session.isAdmitted(path(1)) && !client.session.isAdmitted(path(2)))
    }
}

@Suite("Any order of checks, restarts and time")
struct ICEOrderTests {
    @Test("leaves a session whole", arguments: 1...60 as ClosedRange<UInt64>)
    func anyOrder(seed: UInt64) throws {
        var client = ICEClient(seed: seed)
        var known: Set<ICEFragment> = [client.credentials.fragment]
        var admitted: Set<ICEPath> = []
        for _ in 0..<300 {
            let from = path(UInt32.random(in: 1...12, using: &client.random))
            var directives: [ICESession.Directive] = []
            switch Int.random(in: 0...9, using: &client.random) {
            case 0:
                let new = ICELocalCredentials.random(using: &client.random)
                directives = client.restart(new)
                known.insert(new.fragment)
                if Bool.random(using: &client.random) { client.credentials = new }
            case 1:
                client.now += .milliseconds(Int.random(in: 0...4000, using: &client.random))
                directives = client.tick()
            case 2: directives = try client.send(client.check(password: "wrong"), from: from)
            default: directives = try client.send(client.check(nominates: .random(using: &client.random)), from: from)
            }
            for directive in directives {
                switch directive {
                case .admit(let path): #expect(admitted.insert(path).inserted, "seed \(seed)")
                case .forget(let path): #expect(admitted.remove(path) != nil, "seed \(seed)")
                case .retire(let fragment): #expect(known.remove(fragment) != nil, "seed \(seed)")
                case .select(let path): #expect(path == client.session.selected, "seed \(seed)")
                case .drop, .expire, .send: break
                }
            }
            #expect(admitted.count <= 8 && known == Set(client.session.fragments), "seed \(seed)")
            #expect(client.session.selected.map(admitted.contains) ?? true, "seed \(seed)")
            #expect(admitted.allSatisfy(client.session.isAdmitted), "seed \(seed)")
        }
    }
}

/// What was expected did not come.
struct Missing: Error {}

@Suite("The time of a session of ICE")
struct ICETimeTests {
    @Test("ends when nobody checks")
    func neverChecked() {
        var client = ICEClient()
        #expect(client.session.nextDeadline == .seconds(10))
        client.now = .milliseconds(9999)
        #expect(client.tick().isEmpty)
        client.now = .seconds(10)
        #expect(client.tick() == [.expire(.neverChecked)])
        #expect(client.session.nextDeadline == nil)
        #expect(client.tick().isEmpty)
    }

    @Test("ends when nobody nominates, however many checks come")
    func neverNominated() throws {
        var client = ICEClient()
        for second in 1...29 {
            client.now = .seconds(second)
            _ = try client.send(client.check(nominates: false), from: path(1))
            #expect(client.tick().isEmpty)
        }
        #expect(client.session.nextDeadline == .seconds(30))
        client.now = .seconds(30)
        #expect(client.tick() == [.expire(.neverNominated)])
    }

    @Test("ends 30 s after the last sign of life")
    func consent() throws {
        var client = ICEClient()
        for second in stride(from: 1, through: 101, by: 5) {
            client.now = .seconds(second)
            _ = try client.send(client.check(), from: path(1))
        }
        #expect(client.session.nextDeadline == .seconds(131))
        client.session.heard(now: .seconds(120))
        #expect(client.session.nextDeadline == .seconds(150))
        client.now = .seconds(150)
        #expect(client.tick() == [.expire(.consent)])
        #expect(try client.send(client.check(), from: path(1)) == [.drop(.expired)])
    }

    @Test("is not prolonged on a path by checks on another")
    func elsewhere() throws {
        var client = ICEClient()
        _ = try client.send(client.check(), from: path(1))
        client.now = .seconds(1)
        _ = try client.send(client.check(), from: path(2))
        for second in 2...30 {
            client.now = .seconds(second)
            _ = try client.send(client.check(nominates: false), from: path(1))
            #expect(client.tick().isEmpty)
        }
        client.now = .seconds(31)
        #expect(client.tick() == [.expire(.consent)])
    }

    @Test("goes to where media comes from once the selected path has been silent for five seconds")
    func moved() throws {
        var client = ICEClient()
        func hear(_ path: ICEPath, at second: Int) -> [ICESession.Directive] {
            var directives: [ICESession.Directive] = []
            client.session.heard(elsewhere: path, now: .seconds(second), into: &directives)
            return directives
        }
        _ = try client.send(client.check(nominates: false), from: path(1))
        #expect(hear(path(1), at: 100).isEmpty && client.session.selected == nil)
        _ = try client.send(client.check(), from: path(2))
        client.session.heard(now: .seconds(1))
        #expect(hear(path(1), at: 5).isEmpty)
        #expect(hear(path(3), at: 6).isEmpty)
        #expect(hear(path(2), at: 6).isEmpty)
        #expect(client.session.selected == path(2))
        #expect(hear(path(1), at: 6) == [.select(path(1))])
        #expect(client.session.selected == path(1))
        #expect(client.session.nextDeadline == .seconds(36))
        #expect(hear(path(2), at: 10).isEmpty)
    }

    @Test("is not prolonged by checks that prove nothing")
    func noConsent() throws {
        var client = ICEClient()
        _ = try client.send(client.check(), from: path(1))
        client.now = .seconds(20)
        _ = try client.send(client.check(password: "wrong"), from: path(1))
        _ = try client.send(client.check(role: .controlled(tieBreaker: 1)), from: path(1))
        #expect(client.session.nextDeadline == .seconds(30))
    }
}

@Suite("A restart of ICE")
struct ICERestartTests {
    @Test("goes on by the old path until the new one is nominated")
    func restart() throws {
        var client = ICEClient()
        let old = client.credentials
        _ = try client.send(client.check(), from: path(1))
        let new = ICELocalCredentials.random(using: &client.random)
        #expect(client.restart(new).isEmpty)
        #expect(client.session.fragments == [old.fragment, new.fragment])
        #expect(try client.send(client.check(), from: path(1)).answers().count == 1)
        client.credentials = new
        #expect(try client.send(client.check(nominates: false), from: path(2)).events == [.admit(path(2))])
        #expect(client.session.selected == path(1))
        let nominated = try client.send(client.check(), from: path(2))
        #expect(nominated.events == [.retire(old.fragment), .select(path(2))])
        #expect(client.session.fragments == [new.fragment])
        client.credentials = old
        #expect(try client.send(client.check(), from: path(1)) == [.drop(.unknownFragment)])
    }

    @Test("takes the place of one that was not used")
    func twice() throws {
        var client = ICEClient()
        let old = client.credentials
        _ = try client.send(client.check(), from: path(1))
        let (second, third) = (
            ICELocalCredentials.random(using: &client.random), ICELocalCredentials.random(using: &client.random)
        )
        _ = client.restart(second)
        #expect(client.restart(third) == [.retire(second.fragment)])
        #expect(client.session.fragments == [old.fragment, third.fragment])
    }

    @Test("needs the new password under the new fragment")
    func mixedCredentials() throws {
        var client = ICEClient()
        let new = ICELocalCredentials.random(using: &client.random)
        _ = client.restart(new)
        #expect(try client.send(client.check(fragment: new.fragment), from: path(1)) == [.drop(.badIntegrity)])
    }

    @Test("on the same path changes nothing but the fragment")
    func samePath() throws {
        var client = ICEClient()
        let old = client.credentials
        _ = try client.send(client.check(), from: path(1))
        client.credentials = .random(using: &client.random)
        _ = client.restart(client.credentials)
        #expect(try client.send(client.check(), from: path(1)).events == [.retire(old.fragment)])
    }
}

@Suite("A fragment of ours")
struct ICEFragmentTests {
    @Test("has eight characters that ICE allows, and reads back", arguments: 1...50 as ClosedRange<UInt64>)
    func text(seed: UInt64) {
        var random = SeededRandom(seed: seed)
        let credentials = ICELocalCredentials.random(using: &random)
        let text = credentials.fragment.description
        #expect(text.utf8.count == 8 && ICEFragment(parsing: text) == credentials.fragment, "seed \(seed)")
        #expect(credentials.password.utf8.count == 24, "seed \(seed)")
        let allowed = Set("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/")
        #expect((text + credentials.password).allSatisfy(allowed.contains), "seed \(seed)")
    }

    @Test("is nothing else", arguments: ["", "abcdefg", "abcdefghi", "abcd:fgh", "abc defg", "abcdéfg"])
    func others(text: String) { #expect(ICEFragment(parsing: text) == nil) }

    @Test("is found in a check", arguments: ["abcdEF+/:x", "abcdEF+/:"])
    func routing(username: String) throws {
        var writer = STUNWriter(.bindingRequest, transaction: STUNTransactionID(high: 0, low: 0))
        writer.append(username: username)
        let bytes = writer.finish(key: nil)
        let message = try STUNMessage(parsing: bytes)
        #expect(message.localFragment(in: bytes)?.description == "abcdEF+/")
    }

    @Test("is not found where there is none", arguments: ["abcdEF+/", "abcd:EF+/", "abcdEF+/x:", "abcdEF+-:x"])
    func noRouting(username: String) throws {
        var writer = STUNWriter(.bindingRequest, transaction: STUNTransactionID(high: 0, low: 0))
        writer.append(username: username)
        let bytes = writer.finish(key: nil)
        #expect(try STUNMessage(parsing: bytes).localFragment(in: bytes) == nil)
    }
}
