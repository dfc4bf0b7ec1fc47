#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Measures what Millrace answers over HTTP beside Debian's nginx, by turns in one run: the server on core 0, wrk on core 1.
Millrace serves a live stream through its whole media path; nginx serves the same bytes as files in memory. Playlists of
about 1 KB and segments of 500 KB at 64, 1000 and 10 000 keep-alive connections; then TLS, and HTTP/2 where h2load is there.
`scripts/bench http` calls this and writes docs/results/http.md."""

import argparse
import os
import re
import shutil
import ssl
import statistics
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
from pathlib import Path

from cores import DISTURBED, LOAD_CORE, SERVER_CORE, TICK, core_busy, free_ports, hand_over, machine

ROOT = Path(__file__).resolve().parent.parent
CLIP = ROOT / ".tools/clips/bench-2m.flv"
# A playlist of about 1 KB lists three segments; segments must stay while they are measured.
WINDOWS = {"playlist": 3, "segment": 20}


def main():
    options = arguments()
    clip()
    turns = []
    with tempfile.TemporaryDirectory(prefix="millrace-bench-", dir="/dev/shm") as folder:
        certificate = certify(Path(folder))
        for number in range(options.rounds):
            for what, scheme, connections in options.cases:
                # Neither is always the first, nor always on a machine that the other has warmed.
                for kind in (Millrace, Nginx)[::-1 if number % 2 else 1]:
                    home = Path(folder) / f"{kind.name}-{what}-{scheme}-{connections}-{number}"
                    home.mkdir()
                    with kind(home, options, certificate, what, scheme != "http") as server:
                        turns.append(measure(server, what, scheme, connections, options))
                    print(line(turns[-1]), file=sys.stderr, flush=True)
                    shutil.rmtree(home)
    return hand_over("http.md", markdown(turns, options), turns, options, Millrace.name)


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
    schemes = ["http"] + ([] if options.plain else ["https"] + (["h2"] if shutil.which("h2load") else []))
    options.cases = [(what, scheme, connections) for scheme in schemes for what in ("playlist", "segment")
                     for connections in options.connections if scheme == "http" or connections <= 1000]
    for program in (options.millrace, options.load):
        if not program.exists():
            sys.exit(f"{program} is missing: make bench http")
    for program in ("wrk", "nginx", "openssl"):
        if not shutil.which(program):
            sys.exit(f"{program} is missing: scripts/setup bench")
    return options


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
    before, busy, start = server.cpu(), core_busy(), time.monotonic()
    if scheme == "h2":
        done = h2load(url, connections, options.seconds)
    else:
        done = wrk(url, connections, options.seconds)
    elapsed, used, busy = time.monotonic() - start, server.cpu() - before, core_busy() - busy
    return {
        "server": server.name, "what": what, "scheme": scheme, "connections": connections, "bytes": server.size,
        "cpu_percent": 100 * used / elapsed, "memory_mib": server.most_memory(),
        "answer_us": 1e6 * used / done["answers"] if done["answers"] else 0.0,
        # What else ran on the server's core; a server that is kept waiting does less.
        "others_percent": max(0.0, 100 * (busy - used) / elapsed),
        "sound": done["answers"] > 0 and done["failed"] == 0, **done,
    }


def wrk(url, connections, seconds):
    command = ["taskset", "-c", LOAD_CORE, "wrk", "-t1", f"-c{connections}", f"-d{seconds}s", "--latency", "--timeout", "20s",
               url]
    text = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    failed = sum(map(int, re.findall(r"(?:connect|read|write|timeout) (\d+)", text)))
    failed += sum(map(int, re.findall(r"Non-2xx or 3xx responses: (\d+)", text)))
    return {"answers": int(re.search(r"(\d+) requests in", text)[1]), "failed": failed,
            "rate": float(re.search(r"Requests/sec:\s+([\d.]+)", text)[1]),
            "p50_ms": milliseconds(re.search(r"50%\s+(\S+)", text)[1]),
            "p99_ms": milliseconds(re.search(r"99%\s+(\S+)", text)[1])}


def h2load(url, connections, seconds):
    """As many streams, ten on each connection, as players of one page would have them."""
    command = ["taskset", "-c", LOAD_CORE, "h2load", "-t1", f"-c{max(1, connections // 10)}", "-m10", f"-D{seconds}", url]
    text = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    counts = re.search(r"requests: \d+ total, \d+ started, \d+ done, (\d+) succeeded, (\d+) failed", text)
    # The longest, the mean: percentiles it does not tell.
    times = re.search(r"time for request:\s+\S+\s+(\S+)\s+(\S+)", text)
    return {"answers": int(counts[1]), "failed": int(counts[2]), "rate": int(counts[1]) / seconds,
            "p50_ms": milliseconds(times[2]), "p99_ms": milliseconds(times[1])}


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
        sys.exit(f"{self.name} does not answer {path}: {(self.home / 'server.log').read_text()[-2000:]}")

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


def tree(pid):
    """A process and all below it."""
    found = [pid]
    for task in Path(f"/proc/{pid}/task").glob("*/children"):
        for child in task.read_text().split():
            found += tree(int(child))
    return found


def stat(pid):
    """The fields of /proc/PID/stat from the third on; the second may hold spaces."""
    return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()


# What is said of it.

FIGURES = {"requests a second": ("rate", 0), "of its core, %": ("cpu_percent", 0), "CPU, µs an answer": ("answer_us", 1),
           "p50, ms": ("p50_ms", 2), "p99, ms": ("p99_ms", 1), "most RSS, MiB": ("memory_mib", 0)}
# Millrace's requests a second, of nginx's: goals by what is served over HTTP, and over TLS.
GOALS = {"playlist": 1.0, "segment": 0.9}
SECURE_GOAL = 0.5
# A server that has less to do waits for the load, and its rate is the load's.
SATURATED = 95


def line(one):
    return (f"{one['server']:<9} {one['scheme']:<5} {one['what']:<8} {one['connections']:>6}  {one['rate']:>9.0f}/s  "
            f"{one['answer_us']:>6.1f} us  {one['bytes']} B, {one['cpu_percent']:.0f} % busy, others {one['others_percent']:.0f} %"
            f"{'' if one['sound'] else ', NOT SOUND: ' + str(one['failed'])}")


def markdown(turns, options):
    rows = [f"# Over HTTP, beside nginx\n\n{len(turns) // (2 * len(options.cases))} turns of {options.seconds} s each. {machine(nginx_version())}",
            "", "| what | connections | server | bytes | " + " | ".join(FIGURES) + " | turns that count |",
            "|---" * (len(FIGURES) + 5) + "|"]
    ratios = []
    for what, scheme, connections in options.cases:
        rates, costs, busy = {}, {}, {}
        for kind in (Millrace, Nginx):
            every = [one for one in turns
                     if (one["server"], one["what"], one["scheme"], one["connections"]) == (kind.name, what, scheme, connections)]
            good = [one for one in every if one["sound"] and one["others_percent"] <= DISTURBED]
            cells = [spread([one[key] for one in good or every], digits) for key, digits in FIGURES.values()]
            rates[kind.name] = statistics.median(one["rate"] for one in good or every)
            costs[kind.name] = statistics.median(one["answer_us"] for one in good or every)
            busy[kind.name] = statistics.median(one["cpu_percent"] for one in good or every)
            size = statistics.median(one["bytes"] for one in good or every)
            rows.append(f"| {what}, {NAMES[scheme]} | {connections} | {kind.name} | {size:.0f} | {' | '.join(cells)} "
                        f"| {len(good)} of {len(every)} |")
        ratio, goal = rates[Millrace.name] / rates[Nginx.name], GOALS[what] if scheme == "http" else SECURE_GOAL
        waited = ", ".join(name for name, percent in busy.items() if percent < SATURATED)
        ratios.append(f"| {what}, {NAMES[scheme]} | {connections} | {ratio:.2f} | {goal} | {'yes' if ratio >= goal else 'no'} "
                      f"| {costs[Nginx.name] / costs[Millrace.name]:.2f} | {waited} |")
    rows += ["", "| millrace / nginx | connections | requests a second | goal | held | answers a CPU second | waited for the load |",
             "|---|---|---|---|---|---|---|", *ratios, "",
             f"Where a server took less than {SATURATED} % of its core, the load was the limit and its rate says nothing of it; answers a",
             "CPU second do.",
             "The server on one core; wrk, or h2load for HTTP/2, and the publisher on the other. Millrace serves a live stream of",
             "2 Mbit/s through its whole media path, and its playlist changes once a second; nginx, one worker with sendfile and",
             "an open-file cache, serves the same bytes as files in memory. CPU is all that the server used in the turn, what it",
             "takes to receive the stream included. A turn counts where it was sound and others took at most "
             f"{DISTURBED} % of the server's", "core; where none did, all are shown. Medians, and the least and the most in "
             "brackets; for HTTP/2 the mean and the longest", "stand in place of p50 and p99, and ten requests share a connection.",
             *([] if options.plain or shutil.which("h2load") else ["HTTP/2 was not measured: there is no h2load here."]),
             f"By `scripts/bench {' '.join(['http', *sys.argv[1:]])}`.", ""]
    return "\n".join(rows)


NAMES = {"http": "HTTP/1.1", "https": "HTTP/1.1 over TLS", "h2": "HTTP/2 over TLS"}


def spread(values, digits):
    return f"{statistics.median(values):.{digits}f} ({min(values):.{digits}f}–{max(values):.{digits}f})"


def nginx_version():
    return subprocess.run(["nginx", "-v"], capture_output=True, text=True).stderr.strip().removeprefix("nginx version: ")


if __name__ == "__main__":
    sys.exit(main())
