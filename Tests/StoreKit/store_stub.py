#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Stores that no package brings, and a bad line to those there are: store_stub.py KIND PORT [BACKEND_PORT PERCENT].

`azure` is Azure Blob Storage with one account, which verifies SharedKey and shared access signatures. `google` is the XML
interface of Google Cloud Storage, which verifies GOOG4-HMAC-SHA256, and a token endpoint, which verifies RS256. `faults`
passes requests on to BACKEND_PORT, but PERCENT of them are answered 503, before or after they are passed on, or are cut off.
`refusing PORT STATUS CODE` answers every request with that status and S3's word for it. `silent` accepts and says nothing.
`echo` answers with the headers that it was asked with.
"""

import base64
import datetime
import hashlib
import hmac
import http.client
import json
import random
import socket
import struct
import sys
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qsl, unquote, urlsplit
from xml.sax.saxutils import escape

ACCOUNT, AZURE_KEY = "account", bytes(range(64))
ACCESS, SECRET = "millrace", "secret-of-the-tests"


class Refusal(Exception):
    """Status, the store's word."""


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    objects, lock, generation = {}, threading.Lock(), [0]

    def log_message(self, *_):
        pass

    def serve(self):
        url = urlsplit(self.path)
        self.url, self.query = url, dict(parse_qsl(url.query, keep_blank_values=True))
        self.body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        try:
            self.answer()
        except Refusal as refusal:
            status, code = refusal.args
            body = b"" if self.command == "HEAD" else f"<Error><Code>{code}</Code></Error>".encode()
            self.reply(status, body, {self.code_header: code})

    do_GET = do_PUT = do_POST = do_HEAD = do_DELETE = serve

    def reply(self, status, body=b"", headers=None):
        self.send_response(status)
        for name, value in (headers or {}).items():
            self.send_header(name, value)
        if "Content-Length" not in (headers or {}):
            self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)

    def keep(self, key, absent, matches, refusals):
        """Writes under a lock what the conditions allow; the new version."""
        exists_refusal, other_refusal = refusals
        with self.lock:
            old = self.objects.get(key)
            if absent and old:
                raise Refusal(*exists_refusal)
            if matches is not None and (old is None or old[1] != matches):
                raise Refusal(*other_refusal)
            self.generation[0] += 1
            version = self.versioned(self.generation[0])
            self.objects[key] = (self.body, version)
        return version

    def hand_out(self, key, refusal, span):
        found = self.objects.get(key)
        if found is None:
            raise Refusal(*refusal)
        body, version = found
        headers = {self.version_header: version}
        if self.command == "HEAD":
            return self.reply(200, b"", headers | {"Content-Length": str(len(body))})
        if span:
            first, _, last = span.removeprefix("bytes=").partition("-")
            part = body[int(first):int(last) + 1 if last else None]
            return self.reply(206, part, headers)
        self.reply(200, body, headers | self.sums(body))

    def page(self, bucket, limit, mark):
        keys = sorted(k for k in self.objects if k[0] == bucket and k[1].startswith(self.query.get("prefix", "")))
        keys = [k for k in keys if k[1].encode() > mark.encode()]
        more = keys[limit - 1][1] if len(keys) > limit else ""
        return [(k[1], len(self.objects[k][0])) for k in keys[:limit]], more


class Azure(Handler):
    version_header, code_header = "ETag", "x-ms-error-code"

    @staticmethod
    def versioned(number):
        return f'"0x{number:X}"'

    @staticmethod
    def sums(body):
        return {"Content-MD5": base64.b64encode(hashlib.md5(body).digest()).decode()}

    def answer(self):
        self.prove()
        parts = unquote(self.url.path).split("/", 3)[2:]
        if parts[0] != "live":
            raise Refusal(404, "ContainerNotFound")
        if self.query.get("comp") == "list":
            return self.list(parts[0])
        key = tuple(parts)
        missing = (404, "BlobNotFound")
        if self.command == "PUT":
            if self.headers["Content-MD5"] != self.sums(self.body)["Content-MD5"]:
                raise Refusal(400, "Md5Mismatch")
            version = self.keep(key, self.headers["If-None-Match"] == "*", self.headers["If-Match"],
                                ((409, "BlobAlreadyExists"), (412, "ConditionNotMet")))
            return self.reply(201, b"", {"ETag": version})
        if self.command == "DELETE":
            if self.objects.pop(key, None) is None:
                raise Refusal(*missing)
            return self.reply(202)
        self.hand_out(key, missing, self.headers["x-ms-range"])

    def list(self, container):
        found, more = self.page(container, int(self.query["maxresults"]), self.query.get("marker", ""))
        blobs = "".join(f"<Blob><Name>{escape(n)}</Name><Properties><Content-Length>{s}</Content-Length></Properties>"
                        f"<OrMetadata /></Blob>" for n, s in found)
        self.reply(200, ('\ufeff<?xml version="1.0" encoding="utf-8"?><EnumerationResults><Blobs>' + blobs
                         + f"</Blobs><NextMarker>{escape(more)}</NextMarker></EnumerationResults>").encode())

    def prove(self):
        if "sig" in self.query:
            return self.prove_shared_access()
        names = ["content-encoding", "content-language", "content-length", "content-md5", "content-type", "date",
                 "if-modified-since", "if-match", "if-none-match", "if-unmodified-since", "range"]
        values = [self.headers.get(name) or "" for name in names]
        values[2] = "" if values[2] == "0" else values[2]
        own = sorted((n.lower(), v) for n, v in self.headers.items() if n.lower().startswith("x-ms-"))
        text = "\n".join([self.command, *values, *(f"{n}:{v}" for n, v in own), f"/{ACCOUNT}{self.url.path}",
                          *(f"{n.lower()}:{v}" for n, v in sorted(self.query.items()))])
        code = base64.b64encode(hmac.new(AZURE_KEY, text.encode(), hashlib.sha256).digest()).decode()
        sent = datetime.datetime.strptime(self.headers["x-ms-date"], "%a, %d %b %Y %H:%M:%S GMT")
        late = abs((datetime.datetime.utcnow() - sent).total_seconds()) > 900
        if self.headers["Authorization"] != f"SharedKey {ACCOUNT}:{code}" or late:
            raise Refusal(403, "AuthenticationFailed")

    def prove_shared_access(self):
        q = self.query
        path = f"/blob/{ACCOUNT}/live" if q["sr"] == "c" else f"/blob{unquote(self.url.path)}"
        text = "\n".join([q["sp"], q.get("st", ""), q["se"], path, "", "", q["spr"], q["sv"], q["sr"]] + [""] * 7)
        code = base64.b64encode(hmac.new(AZURE_KEY, text.encode(), hashlib.sha256).digest()).decode()
        right = {"GET": "r", "HEAD": "r", "PUT": "w", "DELETE": "d"}[self.command]
        right = "l" if q.get("comp") == "list" else right
        if q["sig"] != code or q["se"] < datetime.datetime.utcnow().strftime("%Y-%m-%dT%H:%M:%SZ") or right not in q["sp"]:
            raise Refusal(403, "AuthenticationFailed")


class Google(Handler):
    version_header, code_header = "x-goog-generation", "x-unused"

    @staticmethod
    def versioned(number):
        return str(number)

    @staticmethod
    def sums(body):
        return {"x-goog-hash": "crc32c=AAAAAA==,md5=" + base64.b64encode(hashlib.md5(body).digest()).decode()}

    def answer(self):
        if self.url.path == "/token":
            return self.give_token()
        self.prove()
        bucket, _, name = unquote(self.url.path)[1:].partition("/")
        if bucket != "live":
            raise Refusal(404, "NoSuchBucket")
        if not name:
            return self.list(bucket)
        key, missing = (bucket, name), (404, "NoSuchKey")
        if self.command == "PUT":
            if self.headers["Content-MD5"] != base64.b64encode(hashlib.md5(self.body).digest()).decode():
                raise Refusal(400, "BadDigest")
            match = self.headers["x-goog-if-generation-match"]
            version = self.keep(key, match == "0", match if match not in (None, "0") else None,
                                ((412, "PreconditionFailed"),) * 2)
            return self.reply(200, b"", {self.version_header: version})
        if self.command == "DELETE":
            if self.objects.pop(key, None) is None:
                raise Refusal(*missing)
            return self.reply(204)
        self.hand_out(key, missing, self.headers["Range"])

    def list(self, bucket):
        found, more = self.page(bucket, int(self.query["max-keys"]), self.query.get("continuation-token", ""))
        body = "".join(f"<Contents><Key>{escape(n)}</Key><Size>{s}</Size></Contents>" for n, s in found)
        more = f"<NextContinuationToken>{escape(more)}</NextContinuationToken>" if more else ""
        self.reply(200, f"<?xml version='1.0'?><ListBucketResult>{body}{more}</ListBucketResult>".encode())

    def prove(self):
        algorithm, _, fields = (self.headers["Authorization"] or "").partition(" ")
        fields = dict(f.strip().split("=", 1) for f in fields.split(","))
        identity, day, region, service, end = fields["Credential"].split("/")
        names = fields["SignedHeaders"].split(";")
        query = "&".join(sorted(p if "=" in p else p + "=" for p in self.url.query.split("&") if p))
        canonical = "\n".join([self.command, self.url.path, query,
                               "".join(f"{n}:{self.headers[n]}\n" for n in names), ";".join(names),
                               hashlib.sha256(self.body).hexdigest()])
        text = "\n".join([algorithm, self.headers["x-goog-date"], "/".join([day, region, service, end]),
                          hashlib.sha256(canonical.encode()).hexdigest()])
        key = b"GOOG4" + SECRET.encode()
        for word in [day, region, service, end, text]:
            key = hmac.new(key, word.encode(), hashlib.sha256).digest()
        if identity != ACCESS or fields["Signature"] != key.hex() or algorithm != "GOOG4-HMAC-SHA256":
            raise Refusal(403, "SignatureDoesNotMatch")

    def give_token(self):
        from cryptography.exceptions import InvalidSignature
        from cryptography.hazmat.primitives import hashes, serialization
        from cryptography.hazmat.primitives.asymmetric import padding
        form = dict(parse_qsl(self.body.decode()))
        text, _, signature = form["assertion"].rpartition(".")
        decoded = [base64.urlsafe_b64decode(p + "=" * (-len(p) % 4)) for p in [*text.split("."), signature]]
        key = serialization.load_pem_private_key(open(sys.argv[3], "rb").read(), None).public_key()
        try:
            key.verify(decoded[2], text.encode(), padding.PKCS1v15(), hashes.SHA256())
        except InvalidSignature:
            return self.reply(400, b'{"error":"invalid_grant"}')
        claims = json.loads(decoded[1])
        life = claims["exp"] - claims["iat"]
        self.reply(200, json.dumps(dict(access_token="t-1", expires_in=life, token_type="Bearer")).encode())


class Faults(Handler):
    def serve(self):
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        kind = random.random() * 100 / max(1, int(sys.argv[4]))
        if kind < 0.35:
            return self.reply(503, b"", {"Retry-After": "0"})
        if kind < 0.7:
            return self.cut()
        backend = http.client.HTTPConnection("127.0.0.1", int(sys.argv[3]), timeout=20)
        backend.putrequest(self.command, self.path, skip_host=True, skip_accept_encoding=True)
        for name, value in self.headers.items():
            backend.putheader(name, value)
        backend.endheaders(body)
        answer = backend.getresponse()
        content = answer.read()
        if kind < 1:
            return self.cut() if random.random() < 0.5 else self.reply(503)
        headers = {n: v for n, v in answer.getheaders() if n.lower() not in ("transfer-encoding", "connection", "content-length")}
        length = answer.getheader("Content-Length") if self.command == "HEAD" else str(len(content))
        self.reply(answer.status, content, headers | {"Content-Length": length or "0"})

    do_GET = do_PUT = do_POST = do_HEAD = do_DELETE = serve

    def cut(self):
        """A reset, not an end."""
        self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.connection.close()
        self.close_connection = True
        self.wfile = self.rfile = open("/dev/null", "r+b")


class Refusing(Handler):
    code_header = "x-unused"

    def answer(self):
        raise Refusal(int(sys.argv[3]), sys.argv[4])


class Echo(Handler):
    def answer(self):
        self.reply(200, str(self.headers).encode())


def stay_silent(port):
    """Accepts and never answers."""
    server, kept = socket.create_server(("127.0.0.1", port), backlog=64), []
    while True:
        kept.append(server.accept())


class Server(ThreadingHTTPServer):
    request_queue_size = 256

    def handle_error(self, *_):
        pass


kind, port = sys.argv[1], int(sys.argv[2])
if kind == "silent":
    stay_silent(port)
Server(("127.0.0.1", port), {"azure": Azure, "google": Google, "faults": Faults,
                            "refusing": Refusing, "echo": Echo}[kind]).serve_forever()
