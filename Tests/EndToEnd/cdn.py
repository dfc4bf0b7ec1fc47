# SPDX-License-Identifier: Apache-2.0
"""Debian's nginx as a CDN before a node, and viewers by the thousand that cost next to nothing."""

from __future__ import annotations

import asyncio
import collections
import dataclasses
import re
import resource
import urllib.parse

from stores import Nginx

# What nginx and the node both know; at least 16 bytes.
SECRET = "a secret between us"


class Cdn(Nginx):
    """nginx with `proxy_cache` before a node: one request upstream for each URL, and with `signed` only for who bears a
    grant of ours in the path."""

    def __init__(self, upstream: str, port: int, signed: bool = False) -> None:
        open_to_all = """
            location / { rewrite ^ /granted$uri last; }"""
        granted = f"""
            location / {{ return 403; }}
            location ~ "^/~s/(?<code>[A-Za-z0-9_-]{{22}})/(?<end>[0-9]+)(?<grant>/[^/]+/[^/]+/)(?<name>.+)$" {{
              secure_link $code,$end;
              secure_link_md5 "$end$grant {SECRET}";
              if ($secure_link = "") {{ return 403; }}
              if ($secure_link = "0") {{ return 410; }}
              rewrite ^ /granted$grant$name last;
            }}"""
        super().__init__(port, f"""
              log_format asked '$upstream_cache_status|$upstream_addr|$status|$request_uri';
              access_log FILES/access.log asked;
              keepalive_requests 1000000;
              upstream edge {{ server {urllib.parse.urlsplit(upstream).netloc}; keepalive 64; }}
              server {{
                listen 127.0.0.1:{port} backlog=4096;
                {granted if signed else open_to_all}
                location /granted/ {{
                  internal; rewrite ^/granted(/.*)$ $1 break; proxy_pass http://edge;
                  proxy_http_version 1.1; proxy_set_header Connection ""; proxy_read_timeout 30s;
                  proxy_cache media; proxy_cache_key $uri$is_args$args; proxy_cache_lock on;
                  proxy_cache_lock_timeout 25s; proxy_cache_lock_age 25s; add_header X-Cache $upstream_cache_status;
                }}
              }}""")

    def asked(self) -> list[Asked]:
        """All requests so far."""
        return [Asked(*line.split("|", 3)) for line in (self.files / "access.log").read_text().splitlines()]


@dataclasses.dataclass(frozen=True)
class Asked:
    """A request as nginx has logged it."""

    cache: str
    upstream: str
    status: str
    uri: str

    @property
    def is_segment(self) -> bool:
        return re.search(r"/\d+\.m4s$", self.uri) is not None

    @property
    def is_shared(self) -> bool:
        """Whether all who ask for it get the same, for good: all but playlists as they are now."""
        return self.uri.endswith(".m4s") or "_HLS_msn=" in self.uri


def upstream_requests(asked: list[Asked]) -> dict[str, int]:
    """How often each URL that never changes was asked of the node."""
    counts: dict[str, int] = collections.Counter(
        each.uri for each in asked if each.is_shared and each.status == "200" and each.upstream != "-")
    return counts


def hit_ratio(asked: list[Asked]) -> tuple[int, float]:
    """Of the requests for segments: how many, and the share that the node did not see."""
    segments = [each for each in asked if each.is_segment and each.status == "200"]
    return len(segments), sum(each.upstream == "-" for each in segments) / max(1, len(segments))


HINT = re.compile(rb'#EXT-X-PRELOAD-HINT:TYPE=PART,URI="([0-9a-f-]+)/(\d+)\.(\d+)\.m4s"')


@dataclasses.dataclass
class Crowd:
    """Viewers that ask for each next part as hls.js does, and for each whole segment as players without parts do."""

    url: str
    viewers: int
    answers: int = 0
    complaints: collections.Counter = dataclasses.field(default_factory=collections.Counter)

    def run(self, seconds: float) -> Crowd:
        soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
        resource.setrlimit(resource.RLIMIT_NOFILE, (min(hard, max(soft, 4 * self.viewers)), hard))
        asyncio.run(self.watch(seconds))
        return self

    async def watch(self, seconds: float) -> None:
        end = asyncio.get_running_loop().time() + seconds
        await asyncio.gather(*(self.view(end, number) for number in range(self.viewers)))

    async def view(self, end: float, number: int) -> None:
        loop = asyncio.get_running_loop()
        # They come within two seconds.
        await asyncio.sleep(2 * number / self.viewers)
        parts = urllib.parse.urlsplit(self.url)
        folder = parts.path.rpartition("/")[0]
        try:
            connection = await asyncio.open_connection(parts.hostname, parts.port)
            text = await self.get(connection, parts.path)
            while loop.time() < end:
                hint = HINT.search(text)
                if hint is None:
                    self.complaints["no hint"] += 1
                    break
                term, msn, part = hint[1].decode(), int(hint[2]), int(hint[3])
                text = await self.get(connection, f"{parts.path}?_HLS_msn={msn}&_HLS_part={part}")
                await self.get(connection, f"{folder}/{term}/{msn}.{part}.m4s")
                if part == 0:
                    await self.get(connection, f"{folder}/{term}/{msn - 1}.m4s")
            connection[1].close()
        except (OSError, asyncio.IncompleteReadError, asyncio.TimeoutError) as failure:
            self.complaints[repr(failure)] += 1

    async def get(self, connection: tuple, path: str) -> bytes:
        reader, writer = connection
        writer.write(f"GET {path} HTTP/1.1\r\nHost: cdn\r\n\r\n".encode())
        async with asyncio.timeout(30):
            head = await reader.readuntil(b"\r\n\r\n")
            body = await self.body(reader, head.lower())
        self.answers += 1
        if not head.startswith(b"HTTP/1.1 200 "):
            self.complaints[f"{head[9:12].decode()} {re.sub(r'[0-9]+', 'n', path)}"] += 1
        return body

    async def body(self, reader: asyncio.StreamReader, head: bytes) -> bytes:
        if b"transfer-encoding: chunked" not in head:
            return await reader.readexactly(int(re.search(rb"content-length: (\d+)", head)[1]))
        body = b""
        while length := int(await reader.readline(), 16):
            body += (await reader.readexactly(length + 2))[:-2]
        await reader.readline()
        return body
