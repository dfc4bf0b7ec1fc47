# SPDX-License-Identifier: Apache-2.0
"""Good playlists to break."""

from __future__ import annotations

HEAD = """#EXTM3U
#EXT-X-VERSION:9
#EXT-X-TARGETDURATION:2
#EXT-X-SERVER-CONTROL:CAN-BLOCK-RELOAD=YES,PART-HOLD-BACK=3.0,HOLD-BACK=6.0,CAN-SKIP-UNTIL=12.0
#EXT-X-PART-INF:PART-TARGET=1.0
#EXT-X-MEDIA-SEQUENCE:{first}
#EXT-X-DISCONTINUITY-SEQUENCE:{discontinuities}
#EXT-X-INDEPENDENT-SEGMENTS
"""
MAP = '#EXT-X-MAP:URI="init.mp4"\n'


def segment(msn: int, parts: bool = True, closed: int = 2) -> str:
    text = f"#EXT-X-PROGRAM-DATE-TIME:2026-01-01T00:{msn * 2 // 60:02d}:{msn * 2 % 60:02d}.000Z\n"
    if parts:
        text += f'#EXT-X-PART:DURATION=1.00000,URI="{msn}.0.m4s",INDEPENDENT=YES\n'
        text += f'#EXT-X-PART:DURATION=1.00000,URI="{msn}.1.m4s"\n' if closed > 1 else ""
    return text + (f"#EXTINF:2.00000,\n{msn}.m4s\n" if closed == 2 else "")


def playlist(first: int = 10, last: int = 19, open_parts: int = 1, discontinuities: int = 0) -> str:
    """A good one: segments first…last, the three newest with parts, then an open segment."""
    text = HEAD.format(first=first, discontinuities=discontinuities) + MAP
    text += "".join(segment(msn, parts=msn > last - 3) for msn in range(first, last + 1))
    if open_parts:
        text += segment(last + 1, closed=0)
    return text + f'#EXT-X-PRELOAD-HINT:TYPE=PART,URI="{last + 1}.{open_parts}.m4s"\n'


GOOD = playlist()
MULTIVARIANT = """#EXTM3U
#EXT-X-VERSION:6
#EXT-X-INDEPENDENT-SEGMENTS
#EXT-X-STREAM-INF:BANDWIDTH=1000000,AVERAGE-BANDWIDTH=800000,CODECS="avc1.64001e,mp4a.40.2",RESOLUTION=640x360,\
FRAME-RATE=30.000,CLOSED-CAPTIONS=NONE
main/media.m3u8
"""


def without(text: str, start: str) -> str:
    """The text without its first line that starts so."""
    lines = text.splitlines(keepends=True)
    index = next(index for index, line in enumerate(lines) if line.startswith(start))
    return "".join(lines[:index] + lines[index + 1:])


def swapped(old: str, new: str, text: str = GOOD) -> str:
    assert old in text, old
    return text.replace(old, new, 1)
