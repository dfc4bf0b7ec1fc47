#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Writes the vectors of this folder: a second implementation of the wire format and of its seal, in Python.

Needs `cryptography` (PyPI) for HKDF and AES-256-GCM. Run it in this folder.
"""

import hashlib
import struct
from pathlib import Path

from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF


def u8(value): return struct.pack(">B", value)
def u16(value): return struct.pack(">H", value)
def u32(value): return struct.pack(">I", value)
def u64(value): return struct.pack(">Q", value)


def length(value):
    out = b""
    while value >= 0x80:
        out, value = out + u8(value & 0x7F | 0x80), value >> 7
    return out + u8(value)


def text(value): return length(len(value.encode())) + value.encode()
def sized(body): return length(len(body)) + body
def item(kind, body): return u8(kind) + sized(body)
def frame(kind, body): return u32(2 + len(body)) + b"\x01" + u8(kind) + body
def table(*entries): return u32(len(entries)) + b"".join(sized(entry) for entry in entries)


NODE, OTHER, REGION = text("edge-1"), text("origin-2.eu"), text("eu")
ENDPOINT = u8(4) + bytes([192, 0, 2, 1]) + u16(7946)
DESCRIPTION = (
    NODE + u8(2 | 8) + REGION + text("eu-a") + ENDPOINT
    + u8(1) + u8(6) + bytes.fromhex("20010db8000000000000000000000001") + u16(7947)
    + text("https://e1.example") + text("") + u32(10_000) + bytes([1, 2]) + u8(0))
VARIANT = text("main") + u32(3_000_000) + u32(2_500_000) + text("avc1.64001f,mp4a.40.2") + u16(1280) + u16(720) + u32(29_970) + u8(1)
ENTRY = (
    text("live/news") + u64(0x0190_0000_0000) + u32(0xABCD_EF01) + u32(3) + OTHER + u8(1) + NODE + REGION + u8(1)
    + u64(0x1122_3344_5566_7788) + length(1) + VARIANT)
SUMMARY = (
    REGION + NODE + u64(1_700_000_000_000) + length(1) + text("https://r1.example") + length(1)
    + OTHER + ENDPOINT + u32(500) + u32(20_000) + u16(250))
REPORT = (
    NODE + u64(9) + u64(1_000_000_000) + u16(750) + u32(5000) + length(1) + u64(0xFEED) + u32(4000) + u32(800_000))
STEERING = (
    u64(1_700_000_000_000) + u64(1_700_000_600_000) + u8(1) + text("live/news") + length(2) + text("CDN") + u8(30)
    + text("REGION.eu") + u8(0))
ORDER = u64(1_700_000_000_000) + u32(0x0102_0304) + u8(1) + bytes(range(32))

DATAGRAMS = {
    "empty": b"",
    "ack": item(1, u32(7) + u8(2)),
    "load": item(2, REPORT),
    "nack": item(3, u32(0xFFFF_FFFF)),
    "ping": item(4, u32(1) + OTHER),
    "ping-request": item(5, u32(1) + OTHER + ENDPOINT),
    "store-answered": item(6, b""),
    "members": item(4, u32(2) + OTHER) + item(70, OTHER + u64(256) + NODE) + item(64, u64(512) + sized(DESCRIPTION))
    + item(65, OTHER + u64(256) + NODE) + item(66, OTHER + u64(257)),
    "steering": item(71, STEERING),
    "directory": item(69, ENTRY) + item(68, SUMMARY) + item(67, ORDER),
}
STREAM = {
    "ack": frame(1, u32(7)),
    "digest": frame(2, u64(1) + u64(0xFFFF_FFFF_FFFF_FFFF) + u8(1)),
    "ping": frame(5, u32(7) + OTHER),
    "refusal": frame(3, text("another cluster")),
    "state": frame(4, u8(1) + table(u8(1) + u64(512) + sized(DESCRIPTION)) + table(ENTRY) + table(SUMMARY) + table(ORDER)),
}

KEY = bytes(range(0x40, 0x60))
POOL = hashlib.sha256(b"studio\0eu").digest()


def derive(salt, info): return HKDF(SHA256(), 32, POOL + salt, info).derive(KEY)
def counter_nonce(counter): return bytes(4) + u64(counter)


def header(kind, sender):
    return b"MG\x01" + u8(kind) + hashlib.sha256(KEY).digest()[:4] + POOL[:4] + text(sender)


def packet(sender, boot, counter, plain):
    head = header(0, sender) + u64(boot) + u64(counter)[2:]
    key = derive(b"", b"millrace gossip packet" + text(sender) + u64(boot))
    return head + AESGCM(key).encrypt(counter_nonce(counter), plain, head)


def stream():
    """The bytes of both sides: each hello, then one record of each."""
    opener, acceptor = bytes(range(32)), bytes(range(128, 160))
    hello = header(1, "edge-1") + opener
    hello += AESGCM(derive(opener, b"millrace gossip hello")).encrypt(counter_nonce(0), b"", hello)
    answer = header(2, "origin-2.eu") + acceptor
    salt = opener + acceptor
    names = text("edge-1") + text("origin-2.eu")
    to_acceptor = derive(salt, b"millrace gossip stream to acceptor" + names)
    to_opener = derive(salt, b"millrace gossip stream to opener" + names)
    answer += AESGCM(to_opener).encrypt(counter_nonce(0), b"", answer)

    def record(key, counter, plain):
        head = u16(len(plain) + 16)
        return head + AESGCM(key).encrypt(counter_nonce(counter), plain, head)

    return {
        "sealed-stream-opener": hello + record(to_acceptor, 1, STREAM["digest"]) + record(to_acceptor, 2, STREAM["ping"]),
        "sealed-stream-acceptor": answer + record(to_opener, 1, STREAM["state"]),
    }


def main():
    vectors = {f"datagram-{name}": b"\x01" + body for name, body in DATAGRAMS.items()}
    vectors |= {f"stream-{name}": body for name, body in STREAM.items()}
    vectors["sealed-packet-1"] = packet("edge-1", 0x018C_0000_0000_00, 1, vectors["datagram-ping"])
    vectors["sealed-packet-2"] = packet("edge-1", 0x018C_0000_0000_00, 0xFFFF_FFFF_FFFF, vectors["datagram-members"])
    vectors["sealed-packet-empty"] = packet("a" * 63, 0xFFFF_FFFF_FFFF_FFFF, 2, b"")
    for name, value in (vectors | stream()).items():
        digits = value.hex()
        lines = [digits[at:at + 96] for at in range(0, len(digits), 96)]
        Path(f"{name}.hex").write_text("\n".join(lines) + "\n")


if __name__ == "__main__":
    main()
