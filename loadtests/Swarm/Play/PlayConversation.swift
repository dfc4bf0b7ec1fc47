// SPDX-License-Identifier: Apache-2.0

public import RTMP

/// What one connection to a server of live media says and hears, whatever its protocol.
public protocol PlayConversation: AnyObject {
    /// The connection is there.
    func begin(into events: inout [PlayEvent])
    /// Takes bytes from the server.
    func receive(_ bytes: UnsafeRawBufferPointer, into events: inout [PlayEvent])
    /// The server has ended the connection.
    func end(into events: inout [PlayEvent])
    /// The viewer goes.
    func leave(into events: inout [PlayEvent])
}

/// What comes of it.
public enum PlayEvent: Hashable, Sendable {
    /// Send these bytes.
    case send([UInt8])
    /// The server lets the viewer watch.
    case accepted
    /// A message of the stream.
    case media(MediaMessage)
    /// Ask there instead, over another connection.
    case redirected(HTTPAddress)
    /// Nothing more comes.
    case failed(PlayFault)
}
