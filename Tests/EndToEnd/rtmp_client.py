# SPDX-License-Identifier: Apache-2.0
"""A small RTMP publisher that does on purpose what real encoders do by accident.

It sends the tags of an FLV file at their pace; a hook may change, drop or repeat each tag: timestamps that jump, media
that stalls, headers without media.
"""

from __future__ import annotations

import dataclasses
import os
import socket
import struct
import threading
import time
from collections.abc import Callable, Iterator

AUDIO, VIDEO, DATA = 8, 9, 18


class RTMPRefusal(RuntimeError):
    """The server answered no; the message is its own code and description."""


@dataclasses.dataclass(frozen=True)
class Tag:
    kind: int
    timestamp: int  # milliseconds
    payload: bytes

    @property
    def is_header(self) -> bool:
        """Whether it is a sequence header or metadata."""
        if self.kind == DATA:
            return True
        if self.kind == AUDIO:
            return self.payload[0] >> 4 == 10 and self.payload[1] == 0
        return self.payload[0] & 0x0F == 7 and self.payload[1] == 0

    @property
    def is_keyframe(self) -> bool:
        return self.kind == VIDEO and self.payload[0] >> 4 == 1 and not self.is_header


def read_flv(path: str) -> list[Tag]:
    """All tags of an FLV file."""
    with open(path, "rb") as file:
        data = file.read()
    if data[:3] != b"FLV":
        raise ValueError(f"{path} is no FLV file")
    tags, position = [], struct.unpack_from(">I", data, 5)[0] + 4
    while position + 11 <= len(data):
        size = int.from_bytes(data[position + 1:position + 4], "big")
        timestamp = int.from_bytes(data[position + 4:position + 7], "big") | data[position + 7] << 24
        tags.append(Tag(data[position] & 0x1F, timestamp, data[position + 11:position + 11 + size]))
        position += 11 + size + 4
    return tags


def loop(tags: list[Tag]) -> Iterator[Tag]:
    """The tags again and again, timestamps going on; headers come once."""
    length = max(tag.timestamp for tag in tags) + 33
    base = 0
    while True:
        for tag in tags:
            if base == 0 or not tag.is_header:
                yield dataclasses.replace(tag, timestamp=tag.timestamp + base)
        base += length


class Publisher:
    """One RTMP connection that publishes; use as a context manager."""

    def __init__(self, port: int, app: str, name: str, host: str = "127.0.0.1", chunk_size: int = 4096,
                 patience: float = 10) -> None:
        """`patience`: seconds for which the server may be silent before it has accepted the publisher."""
        self.host, self.port, self.app, self.name, self.chunk_size = host, port, app, name, 128
        self.wanted_chunk_size = chunk_size
        self.socket = socket.create_connection((host, port), timeout=patience)
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.sent = 0
        self.closed_by_server = threading.Event()
        # Where the server asked it to go on (Enhanced RTMP v2, ReconnectRequest); "" is anywhere.
        self.reconnect: str | None = None
        self._reader = _ChunkReader(self.socket)
        self._lock = threading.Lock()

    def __enter__(self) -> Publisher:
        self._handshake()
        self._command("connect", 1, {"app": self.app, "type": "nonprivate", "flashVer": "FMLE/3.0 (compatible; test)",
                                     "tcUrl": f"rtmp://{self.host}:{self.port}/{self.app}"})
        self._wait("_result")
        self._message(2, 1, 0, 0, struct.pack(">I", self.wanted_chunk_size))
        self.chunk_size = self.wanted_chunk_size
        self._command("releaseStream", 2, None, self.name)
        self._command("FCPublish", 3, None, self.name)
        self._command("createStream", 4, None)
        created = self._wait("_result", transaction=4)
        self.stream = int(created[-1])
        self._command("publish", 5, None, self.name, "live", stream=self.stream)
        status = self._wait("onStatus")
        information = status[-1]
        if information.get("code") != "NetStream.Publish.Start":
            raise RTMPRefusal(f"{information.get('code')}: {information.get('description')}")
        threading.Thread(target=self._drain, daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        self.socket.close()

    def send(self, tag: Tag) -> None:
        """One tag, at once."""
        channel = {AUDIO: 4, VIDEO: 6, DATA: 5}[tag.kind]
        payload = tag.payload
        if tag.kind == DATA and not payload.startswith(b"\x02\x00\x0d@setDataFrame"):
            payload = _string("@setDataFrame") + payload
        self._message(channel, tag.kind, self.stream, tag.timestamp & 0xFFFFFFFF, payload)
        self.sent += 1

    def play(self, tags: Iterator[Tag] | list[Tag], seconds: float,
             hook: Callable[[Tag, float], list[Tag]] | None = None) -> None:
        """Sends tags at the pace of their timestamps for a time; `hook(tag, elapsed)` says what is sent in its place."""
        begun = time.monotonic()
        for tag in tags:
            elapsed = time.monotonic() - begun
            if elapsed > seconds:
                return
            ahead = tag.timestamp / 1000 - elapsed
            if ahead > 0:
                time.sleep(ahead)
            for sent in (hook(tag, tag.timestamp / 1000) if hook else [tag]):
                self.send(sent)

    def finish(self) -> None:
        """Says goodbye as OBS does."""
        self._command("FCUnpublish", 6, None, self.name)
        self._command("deleteStream", 7, None, float(self.stream))

    def _handshake(self) -> None:
        first = struct.pack(">II", 0, 0) + os.urandom(1528)
        self.socket.sendall(b"\x03" + first)
        answer = _exactly(self.socket, 1 + 1536 + 1536)
        self.socket.sendall(answer[1:1537])

    def _command(self, name: str, transaction: float, *values: object, stream: int = 0) -> None:
        body = _string(name) + _value(float(transaction)) + b"".join(_value(value) for value in values)
        self._message(3, 20, stream, 0, body)

    def _message(self, channel: int, kind: int, stream: int, timestamp: int, payload: bytes) -> None:
        """fmt 0 and fmt 3 chunks only; the extended timestamp is repeated on each, as OBS and ffmpeg do."""
        extended = struct.pack(">I", timestamp) if timestamp >= 0xFFFFFF else b""
        header = (bytes([channel]) + min(timestamp, 0xFFFFFF).to_bytes(3, "big") + len(payload).to_bytes(3, "big")
                  + bytes([kind]) + struct.pack("<I", stream) + extended)
        chunks = [header + payload[:self.chunk_size]]
        for start in range(self.chunk_size, len(payload), self.chunk_size):
            chunks.append(bytes([0xC0 | channel]) + extended + payload[start:start + self.chunk_size])
        with self._lock:
            self.socket.sendall(b"".join(chunks))

    def _wait(self, name: str, transaction: float | None = None) -> list:
        while True:
            kind, payload = self._reader.message()
            if kind not in (20, 17):
                self._control(kind, payload)
                continue
            values = _values(payload[1:] if kind == 17 else payload)
            if values and values[0] in ("_error", "close"):
                raise RTMPRefusal(str(values))
            if values and values[0] == "onStatus" and name != "onStatus":
                raise RTMPRefusal(f"{values[-1].get('code')}: {values[-1].get('description')}")
            if values and values[0] == name and transaction in (None, values[1]):
                return values

    def _control(self, kind: int, payload: bytes) -> None:
        if kind == 4 and payload[:2] == b"\x00\x06":
            self._message(2, 4, 0, 0, b"\x00\x07" + payload[2:6])

    def _drain(self) -> None:
        try:
            self.socket.settimeout(None)
            while True:
                kind, payload = self._reader.message()
                self._control(kind, payload)
                information = _values(payload)[-1] if kind == 20 else None
                if isinstance(information, dict) and information.get("code") == "NetConnection.Connect.ReconnectRequest":
                    self.reconnect = str(information.get("tcUrl") or "")
        except (OSError, EOFError, ValueError):
            self.closed_by_server.set()


class _ChunkReader:
    """Server to publisher: any chunk size, no interleaving of long messages needed but allowed."""

    def __init__(self, connection: socket.socket) -> None:
        self.connection, self.chunk_size = connection, 128
        self.state: dict[int, list] = {}  # channel → [length, kind, extended, bytes so far]

    def message(self) -> tuple[int, bytes]:
        """The next whole message: (type, payload)."""
        while True:
            first = _exactly(self.connection, 1)[0]
            form, channel = first >> 6, first & 63
            if channel < 2:
                channel = 64 + int.from_bytes(_exactly(self.connection, channel + 1), "little")
            state = self.state.setdefault(channel, [0, 0, False, b""])
            header = _exactly(self.connection, (11, 7, 3, 0)[form])
            if form < 3:
                state[2] = header[:3] == b"\xff\xff\xff"
            if form < 2:
                state[0], state[1] = int.from_bytes(header[3:6], "big"), header[6]
            if state[2]:
                _exactly(self.connection, 4)
            take = min(self.chunk_size, state[0] - len(state[3]))
            state[3] += _exactly(self.connection, take)
            if len(state[3]) < state[0]:
                continue
            payload, state[3] = state[3], b""
            if state[1] == 1:
                self.chunk_size = struct.unpack(">I", payload)[0]
            else:
                return state[1], payload


def _exactly(connection: socket.socket, count: int) -> bytes:
    data = b""
    while len(data) < count:
        piece = connection.recv(count - len(data))
        if not piece:
            raise EOFError("the server closed the connection")
        data += piece
    return data


def _string(text: str) -> bytes:
    data = text.encode()
    return b"\x02" + struct.pack(">H", len(data)) + data


def _value(value: object) -> bytes:
    """AMF0 of what commands need."""
    if value is None:
        return b"\x05"
    if isinstance(value, bool):
        return bytes([1, value])
    if isinstance(value, float):
        return b"\x00" + struct.pack(">d", value)
    if isinstance(value, str):
        return _string(value)
    pairs = b"".join(_string(name)[1:] + _value(inner) for name, inner in value.items())
    return b"\x03" + pairs + b"\x00\x00\x09"


def _values(data: bytes) -> list:
    values, position = [], 0
    while position < len(data):
        value, position = _read(data, position)
        values.append(value)
    return values


def _read(data: bytes, position: int) -> tuple[object, int]:
    marker, position = data[position], position + 1
    if marker == 0:
        return struct.unpack_from(">d", data, position)[0], position + 8
    if marker == 1:
        return bool(data[position]), position + 1
    if marker == 2:
        (length,) = struct.unpack_from(">H", data, position)
        return data[position + 2:position + 2 + length].decode("utf-8", "replace"), position + 2 + length
    if marker in (3, 8):
        position += 4 if marker == 8 else 0
        pairs: dict[str, object] = {}
        while data[position:position + 3] != b"\x00\x00\x09":
            (length,) = struct.unpack_from(">H", data, position)
            name = data[position + 2:position + 2 + length].decode("utf-8", "replace")
            pairs[name], position = _read(data, position + 2 + length)
        return pairs, position + 3
    if marker in (5, 6):
        return None, position
    raise ValueError(f"AMF0 marker {marker}")
