// SPDX-License-Identifier: Apache-2.0

import Foundation
import Node
import Testing

@Suite("millrace.yml")
struct SettingsReferenceTests {
    private var file: String {
        get throws {
            let root = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
                .deletingLastPathComponent()
            return try String(contentsOf: root.appending(path: "millrace.yml"), encoding: .utf8)
        }
    }

    @Test("is what the code says: every key with its default, effect, reason, range and environment name")
    func isWhatTheCodeSays() throws {
        #expect(try file == SettingsReference.text, "run: millrace check-settings --reference > millrace.yml")
    }

    @Test("loads, and sets nothing but the defaults")
    func loads() throws {
        var loader = SettingsLoader()
        loader.add(file: "millrace.yml", text: try file)
        #expect(try loader.load() == NodeSettings())
    }

    @Test("has no line over 118 columns")
    func lineLength() throws {
        for line in try file.split(separator: "\n") { #expect(line.count <= 118) }
    }
}

@Suite("A setting's key")
struct SettingKeyTests {
    @Test("is unique, and so is its environment name")
    func unique() {
        #expect(Set(SettingKey.all.map(\.path)).count == SettingKey.all.count)
        #expect(Set(SettingKey.all.map(\.environmentName)).count == SettingKey.all.count)
    }

    @Test("takes its own default and refuses nonsense", arguments: SettingKey.all.map(\.path))
    func takesItsDefault(_ path: String) throws {
        let key = try #require(SettingKey.named(path))
        var settings = NodeSettings()
        let text = key.defaultText.filter { !"\"[]".contains($0) }.replacing(", ", with: ",")
        #expect(key.apply(text, to: &settings))
        #expect(settings == NodeSettings())
        #expect(key.effect.hasSuffix(".") && key.reason.hasSuffix("."))
    }

    @Test("changes its own field and no other key's", arguments: SettingKey.all.map(\.path))
    func changesOneField(_ path: String) throws {
        let key = try #require(SettingKey.named(path))
        let samples = [
            "7", "7s", "1m", "700ms", "70KiB", "true", "false", "debug", "json", "allow", "open", "apple", "10.0.0.1",
            "vip", "host", "s3", "never", "bunny", "vip=7s", "origin", "fast", "redirect", "http://edge.example.org",
            "rtmp://origin.example.org",
            "000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f",
            "0123456789abcdef0123456789abcdef", "sha256-47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=", "1",
        ]
        let changed = samples.compactMap { sample -> NodeSettings? in
            var settings = NodeSettings()
            return key.apply(sample, to: &settings) && settings != NodeSettings() ? settings : nil
        }
        let settings = try #require(changed.first)
        for other in SettingKey.all where other.path != path {
            #expect(other.text(in: settings) == other.defaultText)
        }
    }
}
