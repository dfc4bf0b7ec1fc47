# SPDX-License-Identifier: Apache-2.0
"""Real object stores and what stands before them: SeaweedFS, nginx as a CDN, bad lines; and a reader as players are."""

from __future__ import annotations

import json
import pathlib
import subprocess
import sys
import tempfile
import threading
import time
import urllib.error
import urllib.request

import botocore.config
import botocore.session

from process import Process
from server import ROOT, free_port

STUB = ROOT / "Tests/StoreKit/store_stub.py"
ACCESS, SECRET = "millrace", "secret-of-the-tests"
BUCKET = "live"


class WebServer(Process):
    """A program that answers HTTP at a port, whatever it answers."""

    def __init__(self, command: list[object], port: int, name: str, patience: float = 10) -> None:
        super().__init__(command, self.answers, name=name, seconds=60, patience=patience)
        self.port = port

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def answers(self) -> bool:
        try:
            urllib.request.urlopen(self.url, timeout=2).close()
        except urllib.error.HTTPError:
            return True
        except OSError:
            return False
        return True


class Seaweed(WebServer):
    """SeaweedFS with a bucket: writers sign, and everybody may read."""

    def __init__(self) -> None:
        self.folder = tempfile.TemporaryDirectory(prefix="millrace-seaweed-", ignore_cleanup_errors=True)
        settings = pathlib.Path(self.folder.name) / "s3.json"
        settings.write_text(json.dumps({"identities": [
            {"name": "tests", "actions": ["Admin", "Read", "Write", "List"],
             "credentials": [{"accessKey": ACCESS, "secretKey": SECRET}]},
            {"name": "anonymous", "actions": ["Read"]}]}))
        self.config = settings
        # It would wait ten seconds for its readers.
        super().__init__([], 0, "SeaweedFS", patience=0)

    def __enter__(self) -> Seaweed:
        for attempt in range(3):
            # Each of its parts has a second port, 10 000 above the first; somebody may take one meanwhile.
            ports = [low_port() for _ in range(4)]
            self.port = ports[0]
            self.command = [
                str(pathlib.Path(sys.executable).parent / "weed"), "server", "-ip=127.0.0.1", "-ip.bind=127.0.0.1",
                f"-dir={self.folder.name}", "-master.volumeSizeLimitMB=64", f"-master.port={ports[1]}",
                f"-volume.port={ports[2]}", f"-filer.port={ports[3]}", "-volume.max=100", "-s3", f"-s3.port={ports[0]}",
                f"-s3.config={self.config}", "-master.telemetry=false",
                # They would have the same port in every store of this machine.
                "-s3.port.iceberg=0", "-s3.port.lance=0"]
            self.client = botocore.session.Session().create_client(
                "s3", region_name="us-east-1", endpoint_url=self.url, aws_access_key_id=ACCESS, aws_secret_access_key=SECRET,
                config=botocore.config.Config(s3={"addressing_style": "path"}, retries={"max_attempts": 1}))
            try:
                return super().__enter__()
            except AssertionError:
                if attempt == 2:
                    raise

    def answers(self) -> bool:
        """With its bucket, which it takes some time after it listens."""
        if not super().answers():
            return False
        try:
            self.client.create_bucket(Bucket=BUCKET)
        except Exception as failure:
            return "BucketAlready" in type(failure).__name__
        return True

    def keys(self, prefix: str = "") -> list[str]:
        pages = self.client.get_paginator("list_objects_v2").paginate(Bucket=BUCKET, Prefix=prefix)
        return [each["Key"] for page in pages for each in page.get("Contents", [])]

    def settings(self, port: int | None = None) -> dict[str, object]:
        """A node's, to be reached at another port where a bad line is between."""
        return self.account(port or self.port)

    @staticmethod
    def account(port: int) -> dict[str, object]:
        """The settings of a node whose store is at a port."""
        return {"STORAGE_KIND": "s3", "STORAGE_ENDPOINT": f"http://127.0.0.1:{port}",
                "STORAGE_BUCKET": BUCKET, "STORAGE_ACCOUNT": ACCESS, "STORAGE_SECRET": SECRET}

    @property
    def base(self) -> str:
        """Where everybody reads."""
        return f"{self.url}/{BUCKET}"


class Nginx(WebServer):
    """Debian's nginx in a folder of its own. `http` is what its http block says beside where its files are; FILES in it is
    that folder."""

    def __init__(self, port: int, http: str) -> None:
        self.folder = tempfile.TemporaryDirectory(prefix="millrace-nginx-", ignore_cleanup_errors=True)
        self.files = files = pathlib.Path(self.folder.name)
        files.chmod(0o755)
        (files / "nginx.conf").write_text(f"""
            daemon off; pid {files}/pid; error_log {files}/error.log; worker_processes 1;
            worker_rlimit_nofile 16384; events {{ worker_connections 8192; }}
            http {{
              proxy_cache_path {files}/cache keys_zone=media:10m; proxy_temp_path {files}/proxy;
              client_body_temp_path {files}/body; fastcgi_temp_path {files}/f; uwsgi_temp_path {files}/u;
              scgi_temp_path {files}/s;
              {http.replace("FILES", str(files))}
            }}""")
        super().__init__(["nginx", "-c", files / "nginx.conf", "-p", files, "-e", files / "error.log"], port, "nginx")

    def __exit__(self, *failure: object) -> None:
        super().__exit__(*failure)
        self.folder.cleanup()


class StoreCache(Nginx):
    """nginx before a store, as a CDN: it caches what the store says may be cached. `/page.html#URL` plays."""

    def __init__(self, base: str) -> None:
        port = free_port()
        super().__init__(port, f"""
              access_log off; types {{ text/html html; }}
              server {{
                listen 127.0.0.1:{port};
                location = /page.html {{ root FILES; }}
                location / {{ proxy_pass {base}/; proxy_http_version 1.1; proxy_cache media; proxy_cache_lock on;
                              proxy_cache_valid 404 1s; add_header X-Cache $upstream_cache_status; }}
              }}""")
        (self.files / "page.html").write_text(
            "<!doctype html><video id=v muted autoplay playsinline></video>"
            "<script>v.src = location.hash.slice(1); v.play()</script>")


def bad_line(port: int, percent: int, at: int | None = None) -> WebServer:
    """A line to a server on which so many of the requests fail: before it, behind it, or cut off."""
    own = at or low_port()
    return WebServer([sys.executable, STUB, "faults", own, port, percent], own, "the bad line")


def refusing(at: int, status: int, code: str) -> WebServer:
    """A store that answers every request with a status and S3's word for it."""
    return WebServer([sys.executable, STUB, "refusing", at, status, code], at, "the refusing store")


class SmallDisk:
    """A file system of so many bytes, as a context manager; its path."""

    def __init__(self, size: int) -> None:
        self.size, self.folder = size, tempfile.TemporaryDirectory(prefix="millrace-disk-")

    def __enter__(self) -> SmallDisk:
        self.mount(f"size={self.size}")
        return self

    def __exit__(self, *_: object) -> None:
        subprocess.run(["umount", "-l", self.path], check=True)
        self.folder.cleanup()

    def grow(self, size: int) -> None:
        self.mount(f"remount,size={size}")

    def mount(self, options: str) -> None:
        subprocess.run(["mount", "-t", "tmpfs", "-o", options, "tmpfs", self.path], check=True)

    @property
    def path(self) -> str:
        return self.folder.name


def low_port() -> int:
    """A free port that has a free one 10 000 above, below those that the kernel gives to anybody."""
    import random
    import socket
    while True:
        port = random.randrange(10_000, 20_000)
        try:
            with socket.socket() as one, socket.socket() as other:
                one.bind(("127.0.0.1", port))
                other.bind(("127.0.0.1", port + 10_000))
            return port
        except OSError:
            continue


def fetch(url: str, timeout: float = 10) -> bytes | None:
    """An object; None where there is none."""
    for _ in range(3):
        try:
            with urllib.request.urlopen(url, timeout=timeout) as answer:
                return answer.read()
        except urllib.error.HTTPError as failure:
            if failure.code == 404:
                return None
        except OSError:
            pass
        time.sleep(0.2)
    raise AssertionError(f"{url} does not answer")


class Listing:
    """A media playlist as lines: the URIs in order, those that are gaps, init sections, whether it has ended."""

    def __init__(self, text: str) -> None:
        assert text.startswith("#EXTM3U\n"), text[:100]
        self.text, self.segments, self.gaps, self.maps = text, [], [], []
        self.durations: list[float] = []
        self.ended = "\n#EXT-X-ENDLIST" in text
        is_gap, duration = False, 0.0
        for line in text.splitlines():
            if line.startswith("#EXT-X-MAP:URI="):
                self.maps.append(line.split('"')[1])
            elif line.startswith("#EXTINF:"):
                duration = float(line[8:].rstrip(","))
            elif line == "#EXT-X-GAP":
                is_gap = True
            elif line and not line.startswith("#"):
                self.segments.append(line)
                self.durations.append(duration)
                if is_gap:
                    self.gaps.append(line)
                is_gap = False

    @property
    def numbers(self) -> list[int]:
        return [int(name.rpartition("/")[2].partition(".")[0]) for name in self.segments]


def newest(base: str, name: str, app: str = "live") -> tuple[str, Listing] | None:
    """The newest recording of a stream as a player finds it: the URL of its media playlist, and what that says."""
    index = fetch(f"{base}/{app}/{name}/index.m3u8")
    if index is None:
        return None
    uri = next(line for line in index.decode().splitlines() if line and not line.startswith("#"))
    url = f"{base}/{app}/{name}/{uri}"
    text = fetch(url)
    assert text is not None, f"{uri} is listed and is not there"
    return url, Listing(text.decode())


class Reader(threading.Thread):
    """Polls a stream in a store as a player would: all that a playlist lists must be there when it is seen, and a
    playlist is only added to."""

    def __init__(self, base: str, name: str) -> None:
        super().__init__(daemon=True)
        self.base, self.name = base, name
        self.violations: list[str] = []
        self.polls, self.seen = 0, 0
        self.over = threading.Event()

    def run(self) -> None:
        last: Listing | None = None
        while not self.over.is_set():
            try:
                last = self.poll(last)
            except Exception as failure:
                self.violations.append(repr(failure))
            self.over.wait(0.25)

    def poll(self, last: Listing | None) -> Listing | None:
        found = newest(self.base, self.name)
        self.polls += 1
        if found is None:
            return last
        url, listing = found
        known = last.segments if last else []
        if listing.segments[:len(known)] != known:
            self.violations.append(f"the playlist changed: {known[-2:]} became {listing.segments[-2:]}")
        if last and not set(listing.gaps) >= set(last.gaps):
            self.violations.append("a gap that was listed was filled")
        for uri in [*listing.maps[len(last.maps) if last else 0:], *listing.segments[len(known):]]:
            if uri not in listing.gaps and not fetch(f"{url.rpartition('/')[0]}/{uri}"):
                self.violations.append(f"{uri} is listed and is not there")
        self.seen = len(listing.segments)
        return listing

    def stop(self) -> None:
        self.over.set()
        self.join(60)


def quantile(samples: dict[str, float], family: str, share: float) -> float:
    """The upper bound of the bucket in which a share of a histogram's observations lie, in its unit."""
    buckets: dict[float, float] = {}
    for name, value in samples.items():
        if name.startswith(f"{family}_bucket"):
            bound = float(name.partition('le="')[2].partition('"')[0].replace("+Inf", "inf"))
            buckets[bound] = buckets.get(bound, 0) + value
    total = buckets.get(float("inf"), 0)
    assert total > 0, f"{family} has no observations"
    return next(bound for bound, count in sorted(buckets.items()) if count >= share * total)
