#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Runs the full proof of WebRTC and RTP and writes docs/results/rtp.md from what was measured.

`make prove rtp` calls this. `--only WORDS` is handed to pytest's -k, `--again` keeps the figures but for those that are
measured anew, `--short` takes the lengths of make test, `--render` writes the page again from the figures of the last run.
"""

from __future__ import annotations

import os
import pathlib
import sys

HERE = pathlib.Path(__file__).resolve().parent
ROOT = HERE.parents[1]
# Beside those of the other subjects; conftest.py and prove.py take the same.
ARTEFACTS = pathlib.Path(os.environ.setdefault("MILLRACE_ARTEFACTS", str(ROOT / ".tools/rtp")))

from prove import of, read_figures, table  # noqa: E402
from proving import head, prove  # noqa: E402

TESTS = ["test_swarm.py", "test_interop.py", "test_webrtc.py", "test_simulcast.py", "test_rtp.py", "test_turn.py",
         "test_ice_tcp.py", "test_pion.py"]


def page() -> str:
    """The whole document."""
    figures = read_figures()
    parts = [
        *head(
            "WebRTC and RTP, proven",
            "Every figure here was measured by `make prove rtp` (`Tests/EndToEnd/prove_rtp.py`) and is written by it. Beside "
            f"other servers, by `scripts/bench`: WebRTC viewers beside Janus's ({page_of('whep')}), plain RTP beside a program "
            f"that only sends, and SRTP ({page_of('fanout')}).",
            figures),
        "Measured at " + ", ".join(sorted({figure.get("commit", "?") for figure in figures})) + ".\n",
        *(section(figures, *each) for each in SECTIONS),
        named(figures),
    ]
    return "\n".join(part for part in parts if part)


def section(figures: list[dict], title: str, about: str, kind: str, columns: dict[str, str]) -> str:
    """A heading, a sentence, and a row of each figure of a kind: each column a format of its values."""
    rows = [[text.format(**figure) for text in columns.values()] for figure in of(figures, kind)]
    return f"## {title}\n\n{about}\n\n{table(list(columns), rows) or 'Not measured in this run.' + chr(10)}"


def page_of(name: str) -> str:
    """A page beside this one, where it was written."""
    return f"[{name}.md]({name}.md)" if (ROOT / f"docs/results/{name}.md").exists() else f"{name}.md, not written yet"


def named(figures: list[dict]) -> str:
    """What single tests measured, with the seconds to the first picture and whatever else they tell."""
    known = {"test", "full", "begun", "ended", "commit", "dirty", "name", "first"}
    rows = [[figure["name"], f"{1000 * figure['first']:.0f} ms" if figure.get("first") is not None else "",
             ", ".join(f"{key} {value:.3g}" for key, value in figure.items()
                       if key not in known and isinstance(value, (int, float)))]
            for figure in figures if "name" in figure and "kind" not in figure]
    about = ("From one protocol to another, by TURN, over TCP, and from layer to layer. Times are seconds where nothing else is "
             "said, from the offer on; `added` is what transcoding AAC to Opus adds, goal at most 0.15.")
    return f"## Ways between\n\n{about}\n\n{table(['what', 'first picture', 'and'], rows) or 'Not measured in this run.'}"


SWARM = ("The viewers are `millrace-load watch whep`: ICE, DTLS, SRTP, whole pictures. Millrace is on one core with one UDP "
         "thread, viewers and publisher are on the other; the stream comes by RTMP, with 2 s from one random access point to "
         "the next.")
SECTIONS = [
    ("Each with each", "By WHIP in, by WHEP out, on loopback. *Expected* is what the publisher sent while the viewer watched. "
     "The goals: at least 95 % of the pictures, no packet lost. aiortc has no AV1.", "interop",
     {"publisher": "{publisher}", "viewer": "{viewer}", "first picture": "{first:.2f} s", "pictures": "{frames:,}",
      "expected": "{expected:,.0f}", "lost": "{lost}"}),
    ("Joining", f"{SWARM} Those who leave make place for others. *Keys* is the time from the offer to the end of the "
     "handshake, *picture* to the first whole picture at which decoding can begin. The goals: keys p95 at most 100 ms, "
     "picture p95 at most 300 ms.", "joins",
     {"present": "{present}", "joins a second": "{rate:.0f}", "joins": "{joins}", "answer p50": "{answer[p50]:.1f} ms",
      "p95": "{answer[p95]:.1f} ms", "keys p50": "{connect[p50]:.1f} ms", "keys p95": "{connect[p95]:.1f} ms",
      "p99": "{connect[p99]:.1f} ms", "picture p50": "{start[p50]:.1f} ms", "picture p95": "{start[p95]:.1f} ms",
      "worst": "{start[max]:.1f} ms"}),
    ("On the way", "From the write of the publisher, which stamps each picture, until its last packet was opened by a viewer "
     "and the picture put together; from two seconds after a viewer's first picture on. The streams' pictures do not come at "
     "once, and have no sound; one viewer of five opens what it gets, the others count it. The goal, at half of what a core "
     "can do: p99 at most 5 ms.", "delay",
     {"streams": "{streams}", "viewers": "{viewers}", "server's core": "{busy:.0%}", "pictures": "{pictures:,}",
      "p50": "{delay[p50]:.1f} ms", "p95": "{delay[p95]:.1f} ms",
      "p99": "{delay[p99]:.1f} ms", "worst": "{delay[max]:.1f} ms", "freezes": "{freezes}"}),
    ("Coming and going", "Medians of the second and of the last quarter of the run. The goal: flat.", "churn",
     {"places": "{places}", "for": "{seconds:.0f} s", "sessions": "{joins}", "memory idle": "{idle[memory]:.1f} MiB",
      "second quarter": "{first[memory]:.1f} MiB", "last quarter": "{last[memory]:.1f} MiB",
      "descriptors": "{idle[descriptors]:.0f}, {first[descriptors]:.0f}, {last[descriptors]:.0f}",
      "threads": "{idle[threads]:.0f}, {first[threads]:.0f}, {last[threads]:.0f}"}),
]

if __name__ == "__main__":
    sys.exit(prove(sys.argv[1:], "rtp", TESTS, page))
