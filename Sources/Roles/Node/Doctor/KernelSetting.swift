// SPDX-License-Identifier: Apache-2.0

/// What a node asks of the kernel, one value each: the table behind `deployments/systemd/sysctl.conf`.
package struct KernelSetting: Sendable {
    /// How the kernel's value is held against ours.
    package enum Rule: Sendable {
        case atLeast, atMost, exactly
    }

    /// Its name, as sysctl has it.
    package let name: String
    /// What we set.
    package let value: Int
    /// What else is as good.
    package let rule: Rule
    /// Why.
    package let why: String
    /// Whether a node with these settings profits.
    let matters: @Sendable (NodeSettings) -> Bool

    /// Whether the kernel's value is good enough.
    package func isMet(by found: Int) -> Bool {
        switch rule {
        case .atLeast: found >= value
        case .atMost: found <= value
        case .exactly: found == value
        }
    }

    /// All of them, in the order of the file.
    package static let all = [
        KernelSetting("net.core.rmem_max", 33_554_432, .atLeast, why: buffers, of: takesDatagrams),
        KernelSetting("net.core.wmem_max", 33_554_432, .atLeast, why: buffers, of: takesDatagrams),
        KernelSetting("net.core.somaxconn", 16_384, .atLeast, why: queue),
        KernelSetting("net.ipv4.tcp_max_syn_backlog", 16_384, .atLeast, why: queue),
        KernelSetting(
            "net.core.netdev_max_backlog", 16_384, .atLeast, why: "Packets that have come and are not looked at yet."),
        KernelSetting(
            "net.ipv4.tcp_slow_start_after_idle", 0, .exactly,
            why:
                "An answer after a pause goes out at the speed that was known before it; parts come every half second."),
        KernelSetting(
            "net.ipv4.tcp_notsent_lowat", 131_072, .atMost,
            why:
                "Unsent bytes that a connection may hold in the kernel: a viewer's backlog belongs where it is counted."
        ),
    ]

    /// The file of `deployments/systemd`.
    package static var file: String {
        var text = """
            # SPDX-License-Identifier: Apache-2.0
            #
            # What a node asks of the kernel, written by `millrace doctor --sysctl`. Read at boot; `sysctl --system` reads it now.

            """
        var reason = ""
        for setting in all {
            if setting.why != reason { text += "\n" + wrapped(setting.why) }
            reason = setting.why
            text += "\(setting.name) = \(setting.value)\n"
        }
        return text
    }

    private init(
        _ name: String, _ value: Int, _ rule: Rule, why: String,
        of matters: @escaping @Sendable (NodeSettings) -> Bool = { _ in true }
    ) {
        self.name = name
        self.value = value
        self.rule = rule
        self.why = why
        self.matters = matters
    }

    /// A comment in lines of at most 118 characters.
    private static func wrapped(_ text: String) -> String {
        var lines = ["#"]
        for word in text.split(separator: " ") {
            if lines[lines.count - 1].count + word.count + 1 > 118 { lines.append("#") }
            lines[lines.count - 1] += " \(word)"
        }
        return lines.joined(separator: "\n") + "\n"
    }

    @Sendable private static func takesDatagrams(_ settings: NodeSettings) -> Bool {
        settings.webrtc.enabled || settings.rtp.enabled
    }

    private static let buffers =
        "The UDP port's buffers, where the node has no CAP_NET_ADMIN to take them: a burst of one picture to each of a thousand viewers is some megabytes."
    private static let queue = "Connections that have come and are not accepted yet: an audience comes within seconds."
}
