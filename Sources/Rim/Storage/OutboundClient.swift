// SPDX-License-Identifier: Apache-2.0

public import Bytes
import Glibc
public import Instrumentation
public import Objects
import Synchronization

/// Sends requests to other HTTP servers: libcurl's multi interface on a thread of its own, connections kept alive, HTTP/2
/// where a server offers it over TLS.
///
/// Redirects are not followed: they would take a signature to where it does not belong. What a request is done for travels with
/// it, beside what is signed, where the client was given an instrument.
public final class OutboundClient: Sendable {
    private let loop: CurlLoop
    private let instrument: (any Instrument)?
    private let thread: Mutex<pthread_t?>

    /// Starts the thread.
    /// - Parameter instrument: writes the context of the task that sends a request into its headers.
    public init(_ settings: OutboundSettings = OutboundSettings(), instrument: (any Instrument)? = nil) {
        let loop = CurlLoop(settings)
        self.loop = loop
        self.instrument = instrument
        thread = Mutex(Self.start(loop))
    }

    deinit { close() }

    /// Sends a request and waits for the whole answer, whatever its status. Cancelling the task gives the request up.
    /// - Parameters:
    ///   - timeout: the longest that the exchange may take, connecting included.
    ///   - largest: the longest body of an answer that is taken.
    /// - Throws: ``StoreFailure/timedOut``, `unreachable`, `tooLong` or `cancelled`.
    public func send(
        _ request: OutboundRequest, timeout: Duration, largest: ByteCount
    ) async throws(StoreFailure) -> OutboundAnswer {
        let transfer = CurlTransfer(inContext(request), timeout: timeout, largest: largest)
        let result = await withTaskCancellationHandler {
            await withCheckedContinuation { continuation in
                transfer.onEnd { continuation.resume(returning: $0) }
                loop.add(transfer)
            }
        } onCancel: {
            loop.cancel(transfer)
        }
        return try result.get()
    }

    /// Gives up all requests and ends the thread. Requests from then on are refused as cancelled.
    public func close() {
        loop.close()
        if let thread = thread.withLock({ $0.take() }) { pthread_join(thread, nil) }
    }

    private func inContext(_ request: OutboundRequest) -> OutboundRequest {
        guard let instrument, let context = ServiceContext.current else { return request }
        var request = request
        instrument.inject(context, into: &request.headers, using: HeaderInjector())
        return request
    }

    private static func start(_ loop: CurlLoop) -> pthread_t {
        var thread = pthread_t()
        let code = pthread_create(
            &thread, nil,
            { context in
                if let context { Unmanaged<CurlLoop>.fromOpaque(context).takeRetainedValue().run() }
                return nil
            }, Unmanaged.passRetained(loop).toOpaque())
        precondition(code == 0, "no thread for outbound requests: \(code)")
        return thread
    }
}

private struct HeaderInjector: Injector {
    func inject(_ value: String, forKey key: String, into headers: inout [OutboundHeader]) {
        headers.append(OutboundHeader(key, value))
    }
}
