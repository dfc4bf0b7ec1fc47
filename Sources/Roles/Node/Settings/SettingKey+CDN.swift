// SPDX-License-Identifier: Apache-2.0

extension SettingKey {
    static let cdn = [
        SettingKey(
            "cdn.url", \.cdn.url,
            .optionalText("http(s)://host[:port] without a slash at the end") {
                ($0.hasPrefix("http://") || $0.hasPrefix("https://")) && !$0.hasSuffix("/") && !$0.contains("?")
            },
            "Where a CDN serves what the edges serve, under the same paths; it fetches from them or from the object store.",
            why: "there is none unless somebody pays for it."
        ),
        SettingKey(
            "cdn.offload", \.cdn.offload, .choice,
            "When playlists lead to cdn.url for whole segments; parts come from the edges always.",
            why: "edges are paid for already; the CDN takes what they can not."
        ),
        SettingKey(
            "cdn.viewers", \.cdn.viewers, .integer(1...100_000_000),
            "With cdn.offload load: from how many viewers of one stream on, as far as the stream's gateway hears of them.",
            why: "what one edge carries with ease."
        ),
        SettingKey(
            "cdn.load", \.cdn.load, .integer(1...100),
            "With cdn.offload load: from how many percent of the edges' capacity on.",
            why: "leaves room for those who come before the next segment begins."
        ),
        SettingKey(
            "cdn.calm", \.cdn.calm, .duration(.seconds(1) ... .seconds(3600)),
            "For how long both must be below three quarters of that before segments come from edges again; doubled each time that this was too soon.",
            why: "an audience that comes back between two halves of a game moves nothing."
        ),
        SettingKey(
            "cdn.signer", \.cdn.signer, .choice,
            "Whose signed URLs viewers are let in by; cloudfront, google and akamai in the query, the others in the path.",
            why: "each CDN has its own."
        ),
        SettingKey(
            "cdn.key", \.cdn.key, .secret(minimumLength: 1),
            "The key that is signed with, as the CDN has it; CloudFront's in PEM.",
            why: "goes with cdn.signer; better set by its environment variable, or in cdn.key_file."
        ),
        SettingKey(
            "cdn.key_file", \.cdn.keyFile, .optionalText("a file"), "A file that holds the key.",
            why: "a file can be readable to one user, and is told by nobody's process list."
        ),
        SettingKey(
            "cdn.key_name", \.cdn.keyName, .optionalText("a key pair's ID or a key's name"),
            "What the key is called at CloudFront or Google; at Akamai, what the token is called.",
            why: "goes with cdn.key."
        ),
        SettingKey(
            "cdn.token_life", \.cdn.tokenLife, .duration(.seconds(60) ... .seconds(2_592_000)),
            "For how long a signed URL is good at least; it is so for at most half as long again.",
            why: "longer than a viewer can rewind, shorter than a link is worth passing on."
        ),
        SettingKey(
            "cdn.purge_url", \.cdn.purgeURL,
            .secretText("http(s)://… in which {key}, {url}, {app} and {name} are replaced") {
                $0.hasPrefix("http://") || $0.hasPrefix("https://")
            },
            "Where the CDN is asked to forget a stream that is taken down; {key} is its Surrogate-Key, {url} where its media is, for a query. Never shown, as some CDNs want their secret in it; cdn.purge_header is the better place.",
            why: "each CDN has its own."
        ),
        SettingKey(
            "cdn.purge_method", \.cdn.purgeMethod, .word("a method", longest: 16, and: "-"),
            "The method of that request.", why: "what most CDNs take."
        ),
        SettingKey(
            "cdn.purge_header", \.cdn.purgeHeader, .secret(minimumLength: 3),
            "A header of that request that says who asks, as Fastly-Key: secret.",
            why: "goes with cdn.purge_url; better set by its environment variable."
        ),
    ]
}
