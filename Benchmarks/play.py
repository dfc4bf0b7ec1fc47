#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Measures RTMP play beside Debian's nginx-rtmp, by turns in one run: the server on core 0, publisher and viewers on core 1.
One stream of 2 Mbit/s, stamped, so that each turn tells how long pictures were on their way. `scripts/bench play` calls this and
writes docs/results/play.md."""

import argparse
import json
import os
import shutil
import socket
import statistics
import subprocess
import sys
import tempfile
import textwrap
import time
from pathlib import Path

from cores import DISTURBED, LOAD_CORE, SERVER_CORE, core_busy, hand_over, machine, stat, tree
from web import CLIP, ROOT, CouldNotRun, Server, clip, numbers
from web_page import nginx_version, quotient, spread

FIGURES = {"CPU, % of a core a viewer": ("cpu_per_viewer", 3), "of its core, %": ("cpu_percent", 0),
           "memory a viewer, KiB": ("kib_per_viewer", 0), "Mbit/s a viewer": ("megabits", 2),
           "on the way p50, ms": ("delay_p50", 1), "p99, ms": ("delay_p99", 1), "freezes": ("freezes", 0)}
# Of what is published, the least that each viewer must get for a turn to count: one that sends less costs less.
LEAST_MEGABITS = 1.6
JOINS_A_SECOND = 50


def main():
    options = arguments()
    clip()
    turns, missing = [], []
    with tempfile.TemporaryDirectory(prefix="millrace-bench-", dir="/dev/shm") as folder:
        for number in range(options.rounds):
            for viewers in options.viewers:
                # Neither is always the first.
                for kind in (Millrace, NginxRTMP)[::-1 if number % 2 else 1]:
                    home = Path(folder) / f"{kind.name}-{viewers}-{number}"
                    home.mkdir()
                    try:
                        with kind(home, options, (None, None), None, False) as server:
                            turns.append(measure(server, viewers, options))
                        print(line(turns[-1]), file=sys.stderr, flush=True)
                    except CouldNotRun as reason:
                        missing.append(f"turn {number + 1} of {kind.name} with {viewers} viewers: {reason}")
                        print(missing[-1], file=sys.stderr, flush=True)
    text = markdown(turns, missing, options.viewers, options.seconds, options.rounds)
    return hand_over("play.md", text, turns, options, Millrace.name) or int(bool(missing))


def arguments():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--viewers", type=numbers, default=[100, 300])
    parser.add_argument("--seconds", type=int, default=15, help="the window in which CPU time is counted")
    parser.add_argument("--rounds", type=int, default=3, help="turns of each server")
    parser.add_argument("--short", action="store_true", help="20 viewers, one round of 4 s: does it run at all")
    parser.add_argument("--output", type=Path, help="a folder for play.md; docs/results without --short")
    parser.add_argument("--json", type=Path, help="a file for all figures")
    parser.add_argument("--millrace", type=Path, default=ROOT / ".build/release/millrace")
    parser.add_argument("--load", type=Path, default=ROOT / ".build/release/millrace-load")
    options = parser.parse_args()
    if options.short:
        options.viewers, options.seconds, options.rounds = [20], 4, 1
    elif options.output is None:
        options.output = ROOT / "docs/results"
    for program in (options.millrace, options.load):
        if not program.exists():
            sys.exit(f"{program} is missing: make bench play")
    if not shutil.which("nginx"):
        sys.exit("nginx is missing: scripts/setup bench")
    return options


# One turn of one server.


def measure(server, viewers, options):
    ramp = -(-viewers // JOINS_A_SECOND)
    # Who comes between two random access points of 2 s may wait for the next.
    settle = ramp + 4
    server.publish()
    idle = memory(server)
    result = server.home / "seen.json"
    watch = server.start([options.load, "watch", "rtmp", "--url", server.url, "--viewers", viewers, "--ramp", f"{ramp}s",
                          "--seconds", settle + options.seconds + 2, "--result", result], LOAD_CORE, "watch")
    time.sleep(settle)
    before, busy, start = server.cpu(), core_busy(), time.monotonic()
    time.sleep(options.seconds)
    elapsed, used, busy, last = time.monotonic() - start, server.cpu() - before, core_busy() - busy, memory(server)
    try:
        watch.wait(60)
    except subprocess.TimeoutExpired:
        raise CouldNotRun("the viewers did not end") from None
    if not result.exists():
        raise CouldNotRun(f"the viewers told nothing: {(server.home / 'watch.log').read_text()[-300:].strip()!r}")
    seen = json.loads(result.read_text())
    megabits = [second["megabits"] for second in seen["samples"][settle:settle + options.seconds]]
    megabits = statistics.median(megabits) / viewers if megabits else 0.0
    return {
        "server": server.name, "viewers": viewers, "cpu_percent": 100 * used / elapsed,
        "cpu_per_viewer": 100 * used / elapsed / viewers, "kib_per_viewer": (last - idle) / viewers, "megabits": megabits,
        "delay_p50": seen["delayMilliseconds"]["p50"], "delay_p99": seen["delayMilliseconds"]["p99"],
        "freezes": seen["freezes"], "faults": seen["faults"], "late_p99": seen["lagMilliseconds"]["p99"],
        "others_percent": max(0.0, 100 * (busy - used) / elapsed),
        "sound": seen["started"] == viewers and not seen["faults"] and megabits >= LEAST_MEGABITS,
    }


def memory(server):
    """Resident KiB of the whole process tree."""
    return sum(int(stat(pid)[21]) for pid in tree(server.process.pid)) * os.sysconf("SC_PAGE_SIZE") / 1024


class RTMPServer(Server):
    """One that is published to, and played from, by RTMP."""

    @property
    def url(self):
        return f"rtmp://127.0.0.1:{self.rtmp_port}/live/bench"

    def publish(self):
        self.start([self.options.load, "publish", "rtmp", "--url", self.url.removesuffix("/bench"), "--name", "bench", "--file",
                    CLIP, "--stamp", "--seconds", 600], LOAD_CORE, "publish")
        # Until then what it takes to receive a stream is there, and two random access points.
        time.sleep(5)

    def wait_listening(self):
        deadline = time.monotonic() + 20
        while time.monotonic() < deadline:
            try:
                with socket.create_connection(("127.0.0.1", self.rtmp_port), 1):
                    return
            except OSError:
                time.sleep(0.1)
        raise CouldNotRun(f"{self.name} does not listen: {(self.home / 'server.log').read_text()[-300:].strip()!r}")


class Millrace(RTMPServer):
    name = "millrace"

    def begin(self):
        foreign = {name: value for name, value in os.environ.items() if not name.startswith("MILLRACE_")}
        self.process = self.start([self.options.millrace, "serve"], SERVER_CORE, "server", foreign | {
            "MILLRACE_HTTP_HOST": "127.0.0.1", "MILLRACE_HTTP_PORT": str(self.port), "MILLRACE_RTMP_HOST": "127.0.0.1",
            "MILLRACE_RTMP_PORT": str(self.rtmp_port), "MILLRACE_RTP_ENABLED": "false", "MILLRACE_WEBRTC_ENABLED": "false"})
        self.wait("/ready", lambda _: True)


class NginxRTMP(RTMPServer):
    name = "nginx-rtmp"

    def begin(self):
        settings = self.home / "nginx.conf"
        settings.write_text(NGINX.format(home=self.home, rtmp=self.rtmp_port))
        self.process = self.start(["nginx", "-p", self.home, "-c", settings], SERVER_CORE, "server")
        self.wait_listening()


# Viewers begin with a random access point, as ours do.
NGINX = """\
load_module /usr/lib/nginx/modules/ngx_rtmp_module.so;
user root;
worker_processes 1;
daemon off;
pid {home}/nginx.pid;
error_log {home}/error.log warn;
events {{ worker_connections 4096; }}
rtmp {{
    access_log off;
    server {{
        listen 127.0.0.1:{rtmp};
        chunk_size 4096;
        application live {{ live on; wait_key on; wait_video on; }}
    }}
}}
"""


# What is said of it.


def line(one):
    return (f"{one['server']:<10} {one['viewers']:>5} viewers  {one['cpu_per_viewer']:.3f} % of a core each, "
            f"{one['kib_per_viewer']:.0f} KiB, {one['delay_p99']:.1f} ms p99, others {one['others_percent']:.0f} %"
            f"{'' if one['sound'] else ', NOT SOUND: ' + str(one['faults'])}")


def markdown(turns, missing, counts, seconds, rounds):
    rows = [f"# RTMP play, beside nginx-rtmp\n\n{rounds} turns of {seconds} s each. {machine(nginx_version())}", "",
            "| viewers | server | " + " | ".join(FIGURES) + " | turns that count |", "|---" * (len(FIGURES) + 3) + "|"]
    ratios = []
    for viewers in counts:
        costs, counted = {}, True
        for name in (Millrace.name, NginxRTMP.name):
            every = [one for one in turns if (one["server"], one["viewers"]) == (name, viewers)]
            good = [one for one in every if one["sound"] and one["others_percent"] <= DISTURBED]
            counted = counted and bool(good)
            if not every:
                rows.append(f"| {viewers} | {name} |" + " – |" * len(FIGURES) + " not run |")
                continue
            cells = [spread([one[key] for one in good or every], digits) for key, digits in FIGURES.values()]
            costs[name] = statistics.median(one["cpu_per_viewer"] for one in good or every)
            rows.append(f"| {viewers} | {name} | {' | '.join(cells)} | {len(good)} of {len(every)} |")
        ratio = f"{quotient(costs[Millrace.name], costs[NginxRTMP.name]):.2f}" if len(costs) == 2 else "–"
        ratios.append(f"| {viewers} | {ratio} | {'' if counted else 'not shown: turns of one or both do not count'} |")
    notes = f"""
        One stream of 2 Mbit/s with its sound; publisher and viewers on one core, the server on the other. A turn
        counts where every viewer saw a picture, none failed, each got at least {LEAST_MEGABITS} Mbit/s, and others
        took at most {DISTURBED} % of the server's core; where none did, all are shown. CPU is all that the server
        used, what it takes to receive the stream included, and with us to package it as HLS. Medians, and the least
        and the most in brackets."""
    return "\n".join([
        *rows, "", "| viewers | millrace / nginx-rtmp, CPU a viewer | |", "|---|---|---|", *ratios, "",
        *(["Not run, or failed:", "", *(f"- {one}" for one in missing), ""] if missing else []),
        *textwrap.wrap(" ".join(notes.split()), 120), "", f"By `scripts/bench {' '.join(['play', *sys.argv[1:]])}`.", ""])


if __name__ == "__main__":
    sys.exit(main())
