// SPDX-License-Identifier: Apache-2.0

public import Bytes
public import RTMP

/// A recorded stream that is published over and over, read once and shared by all its publishers.
public struct Clip: Sendable {
    /// Why bytes are no clip.
    public enum Failure: Error, Hashable, Sendable {
        /// They are no FLV.
        case flv(FLVFailure)
        /// They hold fewer than two access units of any one track.
        case empty
    }

    /// What is sent first, at time 0: metadata and decoder configurations.
    public let preamble: [MediaMessage]
    /// What is sent over and over, in the order of the file; times begin at 0.
    public let messages: [MediaMessage]
    /// The time of one round in milliseconds, so that the next goes on without a step.
    public let period: UInt32

    /// Reads an FLV file.
    public init(flv: ByteSlice) throws(Failure) {
        var preamble: [MediaMessage] = []
        var media: [MediaMessage] = []
        for message in try Self.read(flv) {
            switch message.role {
            case .accessUnit: media.append(message)
            case .configuration: preamble.append(Self.message(message, at: 0))
            case .metadata: preamble.append(Self.metadata(message))
            case .other: break
            }
        }
        let first = media.map(\.timestamp).min() ?? 0
        let video = media.filter { $0.kind == .video }
        guard let period = Self.period(of: video.isEmpty ? media : video) else { throw .empty }
        self.preamble = preamble
        self.period = period
        messages = media.filter { $0.timestamp - first < period }.map { Self.message($0, at: $0.timestamp - first) }
    }

    /// Bytes of media in one round.
    public var size: ByteCount { .bytes(messages.reduce(0) { $0 + $1.body.count }) }
}

extension Clip {
    private static func read(_ flv: ByteSlice) throws(Failure) -> [MediaMessage] {
        var decoder = FLVDecoder()
        decoder.append(flv)
        var messages: [MediaMessage] = []
        do throws(FLVFailure) {
            while let message = try decoder.next() { messages.append(message) }
        } catch { throw .flv(error) }
        return messages
    }

    /// Publishers name the command that keeps the metadata for late viewers; a file has only the metadata.
    private static func metadata(_ message: MediaMessage) -> MediaMessage {
        let command = "@setDataFrame"
        var body: [UInt8] = [2, 0, UInt8(truncatingIfNeeded: command.utf8.count)]
        body += command.utf8
        return MediaMessage(kind: .data, timestamp: 0, body: (body + message.body)[...])
    }

    private static func message(_ message: MediaMessage, at time: UInt32) -> MediaMessage {
        MediaMessage(kind: message.kind, timestamp: time, body: message.body)
    }

    /// From the first unit to the last, and one mean distance more.
    private static func period(of track: [MediaMessage]) -> UInt32? {
        guard let first = track.map(\.timestamp).min(), let last = track.map(\.timestamp).max(), first < last else {
            return nil
        }
        let length = UInt64(last - first)
        let distances = UInt64(track.count - 1)
        return UInt32(truncatingIfNeeded: length + (length + distances / 2) / distances)
    }
}
