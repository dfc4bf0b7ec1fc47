# SPDX-License-Identifier: Apache-2.0
"""An origin with a stream of four playlists, for whole watches."""

from __future__ import annotations

from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from made_media import INIT, two_parts
from made_playlists import GOOD, playlist, without


class Origin(ThreadingHTTPServer):
    """Serves four playlists, one after the other as they are asked for, and their media; `broken` is what it does wrong."""

    daemon_threads = True

    def __init__(self, broken: str) -> None:
        self.broken, self.asked = broken, set()
        super().__init__(("127.0.0.1", 0), OriginHandler)


PLAYLISTS = {"_HLS_msn=20&_HLS_part=1": playlist(10, 20, open_parts=0), "_HLS_msn=21&_HLS_part=0": playlist(11, 20),
             "_HLS_msn=21&_HLS_part=1": without(playlist(11, 21, open_parts=0), "#EXT-X-PRELOAD") + "#EXT-X-ENDLIST\n"}


class OriginHandler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        broken, asked = self.server.broken, self.server.asked
        name, _, query = self.path.strip("/").partition("?")
        first = name not in asked
        asked.add(name)
        if name == "media.m3u8":
            self.reply(200, PLAYLISTS.get(query, GOOD).encode(), "application/vnd.apple.mpegurl")
        elif ((broken == "http.status" and name == "15.m4s") or (broken == "http.removed-early" and self.command == "HEAD")
                or (broken == "hint.unserved" and name == "20.1.m4s" and first)):
            self.reply(404, b"")
        else:
            self.reply(200, INIT if name == "init.mp4" else self.media(name), "video/mp4")

    do_HEAD = do_GET

    @staticmethod
    def media(name: str) -> bytes:
        numbers = name.removesuffix(".m4s").split(".")
        parts = two_parts(int(numbers[0]), 2 * int(numbers[0]))
        return b"".join(parts) if len(numbers) == 1 else parts[int(numbers[1])]

    def reply(self, status: int, body: bytes, kind: str = "text/plain") -> None:
        self.send_response(status)
        for name, value in {"Content-Type": kind, "Content-Length": str(len(body)), "Cache-Control": "max-age=31536000",
                            "Access-Control-Allow-Origin": "*"}.items():
            self.send_header(name, value)
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        pass
