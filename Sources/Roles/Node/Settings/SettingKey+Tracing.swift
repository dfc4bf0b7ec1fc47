// SPDX-License-Identifier: Apache-2.0

extension SettingKey {
    static let tracing = [
        SettingKey(
            "tracing.endpoint", \.tracing.endpoint,
            .optionalText("an http(s) URL, as http://127.0.0.1:4318/v1/traces") {
                $0.hasPrefix("http://") || $0.hasPrefix("https://")
            },
            "Where a collector takes traces by OTLP over HTTP, in JSON; without it nothing is traced.",
            why: "a collector is for who looks into it; what all segments do is in the metrics."
        ),
        SettingKey(
            "tracing.header", \.tracing.header, .secret(minimumLength: 3),
            "A header of those requests that says who sends them, as Authorization: Bearer secret.",
            why: "a collector beside the node asks for none; better set by its environment variable."
        ),
        SettingKey(
            "tracing.sample", \.tracing.sample, .integer(1...1_000_000),
            "One of so many segments is traced, from its publisher to its viewers; 1 for all. The same on all nodes: which segments those are comes of their names.",
            why: "of a thousand streams that is five segments a second, with some twenty spans at each node."
        ),
        SettingKey(
            "tracing.requests", \.tracing.requests, .integer(0...100_000),
            "How many requests a second and processor have a span because the viewer's own trace is sampled, as traceparent says.",
            why: "anybody can say so, and a flood of them shall cost neither the node nor the collector."
        ),
        SettingKey(
            "tracing.queue", \.tracing.queue, .integer(1...1_000_000),
            "How many spans may wait for the collector; those beyond are dropped and counted.",
            why: "two megabytes or so, and 40 seconds of a thousand streams with the other defaults."
        ),
    ]
}
