#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Lints a live HLS stream: `python3 hlslint.py http://host/live/name/index.m3u8 --seconds 60`.

Exit status: 0 nothing found, 1 findings, 2 wrong usage. `--rules` prints every rule with its source.
"""

from __future__ import annotations

import argparse
import dataclasses
import json
import signal
import sys
import time

from lint.findings import RULES
from lint.watch import Client, Settings, Watch


def main(arguments: list[str]) -> int:
    options = _options(arguments)
    if options.rules:
        for declared in sorted(RULES.values(), key=lambda declared: declared.id):
            print(f"{declared.id:32} {declared.level:8} {declared.sentence} ({declared.source})")
        return 0
    watch = Watch(options.url, Settings(
        seconds=options.seconds, tolerance=options.tolerance, strict_start=not options.any_start,
        returns=options.returns, late_allowed=options.stalls or options.returns, pdt_tolerance=options.pdt_tolerance,
        bandwidth=not options.stalls))
    interrupted = signal.signal(signal.SIGINT, lambda *_: watch.stop())
    try:
        _wait(options.url, options.wait, watch)
        report = watch.run()
    finally:
        signal.signal(signal.SIGINT, interrupted)
    findings = report.errors if options.errors_only else report.findings
    for finding in findings:
        print(json.dumps(dataclasses.asdict(finding)) if options.json else finding)
    summary = watch.summary()
    print(json.dumps({"summary": summary}) if options.json
          else ", ".join(f"{name} {value}" for name, value in summary.items()))
    return 1 if findings else 0


def _options(arguments: list[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(description="Lints a live HLS or Low-Latency HLS stream.")
    parser.add_argument("url", nargs="?", help="a multivariant or media playlist")
    parser.add_argument("--seconds", type=float, default=60, help="how long to watch (default 60)")
    parser.add_argument("--wait", type=float, default=0, help="how long to wait for the first answer of 200")
    parser.add_argument("--tolerance", type=float, default=0.35, help="seconds a part may be late (default 0.35)")
    parser.add_argument("--pdt-tolerance", type=float, default=0.5, help="seconds program date time may step (default 0.5)")
    parser.add_argument("--any-start", action="store_true", help="the publisher sends too few random access points")
    parser.add_argument("--returns", action="store_true", help="the publisher goes away and comes back in the meantime")
    parser.add_argument("--stalls", action="store_true", help="the publisher stalls: lateness is no finding")
    parser.add_argument("--json", action="store_true", help="findings as JSON lines, and a last line with the summary")
    parser.add_argument("--errors-only", action="store_true", help="leave out what only breaks a SHOULD")
    parser.add_argument("--rules", action="store_true", help="print the rules and end")
    options = parser.parse_args(arguments)
    if options.url is None and not options.rules:
        parser.error("a URL is missing")
    return options


def _wait(url: str, seconds: float, watch: Watch) -> None:
    """Until the playlists answer, or time is up."""
    client, end = Client(), time.monotonic() + seconds
    while time.monotonic() < end and not watch.stopped.is_set():
        try:
            if client.get(url).status == 200:
                return
        except OSError:
            pass
        watch.stopped.wait(0.25)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
