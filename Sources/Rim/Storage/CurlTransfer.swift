// SPDX-License-Identifier: Apache-2.0

import Bytes
import CCurl
import Glibc
import Objects

/// One request on its way and what has come back of it.
///
/// SAFETY: ``onEnd(_:)`` is called before the transfer is handed to the loop, and all else by the loop's thread, or by
/// nobody but the sender where the loop is closed.
final class CurlTransfer: @unchecked Sendable {
    private let request: OutboundRequest
    private let timeout: Duration
    private let largest: Int
    private var deliver: ((Result<OutboundAnswer, StoreFailure>) -> Void)?
    private var headerList: UnsafeMutablePointer<curl_slist>?
    private var sent = 0
    private var headers: [String: String] = [:]
    private var body: [UInt8] = []
    private var isTooLong = false
    /// Whether the sender does not wait any more.
    var isCancelled = false

    init(_ request: OutboundRequest, timeout: Duration, largest: ByteCount) {
        self.request = request
        self.timeout = timeout
        self.largest = largest.bytes
    }

    /// Who gets the result, once.
    func onEnd(_ deliver: @escaping (Result<OutboundAnswer, StoreFailure>) -> Void) { self.deliver = deliver }

    /// Delivers the result.
    func end(_ result: Result<OutboundAnswer, StoreFailure>) { deliver.take()?(result) }

    /// Tells libcurl all of the request.
    func setUp(_ easy: UnsafeMutableRawPointer, _ settings: OutboundSettings) {
        millrace_curl_set_text(easy, CURLOPT_URL, request.url)
        millrace_curl_set_text(easy, CURLOPT_PROTOCOLS_STR, "http,https")
        millrace_curl_set_long(easy, CURLOPT_NOSIGNAL, 1)
        millrace_curl_set_long(easy, CURLOPT_TCP_KEEPALIVE, 1)
        // The path goes out as it was signed.
        millrace_curl_set_long(easy, CURLOPT_PATH_AS_IS, 1)
        millrace_curl_set_long(easy, CURLOPT_HTTP_VERSION, Int(CURL_HTTP_VERSION_2TLS))
        millrace_curl_set_long(easy, CURLOPT_TIMEOUT_MS, timeout.wholeMilliseconds)
        millrace_curl_set_long(
            easy, CURLOPT_CONNECTTIMEOUT_MS, min(timeout, settings.connectTimeout).wholeMilliseconds)
        if let file = settings.certificateFile { millrace_curl_set_text(easy, CURLOPT_CAINFO, file) }
        setMethod(easy)
        setHeaders(easy, settings.loopToken)
        millrace_curl_set_callbacks(
            easy, Self.read, Self.seek, Self.header, Self.body, Unmanaged.passUnretained(self).toOpaque())
    }

    /// Frees what libcurl was lent.
    func tearDown() {
        curl_slist_free_all(headerList)
        headerList = nil
    }

    /// What libcurl's code means.
    func result(_ code: CURLcode, status: Int) -> Result<OutboundAnswer, StoreFailure> {
        switch code {
        case CURLE_OK: .success(OutboundAnswer(status: status, headers: headers, body: body))
        case CURLE_OPERATION_TIMEDOUT: .failure(.timedOut)
        case CURLE_WRITE_ERROR where isTooLong: .failure(.tooLong)
        default: .failure(.unreachable(String(cString: curl_easy_strerror(code))))
        }
    }

    private func setMethod(_ easy: UnsafeMutableRawPointer) {
        switch request.method {
        case "GET": break
        case "HEAD": millrace_curl_set_long(easy, CURLOPT_NOBODY, 1)
        default:
            millrace_curl_set_text(easy, CURLOPT_CUSTOMREQUEST, request.method)
            guard request.method != "DELETE" else { return }
            millrace_curl_set_long(easy, CURLOPT_UPLOAD, 1)
            millrace_curl_set_size(easy, CURLOPT_INFILESIZE_LARGE, Int64(request.body.count))
        }
    }

    private func setHeaders(_ easy: UnsafeMutableRawPointer, _ loopToken: String?) {
        // Without waiting for 100 Continue, which costs a round trip for each larger body.
        headerList = curl_slist_append(nil, "Expect:")
        if let loopToken { headerList = curl_slist_append(headerList, "CDN-Loop: \(loopToken)") }
        for header in request.headers {
            // An empty value is written with a semicolon, or libcurl leaves the header out.
            headerList = curl_slist_append(
                headerList, header.value.isEmpty ? "\(header.name);" : "\(header.name): \(header.value)")
        }
        millrace_curl_set_headers(easy, headerList)
    }

    private func takeHeader(_ line: UnsafeBufferPointer<UInt8>) {
        let text = String(decoding: line, as: UTF8.self)
        // A status line begins anew: behind a 100, or behind a proxy's answer.
        if text.hasPrefix("HTTP/") { headers = [:] }
        guard let colon = text.firstIndex(of: ":"), headers.count < Self.mostHeaders else { return }
        headers[text[..<colon].lowercased()] = String(
            text[text.index(after: colon)...].drop(while: \.isWhitespace).reversed().drop(while: \.isWhitespace)
                .reversed())
    }

    private func takeBody(_ bytes: UnsafeBufferPointer<UInt8>) -> Int {
        guard body.count + bytes.count <= largest else {
            isTooLong = true
            return 0
        }
        body.append(contentsOf: bytes)
        return bytes.count
    }

    private func give(_ room: UnsafeMutableRawBufferPointer) -> Int {
        let count = min(room.count, request.body.count - sent)
        request.body[sent..<(sent + count)].withUnsafeBytes { room.copyMemory(from: $0) }
        sent += count
        return count
    }

    private static let mostHeaders = 128
}

extension CurlTransfer {
    private static func transfer(_ context: UnsafeMutableRawPointer?) -> CurlTransfer {
        guard let context else { preconditionFailure("libcurl lost its context") }
        return Unmanaged<CurlTransfer>.fromOpaque(context).takeUnretainedValue()
    }

    fileprivate static let read: curl_read_callback = { start, size, count, context in
        transfer(context).give(UnsafeMutableRawBufferPointer(start: start, count: size * count))
    }

    /// To the beginning only, when a connection that was kept turns out to be closed.
    fileprivate static let seek: curl_seek_callback = { context, offset, origin in
        guard offset == 0, origin == SEEK_SET else { return CURL_SEEKFUNC_FAIL }
        transfer(context).sent = 0
        return CURL_SEEKFUNC_OK
    }

    fileprivate static let header: curl_write_callback = { start, size, count, context in
        transfer(context).takeHeader(bytes(start, size * count))
        return size * count
    }

    fileprivate static let body: curl_write_callback = { start, size, count, context in
        transfer(context).takeBody(bytes(start, size * count))
    }

    private static func bytes(_ start: UnsafeMutablePointer<CChar>?, _ count: Int) -> UnsafeBufferPointer<UInt8> {
        UnsafeBufferPointer(start: UnsafeRawPointer(start)?.assumingMemoryBound(to: UInt8.self), count: count)
    }
}

extension Duration {
    /// Rounded up, at least one: libcurl takes 0 for no limit.
    fileprivate var wholeMilliseconds: Int {
        max(1, Int(clamping: components.seconds) * 1000 + Int(components.attoseconds / 1_000_000_000_000_000))
    }
}
