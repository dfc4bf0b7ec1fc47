// SPDX-License-Identifier: Apache-2.0

import ArgumentParser
import Control
import Foundation
import Identity
import Recording

// What several commands take as arguments, parsed once.

/// Parses `500ms`, `2s`, `10m` or `24h`.
func parsedDuration(_ text: String) throws -> Duration {
    guard let duration = Duration(settingText: text), duration > .zero else {
        throw ValidationError("\(text): write it as 30m or 24h")
    }
    return duration
}

/// Parses `app/name`, or a name in the app `live`.
func parsedStream(_ text: String) throws -> StreamID {
    do throws(StreamID.Failure) { return try StreamID(parsing: text) } catch {
        throw ValidationError("\(text) is no stream name: \(error)")
    }
}

/// Parses the name of a node.
func parsedNode(_ text: String) throws -> NodeID {
    guard let node = NodeID(parsing: text) else {
        throw ValidationError("\(text) is no node's name: lower-case letters, digits, dots, - and _, at most 63")
    }
    return node
}

/// Parses the id of a key of the cluster.
func parsedKey(_ text: String) throws -> String {
    guard text.utf8.count == 8, text.allSatisfy(\.isHexDigit) else {
        throw ValidationError(
            "\(text) is no key's id: eight hexadecimal digits, as `millrace cluster keys list` prints")
    }
    return text.lowercased()
}

/// Parses `app/name/number`.
func parsedRecording(_ text: String) throws -> RecordingName {
    guard let name = RecordingName(parsing: text) else {
        throw ValidationError("\(text): write it as app/name/number, as `millrace recordings list` prints")
    }
    return name
}

/// Parses the name of a rendition.
func parsedRendition(_ text: String) throws -> RenditionName {
    guard let name = RenditionName(parsing: text) else { throw ValidationError("\(text) is no rendition's name") }
    return name
}

extension String {
    /// The text as one component of a path, or a value of a query.
    var asPathComponent: String {
        addingPercentEncoding(withAllowedCharacters: .alphanumerics.intersection(.urlPathAllowed)) ?? self
    }
}

extension StreamID {
    /// The stream as one component of an API path.
    var pathKey: String { apiKey.asPathComponent }
}
