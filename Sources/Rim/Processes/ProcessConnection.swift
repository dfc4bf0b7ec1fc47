// SPDX-License-Identifier: Apache-2.0

import Glibc
public import NIOCore
import NIOPosix

/// A program that runs beside the node: what is written goes to its standard input, what it puts out comes back. Confined
/// to one event loop, which it never blocks: pipes are not waited for, nor is the end of the program.
///
/// The program ends when its input does: at ``end()``, and also when the node is gone in whatever way. One that does not
/// is killed.
public final class ProcessConnection {
    /// How a program ended.
    public struct Ending: Sendable, Hashable {
        /// Its status, or minus the number of the signal that ended it.
        public let status: CInt
        /// The last it put out on standard error, at most a kilobyte.
        public let lastWords: String
    }

    private let process: pid_t
    private let eventLoop: any EventLoop
    private var channel: (any Channel)?
    private let words: LastWords
    private var ended: ((Ending) -> Void)?
    private var killAt: NIODeadline?

    private init(_ process: pid_t, on eventLoop: any EventLoop, _ words: LastWords, ended: @escaping (Ending) -> Void) {
        self.process = process
        self.eventLoop = eventLoop
        self.words = words
        self.ended = ended
    }

    /// Starts a program. All callbacks come on `eventLoop`, on which this is called.
    /// - Parameters:
    ///   - path: as ``ProgramPath/find(_:)`` gives it.
    ///   - started: is told first, with a ``ProcessFailure`` or another error where the program could not be started;
    ///     then nothing follows.
    ///   - output: gets what the program puts out.
    ///   - ended: is told once when the program is gone and nothing more comes of it.
    public static func start(
        _ path: String, _ arguments: [String], on eventLoop: any EventLoop,
        started: @escaping (Result<ProcessConnection, any Error>) -> Void, output: @escaping (ByteBuffer) -> Void,
        ended: @escaping (Ending) -> Void
    ) {
        // Starting a program waits for the disk that it is on.
        NIOThreadPool.singleton.runIfActive(eventLoop: eventLoop) {
            try SpawnedProgram.start(path, arguments)
        }.assumeIsolated().whenComplete { result in
            switch result {
            case .failure(let error): started(.failure(error))
            case .success(let program): connect(program, on: eventLoop, started, output, ended)
            }
        }
    }

    /// Writes to the program's input. Returns false where nothing was taken: it does not read what it was given before,
    /// or is gone.
    public func write(_ bytes: [UInt8]) -> Bool {
        guard let channel, channel.isActive, channel.isWritable else { return false }
        channel.writeAndFlush(ByteBuffer(bytes: bytes), promise: nil)
        return true
    }

    /// Ends the program's input; it is killed where it goes on for a second.
    public func end() {
        killAt = killAt ?? .now() + Self.patience
        channel?.close(promise: nil)
    }

    /// Ends the program at once.
    public func kill() {
        killAt = .now()
        channel?.close(promise: nil)
    }

    private static let patience: TimeAmount = .seconds(1)
    fileprivate static let round: TimeAmount = .milliseconds(20)
}

extension ProcessConnection {
    private static func connect(
        _ program: SpawnedProgram, on eventLoop: any EventLoop,
        _ started: @escaping (Result<ProcessConnection, any Error>) -> Void,
        _ output: @escaping (ByteBuffer) -> Void, _ ended: @escaping (Ending) -> Void
    ) {
        let words = LastWords()
        let connection = ProcessConnection(program.process, on: eventLoop, words, ended: ended)
        let bound = NIOLoopBound((connection: connection, output: output, words: words), eventLoop: eventLoop)
        let errors = pipes(eventLoop) { LastWordsHandler(bound.value.words) }
            .takingOwnershipOfDescriptor(input: program.errors)
        let main = pipes(eventLoop) {
            let (connection, output, _) = bound.value
            return OutputHandler(output: output) { connection.lost() }
        }.takingOwnershipOfDescriptors(input: program.output, output: program.input)
        main.and(errors).assumeIsolated().whenComplete { result in
            switch result {
            case .success((let main, _)):
                connection.channel = main
                started(.success(connection))
                if !main.isActive { connection.lost() }
            case .failure(let error):
                connection.ended = { _ in }
                connection.kill()
                connection.reap()
                started(.failure(error))
            }
        }
    }

    private static func pipes(
        _ eventLoop: any EventLoop, _ handler: @escaping @Sendable () -> any ChannelHandler
    ) -> NIOPipeBootstrap {
        NIOPipeBootstrap(group: eventLoop).channelInitializer { channel in
            channel.eventLoop.makeCompletedFuture { try channel.pipeline.syncOperations.addHandler(handler()) }
        }
    }

    /// The program's output is at its end. One that is told of later is seen there.
    private func lost() {
        guard channel != nil else { return }
        killAt = killAt ?? .now() + Self.patience
        reap()
    }

    /// Looks whether the program is gone, and comes again where it is not.
    private func reap() {
        guard let ended else { return }
        if let killAt, killAt <= .now() { Glibc.kill(process, SIGKILL) }
        var status: CInt = 0
        guard waitpid(process, &status, WNOHANG) == 0 else {
            self.ended = nil
            let signal = status & 0x7F
            return ended(Ending(status: signal == 0 ? status >> 8 & 0xFF : -signal, lastWords: words.text))
        }
        eventLoop.assumeIsolated().scheduleTask(in: Self.round) { self.reap() }
    }
}

/// What a program put out on standard error.
private final class LastWords {
    private var bytes: [UInt8] = []

    func append(_ buffer: ByteBuffer) {
        bytes.append(contentsOf: buffer.readableBytesView)
        if bytes.count > Self.most { bytes.removeFirst(bytes.count - Self.most) }
    }

    var text: String { String(decoding: bytes, as: UTF8.self) }

    private static let most = 1024
}

private final class OutputHandler: ChannelInboundHandler {
    typealias InboundIn = ByteBuffer
    private let output: (ByteBuffer) -> Void
    private let lost: () -> Void

    init(output: @escaping (ByteBuffer) -> Void, lost: @escaping () -> Void) {
        self.output = output
        self.lost = lost
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) { output(unwrapInboundIn(data)) }

    func channelInactive(context: ChannelHandlerContext) { lost() }

    /// A pipe whose other end is gone.
    func errorCaught(context: ChannelHandlerContext, error: any Error) { context.close(promise: nil) }
}

private final class LastWordsHandler: ChannelInboundHandler {
    typealias InboundIn = ByteBuffer
    private let words: LastWords

    init(_ words: LastWords) { self.words = words }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) { words.append(unwrapInboundIn(data)) }

    func errorCaught(context: ChannelHandlerContext, error: any Error) { context.close(promise: nil) }
}
