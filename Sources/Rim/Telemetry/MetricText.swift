// SPDX-License-Identifier: Apache-2.0

extension MetricRegistry {
    /// The media type of ``text()``.
    public static let mediaType = "text/plain; version=0.0.4; charset=utf-8"

    /// All families in Prometheus' text format 0.0.4: HELP and TYPE, then a line for each series. A family without a
    /// series shows its two comment lines, so that what is measured can be read before anything happened.
    public func text() -> [UInt8] {
        var text = ""
        for (family, series) in snapshot() {
            text += "# HELP \(family.name) \(escaped(family.help))\n# TYPE \(family.name) \(family.kind.word)\n"
            for (labels, handle) in series {
                let pairs = zip(family.labels, labels).map { "\($0.name)=\"\(escaped($1, quotes: true))\"" }
                append(handle, of: family, pairs: pairs, to: &text)
            }
        }
        return Array(text.utf8)
    }
}

private func append(_ series: Series, of family: MetricFamily, pairs: [String], to text: inout String) {
    let scale = family.unit.scale
    switch series {
    case .counter(let handle): text += sample(family.name, pairs, decimal(handle.value, over: scale))
    case .gauge(let handle): text += sample(family.name, pairs, decimal(handle.value, over: scale))
    case .histogram(let handle):
        var running = 0
        let counts = handle.counts
        for (bound, count) in zip(handle.bounds, counts) {
            running += count
            text += sample("\(family.name)_bucket", pairs + ["le=\"\(decimal(bound, over: scale))\""], "\(running)")
        }
        running += counts.last ?? 0
        text += sample("\(family.name)_bucket", pairs + ["le=\"+Inf\""], "\(running)")
        text += sample("\(family.name)_sum", pairs, decimal(handle.sum, over: scale))
        text += sample("\(family.name)_count", pairs, "\(running)")
    }
}

private func sample(_ name: String, _ pairs: [String], _ value: String) -> String {
    pairs.isEmpty ? "\(name) \(value)\n" : "\(name){\(pairs.joined(separator: ","))} \(value)\n"
}

/// `value` / `scale` written exactly, without an exponent and without trailing zeros; `scale` is a power of ten.
private func decimal(_ value: Int, over scale: Int) -> String {
    let (whole, rest) = value.magnitude.quotientAndRemainder(dividingBy: scale.magnitude)
    let sign = value < 0 ? "-" : ""
    guard rest != 0 else { return "\(sign)\(whole)" }
    var fraction = String(String(scale.magnitude + rest).dropFirst())
    while fraction.last == "0" { fraction.removeLast() }
    return "\(sign)\(whole).\(fraction)"
}

/// Escapes a line feed and a backslash, and within a label value the quotation mark.
private func escaped(_ text: String, quotes: Bool = false) -> String {
    var result = ""
    for scalar in text.unicodeScalars {
        switch scalar {
        case "\\": result += "\\\\"
        case "\n": result += "\\n"
        case "\"" where quotes: result += "\\\""
        default: result.unicodeScalars.append(scalar)
        }
    }
    return result
}

extension MetricKind {
    fileprivate var word: String {
        switch self {
        case .counter: "counter"
        case .gauge: "gauge"
        case .histogram: "histogram"
        }
    }
}
