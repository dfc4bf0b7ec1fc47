# SPDX-License-Identifier: Apache-2.0
"""Bad peers on real sockets: refused in the protocol's words, and a healthy stream beside them feels nothing."""

from __future__ import annotations

import dataclasses
import random
import socket
import struct
import threading
import time

import pytest

import clips
from conftest import seconds
from linting import LintProcess
from publishers import Publisher
from rtmp_client import Publisher as OddPublisher
from rtmp_client import RTMPRefusal, Tag, read_flv
from server import Server, wait_until


@pytest.fixture(scope="module")
def healthy(server: Server):
    """A stream that is watched by the lint all the while; the module fails where it was disturbed."""
    with Publisher("default", server.publish_url("healthy")) as publisher:
        server.wait_live("healthy")
        lint = LintProcess(server.playlist("healthy"), 600)
        yield lint
        time.sleep(3)
        lint.stop()
        assert publisher.alive, publisher.log()
        assert not lint.errors, "\n".join(lint.errors[:20])
        assert lint.summary["segments"] >= 2, lint.summary


def exchange(port: int, data: bytes, pause: float = 0, piece: int = 0, patience: float = 12) -> bytes | None:
    """Sends bytes, in pieces with pauses where asked; what came back until the server closed, None where it never did."""
    with socket.create_connection(("127.0.0.1", port), timeout=patience) as connection:
        answer = b""
        try:
            for start in range(0, len(data), piece or max(1, len(data))):
                connection.sendall(data[start:start + (piece or len(data))])
                time.sleep(pause)
            while chunk := connection.recv(65536):
                answer += chunk
        except TimeoutError:
            return None
        except (ConnectionResetError, BrokenPipeError):
            pass
        return answer


@pytest.mark.parametrize("seed", range(6))
def test_garbage_on_rtmp(server: Server, healthy: LintProcess, seed: int) -> None:
    """Random bytes after any or no handshake end the connection, and only it."""
    noise = random.Random(seed)
    garbage = noise.randbytes(noise.randrange(1, 20000))
    if seed % 2:
        garbage = b"\x03" + struct.pack(">II", 0, 0) + bytes(1528) + bytes(1536) + garbage
    if seed == 4:
        garbage = b"\x03" + garbage[:100]  # a handshake that is never finished
    assert exchange(server.rtmp, garbage, patience=25) is not None, f"seed {seed}: still open"


@pytest.mark.parametrize("first", [b"GET / HTTP/1.1\r\nHost: x\r\n\r\n", b"\x16\x03\x01\x02\x00\x01\x00", b"\x06" + bytes(1536)],
                         ids=["http", "tls", "rtmpe"])
def test_other_protocols_on_rtmp(server: Server, healthy: LintProcess, first: bytes) -> None:
    """HTTP, TLS and RTMPE on the RTMP port do not hang."""
    assert exchange(server.rtmp, first) is not None


def test_message_that_claims_too_much(server: Server, healthy: LintProcess) -> None:
    """A message over 8 MiB ends the connection before its bytes are taken."""
    publisher = OddPublisher(server.rtmp, "live", "huge")
    with publisher:
        header = bytes([6]) + bytes(3) + (16 * 1024 * 1024 - 1).to_bytes(3, "big") + bytes([9]) + struct.pack("<I", 1)
        before = server.memory()
        publisher.socket.sendall(header + bytes(4096))
        assert publisher.closed_by_server.wait(10), "still open"
        assert server.memory() - before < 16 * 1024 * 1024


@pytest.mark.parametrize("seed", range(4))
def test_garbage_on_http(server: Server, healthy: LintProcess, seed: int) -> None:
    """Random bytes get 400 or nothing, and a closed connection."""
    answer = exchange(server.http, random.Random(seed).randbytes(3000) + b"\r\n\r\n")
    assert answer is not None and (answer == b"" or answer.startswith(b"HTTP/1.1 4")), answer


def test_head_too_large(server: Server, healthy: LintProcess) -> None:
    """A head over 16 KiB is refused with 431 (or 414, 400)."""
    answer = exchange(server.http, b"GET / HTTP/1.1\r\nHost: x\r\nX-Long: " + b"a" * 40000 + b"\r\n\r\n")
    assert answer is not None and answer[:12] in (b"HTTP/1.1 431", b"HTTP/1.1 414", b"HTTP/1.1 400"), answer[:200]


def test_head_too_slow(server: Server, healthy: LintProcess) -> None:
    """A head that is not whole after 5 s ends the connection; one byte now and then does not help."""
    begun = time.monotonic()
    answer = exchange(server.http, b"GET /live/healthy/index.m3u8 HTTP/1.1\r\nHost: x\r\nX: " + b"a" * 40, pause=0.25,
                      piece=1)
    assert answer is not None and not answer.startswith(b"HTTP/1.1 2"), answer
    assert time.monotonic() - begun < 15


@pytest.mark.parametrize("path", ["/live/../../etc/passwd", "/live/%2e%2e/%2e%2e/etc/passwd", "/live/healthy/../../x",
                                  "/..%2f..%2fetc/passwd", "/live/a%00b/index.m3u8", "/live/%ff%fe/index.m3u8",
                                  "/live/" + "n" * 300 + "/index.m3u8", "//live//healthy//index.m3u8"])
def test_paths_that_point_elsewhere(server: Server, healthy: LintProcess, path: str) -> None:
    """No name leads out of the streams: 400 or 404."""
    answer = exchange(server.http, f"GET {path} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n".encode())
    assert answer is not None and answer[:12] in (b"HTTP/1.1 400", b"HTTP/1.1 404", b"HTTP/1.1 414"), answer[:200]
    assert b"root:" not in answer


@pytest.mark.parametrize("head", [
    b"GET / HTTP/1.1\r\nHost: x\r\nContent-Length: 4\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\nGET /x HTTP/1.1\r\nHost: x\r\n\r\n",
    b"GET / HTTP/1.1\r\nHost: x\r\nContent-Length: 4\r\nContent-Length: 5\r\n\r\nabcd",
    b"GET / HTTP/1.1\r\nHost : x\r\n\r\n", b"GET / HTTP/1.1\r\n Host: x\r\n\r\n", b"GET / HTTP/1.1\r\nHost: x\nX: \0\r\n\r\n",
], ids=["length-and-chunked", "two-lengths", "space-before-colon", "folded", "nul"])
def test_smuggling(server: Server, healthy: LintProcess, head: bytes) -> None:
    """A head that two servers could read in two ways is refused, RFC 9112 6.3 and 11.2."""
    answer = exchange(server.http, head)
    assert answer is not None and answer.startswith(b"HTTP/1.1 400"), answer[:200]
    assert answer.count(b"HTTP/1.1 ") == 1, answer


@pytest.mark.parametrize("name", ["..", "../x", "a%2fb/../c", "n" * 200, "a\x01b", "index.m3u8/.."])
def test_names_that_can_not_be(server: Server, healthy: LintProcess, name: str) -> None:
    """Such a stream is refused in RTMP's own words and never listed."""
    with pytest.raises((RTMPRefusal, EOFError, ConnectionError)):
        with OddPublisher(server.rtmp, "live", name) as publisher:
            assert publisher.closed_by_server.wait(5), "publish was accepted"
            raise EOFError
    listed = [stream["streamKey"] for stream in server.json("/api/v1/streams")["streams"]]
    assert name not in listed, listed


JUMP_AT = 9  # seconds of media after which an odd publisher is odd


def jumping(milliseconds: int):
    """Timestamps that jump and stay there."""
    return lambda tag, at: [dataclasses.replace(
        tag, timestamp=(tag.timestamp + (milliseconds if at > JUMP_AT else 0)) & 0xFFFFFFFF)]


def wrapping(tag: Tag, at: float) -> list[Tag]:
    """Timestamps that pass 2^32 ms where the others jump."""
    return [dataclasses.replace(tag, timestamp=(tag.timestamp + 2**32 - 1000 * JUMP_AT) & 0xFFFFFFFF)]


class Stalling:
    """Four silent seconds in mid-stream, then everything that was held back."""

    def __init__(self) -> None:
        self.done = False

    def __call__(self, tag: Tag, at: float) -> list[Tag]:
        if at > JUMP_AT and not self.done:
            self.done = True
            time.sleep(4)
        return [tag]


ODD = {"a-day-on": (jumping(86_400_000), ["--returns"]), "3-s-back": (jumping(-3000), ["--returns"]),
       "6-s-on": (jumping(6000), ["--returns"]), "wrap": (wrapping, []),
       "stall": (Stalling(), ["--returns", "--stalls", "--pdt-tolerance", "6"])}


@pytest.fixture(scope="module")
def oddities(server: Server, healthy: LintProcess):
    """All odd publishers at once for 22 s, each with a lint."""
    tags = read_flv(clips.path("default", "flv"))
    lints = {name: LintProcess(server.playlist(name), 18, "--json", *options) for name, (_, options) in ODD.items()}

    def publish(name: str, hook) -> None:
        with OddPublisher(server.rtmp, "live", name) as publisher:
            publisher.play(tags, 26, hook)
    senders = [threading.Thread(target=publish, args=(name, hook), daemon=True) for name, (hook, _) in ODD.items()]
    for sender in senders:
        sender.start()
    yield lints
    for lint in lints.values():
        lint.kill()
    for sender in senders:
        sender.join(30)


@pytest.mark.parametrize("name", ODD)
def test_odd_timestamps(oddities: dict[str, LintProcess], name: str) -> None:
    """Jumps, wraps and stalls leave playlists correct; only a jump may leave a discontinuity."""
    lint = oddities[name]
    assert not lint.errors, "\n".join(lint.errors[:20])
    assert lint.summary["segments"] >= 4, lint.summary
    if name in ("wrap", "stall"):
        assert lint.summary["discontinuities"] == 0, lint.summary


def test_flood(server: Server, healthy: LintProcess) -> None:
    """A publisher that sends 60 s of media at once is cut off or packaged, never a wrong playlist."""
    tags = read_flv(clips.path("default", "flv"))
    with OddPublisher(server.rtmp, "live", "flood") as publisher:
        try:
            for tag in tags:
                publisher.send(tag)
        except OSError:
            return  # refused while it flooded: that is an answer too
        wait_until(lambda: server.get("/live/flood/main/media.m3u8")[0] == 200 or publisher.closed_by_server.is_set(), 10,
                   "the flood to be packaged or refused")
        lint = LintProcess(server.playlist("flood"), 3, "--returns", "--stalls", "--pdt-tolerance", "60")
        errors = [error for error in lint.errors if not error.startswith(("pdt.", "block."))]
    assert not errors, "\n".join(errors)


def test_headers_only(server: Server, healthy: LintProcess) -> None:
    """Sequence headers and no media: no playlist, and the server ends the publish."""
    tags = [tag for tag in read_flv(clips.path("default", "flv")) if tag.is_header]
    with OddPublisher(server.rtmp, "live", "headers") as publisher:
        for tag in tags:
            publisher.send(tag)
        assert server.get("/live/headers/main/media.m3u8", 30)[0] in (404, 503)
        assert publisher.closed_by_server.wait(25), "no end of the publish in 25 s"


def test_no_keyframes(server: Server, healthy: LintProcess) -> None:
    """Frames without any random access point make no playlist."""
    tags = [tag for tag in read_flv(clips.path("default", "flv")) if not tag.is_keyframe]
    with OddPublisher(server.rtmp, "live", "keyless") as publisher:
        def watch() -> None:
            try:
                publisher.play(tags, seconds(7, 40))
            except OSError:
                pass
        sender = threading.Thread(target=watch, daemon=True)
        sender.start()
        sender.join()
        status, body = server.get("/live/keyless/main/media.m3u8", 30)
        assert status in (404, 503), body[:500]


def test_metrics_count_refusals(server: Server, healthy: LintProcess) -> None:
    """What was refused above was counted."""
    samples = server.metrics()
    counted = [name for name, value in samples.items() if value > 0
               and any(word in name for word in ("refus", "reject", "fail", "malformed"))]
    assert counted, sorted(samples)[:80]
