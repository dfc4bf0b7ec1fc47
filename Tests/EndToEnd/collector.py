# SPDX-License-Identifier: Apache-2.0
"""A collector of traces that takes OTLP over HTTP in JSON and is strict about it, and a bucket that notes who it is told by
what is written to it."""

from __future__ import annotations

import contextlib
import dataclasses
import hashlib
import json
import re
import socketserver
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

KINDS = {1: "internal", 2: "server", 3: "client", 4: "producer", 5: "consumer"}


@dataclasses.dataclass
class Span:
    """As it came, its times in seconds."""

    trace: str
    id: str
    parent: str | None
    name: str
    kind: str
    node: str
    region: str
    start: float
    end: float
    attributes: dict[str, object]
    links: list[tuple[str, str]]
    failure: str | None


def spans_of(request: dict) -> list[Span]:
    """What an ExportTraceServiceRequest holds; AssertionError where it is not as the protocol's JSON mapping has it."""
    assert set(request) == {"resourceSpans"}, request.keys()
    found = []
    for resource in request["resourceSpans"]:
        of = attributes(resource["resource"]["attributes"])
        assert of["service.name"] == "millrace" and of["service.version"], of
        for scope in resource["scopeSpans"]:
            assert scope["scope"]["name"] == "millrace"
            found += [span_of(each, of) for each in scope["spans"]]
    return found


def span_of(span: dict, of: dict[str, object]) -> Span:
    known = {"traceId", "spanId", "parentSpanId", "name", "kind", "startTimeUnixNano", "endTimeUnixNano", "flags", "attributes",
             "links", "status"}
    assert set(span) <= known, span.keys() - known
    for key, length in (("traceId", 32), ("spanId", 16), ("parentSpanId", 16)):
        assert key == "parentSpanId" and key not in span or re.fullmatch(f"[0-9a-f]{{{length}}}", span[key]), span
    for key in ("startTimeUnixNano", "endTimeUnixNano"):
        assert isinstance(span[key], str) and span[key].isdigit(), span
    assert span["flags"] == 1 and isinstance(span["name"], str) and span["name"]
    start, end = (int(span[key]) / 1e9 for key in ("startTimeUnixNano", "endTimeUnixNano"))
    assert start <= end
    failure = span.get("status", {}).get("message", "failed") if span.get("status", {}).get("code") == 2 else None
    return Span(span["traceId"], span["spanId"], span.get("parentSpanId"), span["name"], KINDS[span["kind"]],
                of["service.instance.id"], of["cloud.region"], start, end, attributes(span["attributes"]),
                [(link["traceId"], link["spanId"]) for link in span.get("links", [])], failure)


def attributes(pairs: list[dict]) -> dict[str, object]:
    found = {}
    for pair in pairs:
        (kind, value), = pair["value"].items()
        assert kind in ("stringValue", "intValue", "boolValue"), pair
        assert isinstance(value, bool if kind == "boolValue" else str), pair
        found[pair["key"]] = int(value) if kind == "intValue" else value
    assert len(found) == len(pairs), pairs
    return found


class Collector:
    """As a context manager; of its methods and attributes any thread may ask. Enter it within the network that it belongs to."""

    def __init__(self, host: str = "127.0.0.1") -> None:
        self.host = host
        self.lock = threading.Lock()
        self._spans: list[Span] = []
        self.wrong: list[str] = []
        # What was written to the bucket, and the traceparent that came with it, by key.
        self.objects: dict[str, bytes] = {}
        self.contexts: dict[str, str | None] = {}

    def __enter__(self) -> Collector:
        self._server = Nameless((self.host, 0), type("Handler", (Handler,), {"collector": self}))
        threading.Thread(target=self._server.serve_forever, daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._server.server_close()

    @property
    def url(self) -> str:
        return f"http://{self.host}:{self._server.server_address[1]}"

    @property
    def settings(self) -> dict[str, str]:
        """Environment by which a node exports here, and records into the bucket."""
        return {"TRACING_ENDPOINT": f"{self.url}/v1/traces", "TRACING_HEADER": "X-Secret: hunter2", "STORAGE_KIND": "s3",
                "STORAGE_ENDPOINT": self.url, "STORAGE_BUCKET": "bucket", "STORAGE_ACCOUNT": "millrace",
                "STORAGE_SECRET": "secret-of-the-tests", "STORAGE_ADDRESSING": "path"}

    @property
    def spans(self) -> list[Span]:
        with self.lock:
            return list(self._spans)

    def traces(self) -> dict[str, list[Span]]:
        found: dict[str, list[Span]] = {}
        for span in self.spans:
            found.setdefault(span.trace, []).append(span)
        return found

    def take(self, body: bytes, headers: object) -> None:
        with self.lock:
            try:
                assert headers["Content-Type"] == "application/json" and headers["X-Secret"] == "hunter2", dict(headers)
                assert headers["traceparent"] is None, "the export is traced"
                self._spans += spans_of(json.loads(body))
            except (AssertionError, KeyError, TypeError, ValueError) as failure:
                self.wrong.append(repr(failure))


class Nameless(ThreadingHTTPServer):
    """Asks nobody for the name of its address, as there may be nobody."""

    daemon_threads = True

    def server_bind(self) -> None:
        socketserver.TCPServer.server_bind(self)
        self.server_name, self.server_port = self.server_address[:2]


class Handler(BaseHTTPRequestHandler):
    """Traces, and a bucket of S3 without signatures and listings."""

    protocol_version = "HTTP/1.1"
    collector: Collector

    def log_message(self, *_: object) -> None:
        pass

    def do_POST(self) -> None:
        self.collector.take(self.rfile.read(int(self.headers["Content-Length"])), self.headers)
        self._reply(200, b"{}")

    def do_PUT(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        with self.collector.lock:
            there = self.collector.objects.get(self.path)
            wanted = self.headers["If-Match"]
            if there is not None and self.headers["If-None-Match"] == "*" or wanted and (
                    there is None or tag(there) != wanted):
                return self._reply(412, b"<Error><Code>PreconditionFailed</Code></Error>")
            self.collector.objects[self.path] = body
            self.collector.contexts[self.path] = self.headers["traceparent"]
        self._reply(200, headers={"ETag": tag(body)})

    def do_GET(self) -> None:
        if "list-type=2" in self.path:
            return self._reply(200, b"<ListBucketResult><IsTruncated>false</IsTruncated></ListBucketResult>")
        body = self.collector.objects.get(self.path)
        if body is None:
            return self._reply(404, b"<Error><Code>NoSuchKey</Code></Error>")
        self._reply(200, body, {"ETag": tag(body)})

    def _reply(self, status: int, body: bytes = b"", headers: dict[str, str] | None = None) -> None:
        with contextlib.suppress(OSError):
            self.send_response(status)
            for name, value in (headers or {}).items():
                self.send_header(name, value)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)


def tag(body: bytes) -> str:
    return f'"{hashlib.md5(body).hexdigest()}"'
