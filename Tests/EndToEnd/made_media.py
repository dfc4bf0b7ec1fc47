# SPDX-License-Identifier: Apache-2.0
"""Init sections, fragments and segments made by hand."""

from __future__ import annotations

import struct
from decimal import Decimal

from lint.model import Part, Segment


def box(kind: str, *bodies: bytes) -> bytes:
    body = b"".join(bodies)
    return struct.pack(">I4s", 8 + len(body), kind.encode()) + body


def full_box(kind: str, version: int, flags: int, *bodies: bytes) -> bytes:
    return box(kind, bytes([version]) + flags.to_bytes(3, "big"), *bodies)


def track(id: int, handler: str, timescale: int, entry: bytes) -> bytes:
    return box("trak", full_box("tkhd", 0, 3, struct.pack(">III", 0, 0, id), bytes(68)), box(
        "mdia", full_box("mdhd", 0, 0, struct.pack(">IIII", 0, 0, timescale, 0), bytes(4)),
        full_box("hdlr", 0, 0, bytes(4), handler.encode(), bytes(13)),
        box("minf", box("stbl", full_box("stsd", 0, 0, struct.pack(">I", 1), entry)))))


AVC = box("avc1", bytes(24), struct.pack(">HH", 640, 360), bytes(50), box("avcC", bytes([1, 0x64, 0, 0x1E])))
ESDS = full_box("esds", 0, 0, bytes([3, 24, 0, 0, 0, 4, 19]) + bytes(13) + bytes([5, 2, 0x11, 0x90]))
MP4A = box("mp4a", bytes(16), struct.pack(">HHII", 2, 16, 0, 48000 << 16), ESDS)
INIT = box("ftyp", b"iso6", bytes(4), b"cmfc") + box(
    "moov", full_box("mvhd", 0, 0, bytes(96)), track(1, "vide", 90000, AVC), track(2, "soun", 48000, MP4A),
    box("mvex", *(full_box("trex", 0, 0, struct.pack(">IIIII", id, 1, 0, 0, 0)) for id in (1, 2))))


def fragment(sequence: int, video_at: int, audio_at: int, frames: int = 30, sync: bool = True, frame: int = 3000) -> bytes:
    """One moof and mdat: `frames` video samples of `frame` ticks of 1/90000 s and as much audio."""
    def traf(id: int, at: int, samples: list[tuple[int, int, int]]) -> bytes:
        rows = b"".join(struct.pack(">III", *sample) for sample in samples)
        return box("traf", full_box("tfhd", 0, 0x020000, struct.pack(">I", id)),
                   full_box("tfdt", 1, 0, struct.pack(">Q", at)),
                   full_box("trun", 0, 0x701, struct.pack(">II", len(samples), 0), rows))
    video = [(frame, 10, 0 if sync and index == 0 else 0x10000) for index in range(frames)]
    audio = [(1000, 5, 0)] * (frames * frame * 48 // 90000)
    size = sum(sample[1] for sample in video + audio)
    return box("moof", full_box("mfhd", 0, 0, struct.pack(">I", sequence)), traf(1, video_at, video),
               traf(2, audio_at, audio)) + box("mdat", bytes(size))


def reference_time(track: int, civil: float, media_time: int) -> bytes:
    """When a sample was, in seconds since 1970."""
    ntp = int((civil + 2_208_988_800) * 2**32)
    return full_box("prft", 1, 24, struct.pack(">IQQ", track, ntp, media_time))


def two_parts(msn: int, sequence: int, **changes: object) -> list[bytes]:
    """Two parts of a second; the segment msn begins at 2 × msn seconds."""
    values = {"video": 0, "audio": 0, "sync": True} | changes
    begin = 180000 * msn + values["video"], 96000 * msn + values["audio"]
    return [fragment(sequence, *begin, sync=values["sync"]), fragment(sequence + 1, begin[0] + 90000, begin[1] + 48000,
                                                                     sync=values.get("second", False))]


def listed(msn: int, **changes: object) -> Segment:
    parts = [Part(f"{msn}.0", Decimal(1), independent=True), Part(f"{msn}.1", Decimal(1))]
    return Segment(msn, 0, **({"uri": f"{msn}.m4s", "duration": Decimal(2), "parts": parts, "map_uri": "init"} | changes))
