#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Runs the full proof of WebRTC and RTP and writes docs/results/rtp.md from what was measured.

`make prove rtp` calls this. `--only WORDS` is handed to pytest's -k, `--again` keeps the figures but for those that are
measured anew, `--short` takes the lengths of make test, `--render` writes the page again from the figures of the last run.
"""

from __future__ import annotations

import argparse
import datetime
import os
import pathlib
import shutil
import subprocess
import sys

HERE = pathlib.Path(__file__).resolve().parent
ROOT = HERE.parents[1]
# Beside those of the other subjects; conftest.py and prove.py take the same.
ARTEFACTS = pathlib.Path(os.environ.setdefault("MILLRACE_ARTEFACTS", str(ROOT / ".tools/rtp")))
TARGET = ROOT / "docs/results/rtp.md"

from prove import machine, of, outcomes, read_figures, table  # noqa: E402

TESTS = [str(HERE / name) for name in ("test_swarm.py", "test_webrtc.py", "test_rtp.py")]


def main(arguments: list[str]) -> int:
    parser = argparse.ArgumentParser(description="Proves WebRTC and RTP and writes docs/results/rtp.md.")
    parser.add_argument("--only", help="a pytest -k expression")
    parser.add_argument("--again", action="store_true", help="keep what is not measured anew")
    parser.add_argument("--short", action="store_true", help="the lengths of make test")
    parser.add_argument("--render", action="store_true", help="only write the page from the last figures")
    options = parser.parse_args(arguments)
    status = 0
    if not options.render:
        if not options.again:
            shutil.rmtree(ARTEFACTS, ignore_errors=True)
        ARTEFACTS.mkdir(parents=True, exist_ok=True)
        outcome = ARTEFACTS / f"proof-{len(list(ARTEFACTS.glob('proof*.xml'))):03}.xml"
        command = [sys.executable, "-m", "pytest", "-q", *TESTS, f"--junit-xml={outcome}"]
        command += ["-k", options.only] if options.only else []
        status = subprocess.run(command, env=os.environ | ({} if options.short else {"PROVE": "1"}), cwd=ROOT).returncode
    TARGET.parent.mkdir(parents=True, exist_ok=True)
    TARGET.write_text(page())
    print(f"wrote {TARGET.relative_to(ROOT)}")
    return status


def page() -> str:
    """The whole document."""
    figures = read_figures()
    ran, failed = outcomes()
    ended = datetime.datetime.fromtimestamp(max((figure["ended"] for figure in figures), default=0), datetime.UTC)
    lengths = "" if all(figure["full"] for figure in figures) else " **The lengths are those of `make test`.**"
    parts = [
        "# WebRTC and RTP, proven\n",
        "Every figure here was measured by `make prove rtp` (`Tests/EndToEnd/prove_rtp.py`) and is written by it. Beside "
        "other servers, by `scripts/bench`: WebRTC viewers beside Janus's (`whep`), plain RTP beside a program that only "
        "sends (`rtp`).\n",
        f"{ran} tests, {len(failed)} failed{': ' + ', '.join(failed) if failed else ''}. "
        f"Ended {ended:%Y-%m-%d %H:%M} UTC.{lengths}\n",
        "## Machine and versions\n", table(["what", "which"], machine()),
        "Measured at " + ", ".join(sorted({figure.get("commit", "?") for figure in figures})) + ".\n",
        *(section(figures, *each) for each in SECTIONS),
    ]
    return "\n".join(part for part in parts if part)


def section(figures: list[dict], title: str, about: str, kind: str, columns: dict[str, str]) -> str:
    """A heading, a sentence, and a row of each figure of a kind: each column a format of its values."""
    rows = [[text.format(**figure) for text in columns.values()] for figure in of(figures, kind)]
    return f"## {title}\n\n{about}\n\n{table(list(columns), rows) or 'Not measured in this run.' + chr(10)}"


SWARM = ("The viewers are `millrace-load watch whep`: ICE, DTLS, SRTP, whole pictures. Millrace is on one core with one UDP "
         "thread, viewers and publisher are on the other; the stream comes by RTMP, with 2 s from one random access point to "
         "the next.")
SECTIONS = [
    ("Joining", f"{SWARM} Those who leave make place for others. *Keys* is the time from the offer to the end of the "
     "handshake, *picture* to the first whole picture at which decoding can begin. The goals: keys p95 at most 100 ms, "
     "picture p95 at most 300 ms.", "joins",
     {"present": "{present}", "joins a second": "{rate:.0f}", "joins": "{joins}", "answer p50": "{answer[p50]:.1f} ms",
      "p95": "{answer[p95]:.1f} ms", "keys p50": "{connect[p50]:.1f} ms", "keys p95": "{connect[p95]:.1f} ms",
      "p99": "{connect[p99]:.1f} ms", "picture p50": "{start[p50]:.1f} ms", "picture p95": "{start[p95]:.1f} ms",
      "worst": "{start[max]:.1f} ms"}),
    ("On the way", "From the write of the publisher, which stamps each picture, until its last packet was opened by a viewer "
     "and the picture put together; from two seconds after a viewer's first picture on. The goal: p99 at most 5 ms.", "delay",
     {"viewers": "{viewers}", "server's core": "{busy:.0%}", "pictures": "{pictures:,}", "p50": "{delay[p50]:.1f} ms",
      "p95": "{delay[p95]:.1f} ms", "p99": "{delay[p99]:.1f} ms", "worst": "{delay[max]:.1f} ms", "freezes": "{freezes}"}),
    ("Coming and going", "Medians of the second and of the last quarter of the run. The goal: flat.", "churn",
     {"places": "{places}", "for": "{seconds:.0f} s", "sessions": "{joins}", "memory idle": "{idle[memory]:.1f} MiB",
      "second quarter": "{first[memory]:.1f} MiB", "last quarter": "{last[memory]:.1f} MiB",
      "descriptors": "{idle[descriptors]:.0f}, {first[descriptors]:.0f}, {last[descriptors]:.0f}",
      "threads": "{idle[threads]:.0f}, {first[threads]:.0f}, {last[threads]:.0f}"}),
]

if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
