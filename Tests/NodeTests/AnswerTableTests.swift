// SPDX-License-Identifier: Apache-2.0

import Node
import Testing

@Suite("A table of an answer")
struct AnswerTableTests {
    private func value(_ json: String) throws -> JSONValue { try #require(JSONValue.parsed(Array(json.utf8))) }

    @Test("pads its columns, and leaves out what is blank everywhere")
    func table() throws {
        let list = try value(
            """
            [{"name": "a", "load": {"viewers": 7}, "own": true, "roles": ["edge", "origin"], "zone": null},
             {"name": "edge-22", "load": null, "own": false, "roles": [], "zone": null, "share": 0.256}]
            """)
        let table = AnswerTable(
            list.items, columns: ["name", "load.viewers", "own", "zone", "roles", "nothing", "share"])
        #expect(
            table.lines == [
                "a        viewers=7  own  roles=edge,origin", "edge-22                                     share=0.26",
            ])
    }

    @Test("has no lines for no rows")
    func empty() throws { #expect(AnswerTable(try value("[]").items, columns: ["name"]).lines.isEmpty) }

    @Test(
        "says values in words",
        arguments: [
            ("null", ""), ("true", "yes"), ("false", ""), ("0", "0"), ("-3", "-3"), ("12345678901", "12345678901"),
            ("0.5", "0.50"), ("-1.239", "-1.24"), (#""a b""#, "a b"), ("[1, 2]", "1,2"), ("{}", ""),
            ("1e300", "1e+300"),
        ])
    func words(json: String, words: String) throws { #expect(try value(json).words == words) }

    @Test("is not made of what is no JSON", arguments: ["", "{", "x"])
    func malformed(text: String) { #expect(JSONValue.parsed(Array(text.utf8)) == nil) }

    @Test("draws a tree below its root")
    func tree() throws {
        let tree = try value(
            """
            [{"node": "o1", "part": "gateway", "region": "eu", "parent": null, "viewers": null, "health": "alive"},
             {"node": "e1", "part": "edge", "region": "eu", "parent": "o1", "viewers": 3, "health": "suspect"},
             {"node": "o2", "part": "standby", "region": "eu", "parent": "o1", "viewers": 0, "health": null},
             {"node": "s1", "part": "shield", "region": "us", "parent": "o2", "viewers": null, "health": null}]
            """)
        #expect(
            BranchLines(tree.items).lines == [
                "o1  gateway  region=eu", "  e1  edge  region=eu  viewers=3  suspect",
                "  o2  standby  region=eu  viewers=0", "    s1  shield  region=us",
            ])
    }

    @Test("draws each node once, also where an answer runs in a circle or from nowhere")
    func circle() throws {
        let tree = try value(
            """
            [{"node": "a", "parent": "gone"}, {"node": "b", "parent": "b"}, {"node": "c", "parent": "d"},
             {"node": "d", "parent": "c"}, {"node": "a", "parent": "b"}]
            """)
        #expect(BranchLines(tree.items).lines.map { $0.split(separator: " ")[0] } == ["a", "b"])
    }
}
