#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Measures what Millrace answers over HTTP beside Debian's nginx, by turns in one run: the server on core 0, wrk on core 1.
Millrace serves a live stream through its whole media path; nginx serves the same bytes as files in memory. Playlists of
about 1 KB and segments of 500 KB at 64, 1000 and 10 000 keep-alive connections; then TLS, and HTTP/2 where h2load is there.
What this machine can not do, or a server did not bear, is said on the page, and nothing is told of it.
`scripts/bench http` calls this and writes docs/results/http.md."""

import argparse
import os
import re
import resource
import shutil
import ssl
import subprocess
import sys
import tempfile
import threading
import time
import urllib.error
import urllib.request
from pathlib import Path

from cores import LOAD_CORE, SERVER_CORE, TICK, core_busy, free_ports, hand_over, stat, tree
from web_page import Page, line

ROOT = Path(__file__).resolve().parent.parent
CLIP = ROOT / ".tools/clips/bench-2m.flv"
# Files that a process of server or load needs beside its connections.
SPARE_FILES = 200
# Handshakes a second that a server and its load are given time for, where connections begin with one.
HANDSHAKES = 500
# A playlist of about 1 KB lists three segments; segments must stay while they are measured.
WINDOWS = {"playlist": 3, "segment": 20}


class CouldNotRun(Exception):
    """Why there is nothing to tell of a turn."""


def main():
    options = arguments()
    clip()
    turns, missing = [], [*options.missing]
    with tempfile.TemporaryDirectory(prefix="millrace-bench-", dir="/dev/shm") as folder:
        certificate = certify(Path(folder))
        for number in range(options.rounds):
            for what, scheme, connections in options.cases:
                # Neither is always the first, nor always on a machine that the other has warmed.
                for kind in (Millrace, Nginx)[::-1 if number % 2 else 1]:
                    home = Path(folder) / f"{kind.name}-{what}-{scheme}-{connections}-{number}"
                    home.mkdir()
                    try:
                        with kind(home, options, certificate, what, scheme != "http") as server:
                            turns.append(measure(server, what, scheme, connections, options))
                        print(line(turns[-1]), file=sys.stderr, flush=True)
                    except CouldNotRun as reason:
                        missing.append((what, scheme, connections, f"turn {number + 1} of {kind.name}: {reason}"))
                        print(*missing[-1], file=sys.stderr, flush=True)
                    shutil.rmtree(home)
    page = Page(turns, missing, options.cases, options.seconds, options.rounds, HANDSHAKES)
    status = hand_over("http.md", page.text(), turns, options, Millrace.name)
    # Of what no machine of this size can do nobody is guilty; a turn that failed is a failure.
    return status or int(len(missing) > len(options.missing) or bool(page.missed()) and not options.short)


def arguments():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--connections", type=numbers, default=[64, 1000, 10_000])
    parser.add_argument("--seconds", type=int, default=6, help="of load in a turn")
    parser.add_argument("--rounds", type=int, default=3, help="turns of each server and case")
    parser.add_argument("--plain", action="store_true", help="neither TLS nor HTTP/2")
    parser.add_argument("--short", action="store_true", help="64 connections, one round of 2 s: does it run at all")
    parser.add_argument("--output", type=Path, help="a folder for http.md; docs/results without --short")
    parser.add_argument("--json", type=Path, help="a file for all figures")
    parser.add_argument("--millrace", type=Path, default=ROOT / ".build/release/millrace")
    parser.add_argument("--load", type=Path, default=ROOT / ".build/release/millrace-load")
    options = parser.parse_args()
    if options.short:
        options.connections, options.seconds, options.rounds = [64], 2, 1
    elif options.output is None:
        options.output = ROOT / "docs/results"
    schemes = ["http"] + ([] if options.plain else ["https", "h2"])
    options.cases, options.missing = possible(
        [(what, scheme, connections) for scheme in schemes for what in ("playlist", "segment")
         for connections in options.connections])
    for program in (options.millrace, options.load):
        if not program.exists():
            sys.exit(f"{program} is missing: make bench http")
    for program in ("wrk", "nginx", "openssl"):
        if not shutil.which(program):
            sys.exit(f"{program} is missing: scripts/setup bench")
    return options


def possible(cases):
    """Those that this machine can run, and the others with the reason. Files are allowed to this process and its children as far
    as the system lets it."""
    _, files = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (files, files))
    run, missing = [], []
    for what, scheme, connections in cases:
        if scheme == "h2" and not shutil.which("h2load"):
            missing.append((what, scheme, connections, "there is no h2load here: scripts/setup bench"))
        elif files != resource.RLIM_INFINITY and files < connections + SPARE_FILES:
            missing.append((what, scheme, connections, f"a process may open {files} files here (ulimit -Hn)"))
        else:
            run.append((what, scheme, connections))
    return run, missing


def numbers(text):
    return [int(word) for word in text.split(",")]


def clip():
    """1280x720 at 30 frames a second, 2 Mbit/s with its sound, an IDR each 2 s: segments of 500 KB."""
    if CLIP.exists():
        return
    CLIP.parent.mkdir(parents=True, exist_ok=True)
    part = CLIP.with_suffix(".part")
    subprocess.run(
        ["ffmpeg", "-hide_banner", "-loglevel", "error", "-y",
         "-f", "lavfi", "-i", "testsrc2=size=1280x720:rate=30", "-f", "lavfi", "-i", "sine=sample_rate=44100",
         "-t", "20", "-c:v", "libx264", "-preset", "veryfast", "-profile:v", "baseline", "-pix_fmt", "yuv420p",
         "-b:v", "1900k", "-minrate", "1900k", "-maxrate", "1900k", "-bufsize", "950k", "-x264-params", "nal-hrd=cbr",
         "-g", "60", "-keyint_min", "60", "-sc_threshold", "0", "-c:a", "aac", "-b:a", "96k", "-ac", "2", "-f", "flv",
         str(part)], check=True)
    part.rename(CLIP)


def certify(folder):
    """A certificate of its own for both servers: ECDSA, as most of the web has it."""
    certificate, key = folder / "certificate.pem", folder / "key.pem"
    subprocess.run(
        ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-days", "2",
         "-subj", "/CN=localhost", "-keyout", str(key), "-out", str(certificate)], check=True, capture_output=True)
    return certificate, key


# One turn of one server.


def measure(server, what, scheme, connections, options):
    url = server.target(what)
    seconds = options.seconds + (0 if scheme == "http" else connections // HANDSHAKES)
    with Held(server) as held:
        before, busy, start = server.cpu(), core_busy(), time.monotonic()
        done = h2load(url, connections, seconds) if scheme == "h2" else wrk(url, connections, seconds)
    elapsed, used, busy = time.monotonic() - start, server.cpu() - before, core_busy() - busy
    return {
        "server": server.name, "what": what, "scheme": scheme, "connections": connections, "bytes": server.size,
        "held": held.most,
        "cpu_percent": 100 * used / elapsed, "memory_mib": server.most_memory(),
        "answer_us": 1e6 * used / done["answers"] if done["answers"] else 0.0,
        # What else ran on the server's core; a server that is kept waiting does less.
        "others_percent": max(0.0, 100 * (busy - used) / elapsed),
        # A load that says nothing of connections that it never had measures fewer than it was told to.
        "sound": done["answers"] > 0 and done["failed"] == 0 and held.most >= connections - max(2, connections // 100),
        **done,
    }


class Held:
    """How many more files the server's processes have open, at most, than before: its connections."""

    def __init__(self, server):
        self.server, self.most, self.before = server, 0, self.count(server)
        self.done = threading.Event()
        self.thread = threading.Thread(target=self.look, daemon=True)

    def __enter__(self):
        self.thread.start()
        return self

    def __exit__(self, *_):
        self.done.set()
        self.thread.join()

    def look(self):
        while not self.done.wait(0.5):
            self.most = max(self.most, self.count(self.server) - self.before)

    @staticmethod
    def count(server):
        try:
            return sum(len(os.listdir(f"/proc/{pid}/fd")) for pid in tree(server.process.pid))
        except OSError:
            return 0


def wrk(url, connections, seconds):
    command = ["taskset", "-c", LOAD_CORE, "wrk", "-t1", f"-c{connections}", f"-d{seconds}s", "--latency", "--timeout", "20s",
               url]
    text = output(command, seconds)
    failed = sum(map(int, re.findall(r"(?:connect|read|write|timeout) (\d+)", text)))
    failed += sum(map(int, re.findall(r"Non-2xx or 3xx responses: (\d+)", text)))
    return {"answers": int(re.search(r"(\d+) requests in", text)[1]), "failed": failed,
            "rate": float(re.search(r"Requests/sec:\s+([\d.]+)", text)[1]),
            "p50_ms": milliseconds(re.search(r"50%\s+(\S+)", text)[1]),
            "p99_ms": milliseconds(re.search(r"99%\s+(\S+)", text)[1])}


def h2load(url, connections, seconds):
    """Two requests at a time on each connection, as a player has a playlist and a part under way."""
    command = ["taskset", "-c", LOAD_CORE, "h2load", "-t1", f"-c{connections}", "-m2", f"-D{seconds}", url]
    text = output(command, seconds)
    counts = re.search(r"requests: \d+ total, \d+ started, \d+ done, (\d+) succeeded, (\d+) failed", text)
    # The longest, the mean: percentiles it does not tell.
    times = re.search(r"time for request:\s+\S+\s+(\S+)\s+(\S+)", text)
    if not counts or not times:
        raise CouldNotRun(f"h2load said nothing that is understood: {text[-200:]!r}")
    return {"answers": int(counts[1]), "failed": int(counts[2]), "rate": int(counts[1]) / seconds,
            "p50_ms": milliseconds(times[2]), "p99_ms": milliseconds(times[1])}


def output(command, seconds):
    """What a load says; how it failed where it did, or did not end in time."""
    name = command[3]
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=seconds + 120)
    except subprocess.TimeoutExpired:
        raise CouldNotRun(f"{name} did not end") from None
    if done.returncode or not done.stdout:
        raise CouldNotRun(f"{name} ended with {done.returncode}: {(done.stderr or done.stdout)[-200:].strip()!r}")
    return done.stdout


def milliseconds(text):
    value, unit = re.fullmatch(r"([\d.]+)(us|ms|s|m)", text).groups()
    return float(value) * {"us": 1e-3, "ms": 1, "s": 1e3, "m": 6e4}[unit]


class Server:
    """A server on core 0, as a context manager that ends what it started."""

    def __init__(self, home, options, certificate, what, is_secure):
        self.home, self.options, self.what, self.children, self.size = home, options, what, [], 0
        self.certificate, self.key = certificate
        self.is_secure = is_secure
        self.port, self.rtmp_port = free_ports(2)
        self.base = f"{'https' if is_secure else 'http'}://127.0.0.1:{self.port}"

    def __enter__(self):
        try:
            self.begin()
        except BaseException:
            self.__exit__()
            raise
        return self

    def __exit__(self, *_):
        for process in reversed(self.children):
            process.terminate()
            try:
                process.wait(10)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()

    def start(self, command, core, name, environment=None):
        with open(self.home / f"{name}.log", "wb") as log:
            process = subprocess.Popen(["taskset", "-c", core, *map(str, command)], stdout=log, stderr=log, cwd=self.home,
                                       env=environment)
        self.children.append(process)
        return process

    def get(self, path):
        context = ssl.create_default_context(cafile=str(self.certificate)) if self.is_secure else None
        if context:
            context.check_hostname = False
        with urllib.request.urlopen(self.base + path, timeout=5, context=context) as answer:
            return answer.read()

    def wait(self, path, what):
        deadline = time.monotonic() + 40
        while time.monotonic() < deadline:
            try:
                if what(self.get(path).decode()):
                    return
            except (OSError, urllib.error.HTTPError):
                pass
            time.sleep(0.2)
        raise CouldNotRun(f"{self.name} does not answer {path}: {(self.home / 'server.log').read_text()[-300:].strip()!r}")

    def cpu(self):
        """Seconds of CPU time of the whole process tree, user and system."""
        return sum(sum(map(int, stat(pid)[11:13])) for pid in tree(self.process.pid)) / TICK

    def most_memory(self):
        """The most resident MiB that the processes of the tree have had: when all connections were there, which now are gone."""
        return sum(int(re.search(r"VmHWM:\s+(\d+) kB", Path(f"/proc/{pid}/status").read_text())[1])
                   for pid in tree(self.process.pid)) / 1024


class Millrace(Server):
    name = "millrace"
    playlist = "/live/bench/main/media.m3u8"

    def begin(self):
        foreign = {name: value for name, value in os.environ.items() if not name.startswith("MILLRACE_")}
        tls = {"MILLRACE_HTTP_TLS_CERTIFICATE": str(self.certificate), "MILLRACE_HTTP_TLS_KEY": str(self.key)}
        self.process = self.start([self.options.millrace, "serve"], SERVER_CORE, "server", foreign | {
            "MILLRACE_HTTP_HOST": "127.0.0.1", "MILLRACE_HTTP_PORT": str(self.port), "MILLRACE_RTMP_HOST": "127.0.0.1",
            "MILLRACE_RTMP_PORT": str(self.rtmp_port), "MILLRACE_RTP_ENABLED": "false", "MILLRACE_WEBRTC_ENABLED": "false",
            "MILLRACE_RTMP_TLS_PORT": str(free_ports(1)[0]),
            "MILLRACE_HLS_WINDOW": str(WINDOWS[self.what]), "MILLRACE_HLS_PART": "1s"} | (tls if self.is_secure else {}))
        self.wait("/ready", lambda _: True)
        self.start([self.options.load, "publish", "rtmp", "--url", f"rtmp://127.0.0.1:{self.rtmp_port}/live", "--name", "bench",
                    "--file", CLIP, "--seconds", 600], LOAD_CORE, "publish")
        self.wait(self.playlist, lambda text: text.count("#EXTINF") >= 3)

    def target(self, what):
        text = self.get(self.playlist).decode()
        if what == "playlist":
            self.size = len(text)
            return self.base + self.playlist
        names = re.findall(r"^(\S+/\d+\.m4s)$", text, re.MULTILINE)
        path = f"/live/bench/main/{names[-1]}"
        self.size = len(self.get(path))
        return self.base + path


class Nginx(Server):
    name = "nginx"

    def begin(self):
        shape = Shapes.of(self)
        (self.home / "media").mkdir()
        (self.home / "media/file.m3u8").write_bytes(shape["playlist"])
        (self.home / "media/file.m4s").write_bytes(shape["segment"])
        secure = f"ssl_certificate {self.certificate}; ssl_certificate_key {self.key};" if self.is_secure else ""
        settings = self.home / "nginx.conf"
        settings.write_text(NGINX.format(home=self.home, port=self.port, kind=" ssl http2" if self.is_secure else "",
                                         secure=secure))
        self.process = self.start(["nginx", "-p", self.home, "-c", settings], SERVER_CORE, "server")
        self.wait("/file.m3u8", lambda text: text.startswith("#EXTM3U"))

    def target(self, what):
        name = {"playlist": "file.m3u8", "segment": "file.m4s"}[what]
        self.size = (self.home / "media" / name).stat().st_size
        return f"{self.base}/{name}"


class Shapes:
    """What nginx serves: as large as what Millrace serves of the same clip."""

    known = {}

    @classmethod
    def of(cls, server):
        if not cls.known:
            for what in WINDOWS:
                home = server.home / f"shape-{what}"
                home.mkdir()
                with Millrace(home, server.options, (server.certificate, server.key), what, False) as other:
                    cls.known[what] = other.get(other.target(what).removeprefix(other.base))
        return cls.known


# One worker, files in memory, no log, and connections that are kept for as long as wrk likes.
NGINX = """\
user root;
worker_processes 1;
worker_rlimit_nofile 20000;
daemon off;
pid {home}/nginx.pid;
error_log {home}/error.log warn;
events {{ worker_connections 15000; multi_accept on; }}
http {{
    access_log off;
    sendfile on;
    tcp_nopush on;
    tcp_nodelay on;
    open_file_cache max=100;
    open_file_cache_valid 60s;
    keepalive_requests 1000000000;
    keepalive_timeout 300s;
    client_body_temp_path {home}/body;
    proxy_temp_path {home}/proxy;
    fastcgi_temp_path {home}/fastcgi;
    uwsgi_temp_path {home}/uwsgi;
    scgi_temp_path {home}/scgi;
    server {{
        listen 127.0.0.1:{port}{kind} backlog=4096;
        {secure}
        root {home}/media;
        types {{ application/vnd.apple.mpegurl m3u8; video/mp4 m4s; }}
    }}
}}
"""


if __name__ == "__main__":
    sys.exit(main())
