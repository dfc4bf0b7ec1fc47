// SPDX-License-Identifier: Apache-2.0

/// The attributes that stand for the whole session or for one medium: ICE, DTLS and the direction.
struct TransportDraft {
    var fragment: String?
    var password: String?
    var options: [String] = []
    var fingerprints: [SDPFingerprint] = []
    var setup: DTLSSetup?
    var direction: MediaDirection?

    var credentials: ICECredentials? {
        guard let fragment, let password else { return nil }
        return ICECredentials(fragment: fragment, password: password)
    }

    /// Reads an attribute if it is one of these.
    mutating func read(
        _ name: Substring, _ value: Substring, line: Int, limits: SDPLimits
    ) throws(SDPFailure) -> Bool {
        switch name {
        case "fingerprint": try readFingerprint(value, line: line, limits: limits)
        case "ice-options": readOptions(value)
        case "ice-pwd": password = try secret(value, "a=ice-pwd", line: line)
        case "ice-ufrag": fragment = try secret(value, "a=ice-ufrag", line: line)
        case "inactive", "recvonly", "sendonly", "sendrecv": direction = MediaDirection(rawValue: String(name))
        case "setup":
            // holdconn leaves the connection for later, which nobody does with DTLS.
            guard let setup = DTLSSetup(rawValue: value.lowercased()) else {
                throw .malformed("a=setup", line: line)
            }
            self.setup = setup
        default: return false
        }
        return true
    }

    /// These, where they say nothing what the session's say. Credentials and fingerprints are taken whole.
    func completed(by session: TransportDraft) -> TransportDraft {
        var whole = self
        if credentials == nil { (whole.fragment, whole.password) = (session.fragment, session.password) }
        if options.isEmpty { whole.options = session.options }
        if fingerprints.isEmpty { whole.fingerprints = session.fingerprints }
        whole.setup = setup ?? session.setup
        whole.direction = direction ?? session.direction
        return whole
    }

    /// RFC 8122 §5. A hash function that we do not know is no fault: there may be others.
    private mutating func readFingerprint(_ value: Substring, line: Int, limits: SDPLimits) throws(SDPFailure) {
        let words = value.split(separator: " ")
        guard words.count == 2 else { throw .malformed("a=fingerprint", line: line) }
        guard let algorithm = SDPFingerprint.Algorithm(rawValue: words[0].lowercased()) else { return }
        guard let fingerprint = SDPFingerprint(algorithm: algorithm, text: words[1]) else {
            throw .malformed("a=fingerprint", line: line)
        }
        guard !fingerprints.contains(fingerprint) else { return }
        guard fingerprints.count < limits.attributes else {
            throw .tooMany("a=fingerprint", limit: limits.attributes)
        }
        fingerprints.append(fingerprint)
    }

    /// There are two options, `trickle` and `ice2`; the first eight words are kept, so that they fit into a line.
    private mutating func readOptions(_ value: Substring) {
        for word in value.split(separator: " ") where word.isToken && !options.contains(String(word)) {
            if options.count < 8 { options.append(String(word)) }
        }
    }

    /// RFC 8839 §5.4 allows only letters, digits, `+` and `/`, and at least 4 or 22 of them; as we send no checks, any
    /// word does.
    private func secret(_ value: Substring, _ what: String, line: Int) throws(SDPFailure) -> String {
        guard !value.isEmpty, value.utf8.count <= 256, !value.contains(" ") else { throw .malformed(what, line: line) }
        return String(value)
    }
}
