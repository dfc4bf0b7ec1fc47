// SPDX-License-Identifier: Apache-2.0

/// What a machine must have for a node, each check a function of what was read.
package enum MachineChecks {
    /// The limit of open files against the connections that the settings allow.
    package static func descriptors(_ limit: UInt64, _ settings: NodeSettings) -> Finding {
        let needed = descriptorsNeeded(settings)
        return Finding(
            "open files", limit >= UInt64(clamping: needed) ? .ok : .fail, found: "at most \(limit)",
            needed:
                "\(needed), one for each connection that the settings allow, and \(ownDescriptors) of the node's own",
            mend: "ulimit -n \(needed), or LimitNOFILE=\(needed) by `systemctl edit millrace`")
    }

    /// Room for the connections of all viewers.
    package static func connections(_ settings: NodeSettings) -> Finding {
        Finding(
            "http.max_connections", settings.http.maximumConnections >= settings.limits.viewers ? .ok : .warn,
            found: "\(settings.http.maximumConnections)",
            needed: "limits.viewers, \(settings.limits.viewers): a viewer of HTTP has a connection",
            mend: "http.max_connections: \(settings.limits.viewers)")
    }

    /// A value of the kernel's; nil where it is not to be seen.
    package static func kernel(_ setting: KernelSetting, _ value: Int?) -> Finding {
        let words = [KernelSetting.Rule.atLeast: "at least ", .atMost: "at most ", .exactly: ""][setting.rule] ?? ""
        return Finding(
            setting.name, value.map(setting.isMet) ?? false ? .ok : .warn,
            found: value.map { "\($0)" } ?? "not to be seen from here, as in a container",
            needed: "\(words)\(setting.value). \(setting.why)".trimmingPoint,
            mend: (value == nil ? "on the machine itself: " : "")
                + "millrace doctor --sysctl >/etc/sysctl.d/60-millrace.conf && sysctl --system")
    }

    /// A port, free or held by a node.
    package static func port(_ port: UsedPort, _ state: UsedPort.State) -> Finding {
        let name = "\(port.setting) \(port.port)/\(port.isUDP ? "udp" : "tcp")"
        let needed = "a port that nobody else listens at"
        let other = "another \(port.setting)"
        switch state {
        case .free: return Finding(name, .ok, found: "free", needed: needed, mend: "")
        case .held(let process?) where process.hasPrefix("millrace "):
            return Finding(name, .ok, found: "held by \(process)", needed: needed, mend: "")
        case .held(let process?):
            return Finding(
                name, .fail, found: "held by \(process)", needed: needed, mend: "end that process, or set \(other)")
        case .held(nil):
            return Finding(
                name, .warn, found: "held by a process of another user", needed: needed,
                mend: "look with sudo millrace doctor which it is")
        case .forbidden(let word):
            let isPrivileged = port.port < 1024
            return Finding(
                name, .fail, found: word, needed: "an address of this machine and a port that a node may have",
                mend: isPrivileged
                    ? "AmbientCapabilities=CAP_NET_BIND_SERVICE by `systemctl edit millrace`, or \(other)"
                    : "\(port.setting.split(separator: ".")[0]).host: ::, or \(other)")
        }
    }

    /// The clock against those of others and by what the kernel says of it.
    package static func clock(_ reading: ClockReading) -> Finding {
        let worst = reading.offsets.max { $0.offset.magnitude < $1.offset.magnitude }
        let distance = worst.map { Duration.seconds($0.offset.magnitude.components.seconds) }
        let isKept = reading.isKept ?? false
        let verdict: Finding.Verdict =
            switch distance {
            case let distance? where distance > .seconds(60): .fail
            case let distance? where distance > .seconds(2): .warn
            case _?: .ok
            case nil: isKept ? .ok : .warn
            }
        let keeper = reading.isKept.map { $0 ? "kept by the machine" : "kept by nobody" } ?? "the kernel does not say"
        let said = worst.map { "\($0.offset.components.seconds) s from that of \($0.of), \(keeper)" } ?? keeper
        return Finding(
            "clock", verdict, found: said,
            needed: "within 2 s of the others: tokens, terms and signatures for the store carry the time",
            mend: "apt-get install chrony")
    }

    /// A name that settings use.
    package static func name(_ host: String, of setting: String, _ addresses: Int) -> Finding {
        Finding(
            "name \(host)", addresses > 0 ? .ok : .fail,
            found: addresses == 0 ? "no address" : addresses == 1 ? "1 address" : "\(addresses) addresses",
            needed: "an address, for \(setting)", mend: "getent hosts \(host) must answer: see /etc/resolv.conf")
    }

    /// How many descriptors a node may come to have.
    static func descriptorsNeeded(_ settings: NodeSettings) -> Int {
        let isSecured = settings.http.tls.certificate != nil && settings.rtmp.tlsPort != 0
        var count = settings.http.maximumConnections + settings.rtmp.maximumConnections * (isSecured ? 2 : 1)
        if settings.webrtc.enabled, settings.webrtc.tcpPort != 0 { count += settings.webrtc.maximumConnections }
        if settings.cluster.key != nil { count += ClusterPart.maximumRelayConnections }
        return count + ownDescriptors
    }

    /// Listeners, event loops, files of recordings, connections to stores, programs that transcode.
    private static let ownDescriptors = 1024
}

/// What is known of the machine's clock.
package struct ClockReading: Sendable {
    /// Whether something keeps it right, as far as the kernel knows; nil where it does not say.
    package var isKept: Bool?
    /// How far it is ahead of others' clocks, to the second.
    package var offsets: [(of: String, offset: Duration)] = []

    /// A reading of its parts.
    package init(isKept: Bool?, offsets: [(of: String, offset: Duration)] = []) {
        self.isKept = isKept
        self.offsets = offsets
    }
}

extension Duration {
    /// Without its sign.
    fileprivate var magnitude: Duration { self < .zero ? .zero - self : self }
}

extension String {
    /// Without a full stop at the end.
    fileprivate var trimmingPoint: String { hasSuffix(".") ? String(dropLast()) : self }
}
