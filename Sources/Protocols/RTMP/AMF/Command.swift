// SPDX-License-Identifier: Apache-2.0

public import Bytes

/// A remote call or its answer, RTMP 1.0 §7.1.1.
public struct Command: Hashable, Sendable {
    /// What is called, or `_result`, `_error`, `onStatus`.
    public let name: String
    /// Pairs a call with its answer; 0 wants none.
    public let transaction: Double
    /// The command object and what follows it.
    public let arguments: [AMFValue]

    /// A command of its parts.
    public init(_ name: String, transaction: Double, _ arguments: [AMFValue]) {
        self.name = name
        self.transaction = transaction
        self.arguments = arguments
    }

    /// Reads a command message's body. One of type 17 has a byte before the values, which some peers leave out.
    public init(_ body: ByteSlice, type: MessageType, limits: AMFLimits = AMFLimits()) throws(AMFFailure) {
        let values = type == .commandAMF3 && body.first == 0 ? body.dropFirst() : body
        var decoder = AMFDecoder(values, limits: limits)
        guard !decoder.isAtEnd, let name = try decoder.value().string, name.utf8.count <= Self.maximumName else {
            throw .noCommandName
        }
        self.name = name
        transaction = decoder.isAtEnd ? 0 : try decoder.value().number ?? 0
        arguments = try decoder.remainingValues()
    }

    /// The body of a message of type 20.
    public var body: [UInt8] { AMFEncoder.encode([.string(name), .number(transaction)] + arguments) }

    /// The argument of that index, the command object being 0.
    public func argument(_ index: Int) -> AMFValue? { arguments.indices.contains(index) ? arguments[index] : nil }

    /// The command as a message of `stream`, at time 0: OBS does not read extended timestamps on later chunks.
    func message(stream: UInt32 = 0) -> Message {
        Message(type: .command, timestamp: 0, stream: stream, body: body[...])
    }

    private static let maximumName = 64
}

extension Command {
    /// A status of a stream or connection, RTMP 1.0 §7.2.2.
    static func status(_ code: String, _ description: String, isError: Bool = false) -> Command {
        Command("onStatus", transaction: 0, [.null, information(code, description, isError: isError)])
    }

    /// The object that tells how a call went.
    static func information(
        _ code: String, _ description: String, isError: Bool = false, more: [AMFProperty] = []
    ) -> AMFValue {
        .object(
            [
                AMFProperty("level", .string(isError ? "error" : "status")), AMFProperty("code", .string(code)),
                AMFProperty("description", .string(description)),
            ] + more)
    }
}
