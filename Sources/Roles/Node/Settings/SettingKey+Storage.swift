// SPDX-License-Identifier: Apache-2.0

import Bytes

extension SettingKey {
    static let storage = [
        SettingKey(
            "storage.kind", \.storage.kind, .choice,
            "The object store that streams are recorded in while they live: a folder, S3 and all that speak it, Google Cloud Storage, Azure Blob.",
            why: "where recordings go, nobody but the operator knows."
        ),
        SettingKey(
            "storage.path", \.storage.path, .optionalText("a folder"),
            "The folder of storage.kind file; other nodes must see the same one.", why: "goes with storage.kind file."
        ),
        SettingKey(
            "storage.endpoint", \.storage.endpoint,
            .optionalText("http(s)://host[:port]") { $0.hasPrefix("http://") || $0.hasPrefix("https://") },
            "Where the store is; needed for S3, and for Google and Azure where it is not their own.",
            why: "each provider has its own."
        ),
        SettingKey(
            "storage.bucket", \.storage.bucket, .optionalText("a bucket or container"),
            "The bucket or container; keys in it are the paths that edges serve.", why: "goes with storage.kind."
        ),
        SettingKey(
            "storage.region", \.storage.region, .word("a region's name", longest: 64, and: ".-_"),
            "The region that requests to S3 are signed for.", why: "what stores without regions take."
        ),
        SettingKey(
            "storage.addressing", \.storage.addressing, .choice,
            "Whether S3's bucket is part of the path or of the host name.",
            why: "every store knows paths; Amazon's own newer buckets want host."
        ),
        SettingKey(
            "storage.account", \.storage.account, .optionalText("an access key or account"),
            "S3's access key, the access key of Google's HMAC keys, or Azure's account.", why: "goes with storage.kind."
        ),
        SettingKey(
            "storage.secret", \.storage.secret, .secret(minimumLength: 1),
            "S3's or Google's secret key; Azure's key in base64, or a shared access signature.",
            why: "goes with storage.account; better set by its environment variable, or in storage.credentials."
        ),
        SettingKey(
            "storage.session_token", \.storage.sessionToken, .secret(minimumLength: 1),
            "What temporary credentials of S3 come with.", why: "lasting credentials have none."
        ),
        SettingKey(
            "storage.credentials", \.storage.credentials, .optionalText("a file"),
            "A file that holds the secret: for S3 a credentials file as Amazon's tools write it (profile default), for Google a service account's key in JSON, for Azure the key or signature alone.",
            why: "a file can be readable to one user, and is told by nobody's process list."
        ),
        SettingKey(
            "storage.timeout", \.storage.timeout, .duration(.milliseconds(100) ... .seconds(60)),
            "The longest that one request may take.", why: "two segments; what takes longer is asked anew."
        ),
        SettingKey(
            "storage.concurrency", \.storage.concurrency, .integer(1...64), "Uploads of one stream at a time.",
            why: "enough to catch up after an outage at four times the stream's rate of segments."
        ),
        SettingKey(
            "storage.memory", \.storage.memory, .byteCount(.kibibytes(64) ... .mebibytes(65_536)),
            "What a stream's segments that wait for the store may take of memory, before they go to storage.spill.",
            why: "three minutes of 3 Mbit/s."
        ),
        SettingKey(
            "storage.spill", \.storage.spill, .optionalText("a folder"),
            "The folder of segments that wait on the disk, one for each node; without it the oldest are lost where memory is full.",
            why: "which disk has room only the operator knows."
        ),
        SettingKey(
            "storage.spill_limit", \.storage.spillLimit, .byteCount(.kibibytes(64) ... .mebibytes(1_048_576)),
            "What a stream's segments may take of that disk; beyond it the oldest are lost.",
            why: "three quarters of an hour of 3 Mbit/s."
        ),
        SettingKey(
            "storage.parts", \.storage.parts, .boolean,
            "Whether parts are in the store, too, under their names in playlists, until hls.window and half a minute have passed: for a CDN that asks the store first and an edge for what is not there.",
            why: "each part is one more request to write and one to delete; players have parts from edges."
        ),
        SettingKey(
            "storage.record", \.storage.record, .list(of: "apps, or * for all"), "The apps whose streams are recorded.",
            why: "whoever sets a store wants recordings."
        ),
        SettingKey(
            "storage.retention", \.storage.retention,
            .list(of: "app=time as live=24h, * for all other apps") {
                StorageSettings.keeping($0) != nil
            },
            "How long recordings are kept after their end; without an entry for ever. Those that dvr.window reaches stay while their stream is live.",
            why: "nothing is deleted that nobody asked to."
        ),
        SettingKey(
            "storage.resume", \.storage.resume, .duration(.zero ... .seconds(86_400)),
            "How long after its newest segment an unfinished recording goes on when its stream begins anew, as after a loss of all nodes.",
            why: "a site that lost its power is back within minutes."
        ),
        SettingKey(
            "storage.longest", \.storage.longest, .duration(.seconds(60) ... .seconds(604_800)),
            "The longest recording; a stream that goes on makes another.",
            why: "its playlist is written with each segment and grows by 60 bytes a segment."
        ),
    ]
}
