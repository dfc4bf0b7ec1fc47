#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Runs the full proof of the object store and writes docs/results/storage.md from what was measured.

`make prove storage` calls this. `--only WORDS` is handed to pytest's -k, `--again` keeps the figures but for those that are
measured anew, `--short` takes the lengths of make test, `--render` writes the page again from the figures of the last run.
All of it takes forty minutes, thirty of them a store that fails.
"""

from __future__ import annotations

import os
import pathlib
import sys

HERE = pathlib.Path(__file__).resolve().parent
ROOT = HERE.parents[1]
# Beside those of a single node and of a cluster; conftest.py and prove.py take the same.
ARTEFACTS = pathlib.Path(os.environ.setdefault("MILLRACE_ARTEFACTS", str(ROOT / ".tools/storage")))

from prove import read_figures  # noqa: E402
from prove_cluster import section  # noqa: E402
from proving import head, prove  # noqa: E402

TESTS = ["test_storage.py", "test_dvr.py", "test_offload.py", "test_steering.py"]


def page() -> str:
    """The whole document."""
    figures = read_figures()
    parts = [
        *head(
            "The object store, proven",
            "Every figure here was measured by `make prove storage` (`Tests/EndToEnd/prove_storage.py`) and is written by it. The "
            "store is SeaweedFS on the same machine, which verifies signatures; the CDN is nginx with `proxy_cache`; encoders "
            "are ffmpeg.",
            figures),
        *(section(figures, *each) for each in SECTIONS if any(figure["kind"] == each[2] for figure in figures)),
    ]
    return "\n".join(part for part in parts if part)


SECTIONS = [
    ("Segments are stored as they end", "From the end of a segment until the store has acknowledged it, by "
     "`millrace_upload_lag_seconds`; p95 is the upper bound of its bucket. The goal: 0.5 s with twenty streams.", "lag",
     {"streams": "{streams}", "uploads": "{uploads:.0f}", "mean": "{mean:.3f} s", "p95 at most": "{p95:.3f} s"}),
    ("A fifth of all requests fails", "503 before or behind the store, and cut connections, between the node and the store. A "
     "reader polls the store itself four times a second as a player would, and takes all that a playlist lists when it sees "
     "it. The goal: nothing listed is missing, no playlist goes back.", "faulty",
     {"polls": "{polls}", "segments": "{segments}", "requests that failed": "{failed:.0f}", "gaps": "{gaps}",
      "order violations": "{violations}"}),
    ("All nodes are killed", "kill -9 of the node and its publisher. What was acknowledged before is in the store and is "
     "listed.", "outlives",
     {"listed before": "{before}", "listed after": "{listed}", "segments in the store": "{stored}"}),
    ("It plays from the store alone", "ffprobe and headless Chromium's own player, from the store through nginx, with no node "
     "running.", "plays", {"Chromium played": "{seconds:.1f} s", "within": "{took:.1f} s"}),
    ("The store hangs", "It accepts and says nothing, and later comes back. *Worst* is the longest that a viewer's blocking "
     "request for the next part took meanwhile.", "hangs",
     {"worst": "{worst:.2f} s", "segments lost or left out": "{lost:.0f}"}),
    ("The store refuses", "Full, over its quota, its bucket deleted, its clock another: four nodes, of which each told its "
     "operator once, and stored all that had waited when the store took it again.", "refused",
     {"stores": "{stores}", "segments lost or left out": "{lost:.0f}"}),
    ("Disks are full", "The disk of the store, which is made larger, and the disk of what waits for a store that stays full.",
     "full", {"segments that no room was left for": "{lost:.0f}"}),
    ("The gateway is killed", "Three nodes; the publisher comes back at another, which goes on with the recording from the "
     "window it holds.", "successor", {"listed before": "{before}", "listed after": "{after}", "gaps": "{gaps}"}),
    ("The past reaches into the store", "A window of three segments of a second, and a playlist asked for with `?dvr=1`; *whole* "
     "and *delta* are bytes of its text. The lint finds nothing in it.", "past",
     {"listed": "{listed}", "of the window": "{window}", "whole": "{whole}", "delta": "{delta}"}),
    ("A viewer goes back, and goes live", "On the page, in hls.js, to a moment that only the store has, and back by the button. "
     "*There* and *home*: until it plays there.", "rewound",
     {"there": "{took:.1f} s", "behind": "{behind:.0f} s", "played of the time there": "{rate:.2f}", "home": "{home:.1f} s",
      "latency then": "{latency:.1f} s", "stalls": "{stalls}", "reloads": "{reloads}"}),
    ("A CDN collapses a crowd", "nginx with `proxy_cache_lock` before one node, parts of a second. Every viewer asks for each "
     "next playlist and part by blocking requests, and for each whole segment. *Most* is how often any one URL of a playlist "
     "under its number, a part or a segment was asked of the node. The goals: one request a URL, 99 % of segments.", "crowd",
     {"viewers": "{viewers}", "requests": "{requests}", "of them blocking": "{blocking}", "different URLs": "{urls}",
      "most": "{most}", "requests for segments": "{segments}", "not seen by the node": "{ratio:.2%}"}),
    ("Segments go to the CDN and back", "By the number of viewers, with nginx verifying `secure_link` grants; no URL that was "
     "listed ever changed. *There* and *back*: from the change of the audience to the first segment listed on the other side; "
     "on the way back fifteen seconds are for the viewer to be forgotten.", "offload",
     {"there": "{there:.1f} s", "back": "{back:.1f} s", "segments": "{segments}", "of the CDN": "{offloaded}",
      "switches": "{switches:.0f}"}),
    ("A player is led to the CDN and back", "hls.js in Chromium by content steering, by the number of viewers; the pathway of the "
     "CDN bears its grant in the path.", "steered",
     {"there within": "{there:.1f} s", "back within": "{back:.1f} s", "stalls": "{stalls}", "reloads": "{reloads}",
      "played of the time": "{rate:.2f}"}),
    ("A region dies under a player", "All nodes of the viewer's region are killed at once; the stream is of the other, 75 ms away.",
     "region lost", {"goes on at": "{pathway}", "stalls": "{stalls}", "stood still": "{stalled:.2f} s", "reloads": "{reloads}",
                     "played of the time": "{rate:.2f}"}),
]

if __name__ == "__main__":
    sys.exit(prove(sys.argv[1:], "storage", TESTS, page))
