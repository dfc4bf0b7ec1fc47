#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Runs the full proof of failover and writes docs/results/failover.md from what was measured.

`make prove failover` calls this, as root. `--only WORDS` is handed to pytest's -k, `--again` keeps the figures but for
those that are measured anew, `--short` takes the lengths of make test, `--render` writes the page again from the figures
of the last run. All of it takes two hours and three quarters, one of them chaos.
"""

from __future__ import annotations

import os
import pathlib
import sys

HERE = pathlib.Path(__file__).resolve().parent
ROOT = HERE.parents[1]
# Beside those of a single node and of a cluster; conftest.py and prove.py take the same.
ARTEFACTS = pathlib.Path(os.environ.setdefault("MILLRACE_ARTEFACTS", str(ROOT / ".tools/failover")))

from prove import read_figures  # noqa: E402
from prove_cluster import section  # noqa: E402
from proving import current, head, prove  # noqa: E402

TESTS = ["test_deaths.py", "test_failover.py", "test_whep_deaths.py", "test_drains.py", "test_chaos.py"]


def page() -> str:
    """The whole document."""
    # The store is read by those that have a column for it.
    figures = [{"stored": "not read"} | figure for figure in current(read_figures(), RENAMED)]
    parts = [
        *head(
            "Failover, proven",
            "Every figure here was measured by `make prove failover` (`Tests/EndToEnd/prove_failover.py`) and is written by it. "
            "All nodes are real processes in network namespaces of one machine (`cluster/README.md`). Viewers speak the "
            "protocol: they ask routers, play by blocking requests, take and hash every init section, part and segment that "
            "they are shown, and hold every playlist against the last. *Names* counts what was taken; no name may have two "
            "contents, whichever node gave it and whenever; at the end every node is asked for a sample of them once more, and "
            "every edge for all that it lists. All origins record to one object store, a folder, which is looked "
            "at once a second and read whole at the end: what a viewer took has the same bytes there, nothing that its "
            "playlists list is missing, cut off or another than before, and no number is listed twice or skipped.",
            figures, EXPECTED),
        *(section(figures, *each) for each in SECTIONS if any(figure["kind"] == each[2] for figure in figures)),
    ]
    return "\n".join(part for part in parts if part)


# Kinds whose tests got parameters, and a value that their figures have since then.
RENAMED = {"gateway pauses": "stops", "upgrades": "place"}
# What a page is not whole without.
EXPECTED = [*(f"test_chaos.test_chaos[{seed}]" for seed in (1, 2, 3)),
            *(f"test_deaths.test_a_gateway_stands_still_for_ten_seconds[{stops}]" for stops in ("once", "twice"))]
ONE_REGION = "One region, three origins, four edges, a router, 16 viewers."
WAYS = "by turns kill -9 of the process, and the whole machine, whose connections nobody ends."
WRONG = {"names": "{names}", "of them in the store": "{stored}", "two contents": "{different}", "gaps": "{gaps}", "anything wrong": "{problems}"}
SECTIONS = [
    ("The standby is killed", f"{ONE_REGION} The standby dies, from which edges take the stream: {WAYS} "
     "*Added delay* is the longest time without anything new, less the half second that a part lasts: of each kill the "
     "worst viewer; 0.1 s is the least that is told. hls.js plays in headless Chromium meanwhile. The goal: no segment missing, p95 at most 1 s, "
     "no reload, no discontinuity.", "standby deaths",
     {"of": "{way}", "kills": "{kills}", "edges at the standby": "{hanging:.1f} of {edges}",
      "added delay p50": "{p50:.2f} s", "p95": "{p95:.2f} s", "worst": "{worst:.2f} s",
      "hls.js reloads": "{reloads}", "its stalls": "{stalls}", "its worst latency": "{latency:.2f} s", "names": "{names}", "gaps": "{gaps}", "anything wrong": "{problems}"}),
    ("The gateway is killed", f"{ONE_REGION} The gateway dies: {WAYS} ffmpeg, in a loop, is back at another origin a "
     "second after it noticed, which is at once or a second and a half after the machine's death. *Again* is the time from "
     "ffmpeg's start to the first new part, over all viewers and kills. The goal: p95 at most 1.5 s, nobody dropped, every "
     "number followed by the next, no discontinuity.", "gateway deaths",
     {"of": "{way}", "kills": "{kills}", "again p50": "{p50:.2f} s", "p95": "{p95:.2f} s", "worst": "{worst:.2f} s",
      "stood p95, ffmpeg's second in it": "{stood:.2f} s", **WRONG, "segments compared by nodes": "{compared:.0f}"}),
    ("The gateway stands still for ten seconds", f"{ONE_REGION} SIGSTOP of the gateway; its publisher goes to another "
     "origin; SIGCONT. *Twice*: 100 to 300 ms after that SIGSTOP once more, for two seconds. The goal: the stale writer is "
     "refused, and nothing that it wrote is seen.", "gateway pauses",
     {"stops": "{stops}", "times": "{times}", "refused at least": "{refused:.0f}", **WRONG}),
    ("The gateway that stood still is asked itself", "One region, three nodes of all roles, each an origin and an edge. As "
     "before; from SIGCONT on somebody asks the old gateway's own door for the playlist twenty times a second, and takes all "
     "that is new in it. In the end all names that anybody was given are asked for at all three nodes. *Contradictions* are "
     "numbers under two terms and names with two contents.", "gateway stopped",
     {"stops": "{stops}", "awake between": "{awake:.3f} s", "refused": "{refusals:.0f}",
      "playlists of the old gateway": "{answers}", "terms": "{terms}", "names": "{names}", "contradictions": "{different}"}),
    ("All nodes die at once", f"{ONE_REGION} kill -9 of all; they are started anew, with nothing left. The goal: publishers "
     "come back, numbers go on upward, no name is ever used twice.", "all down",
     {"all viewers play again after": "{again:.1f} s", "numbers ahead of the last at least": "{ahead}", "names": "{names}",
      "of them in the store": "{stored}", "two contents": "{different}", "anything wrong": "{problems}"}),
    ("Redis is killed, and comes back empty", "One region with Redis, three origins, two edges, a router, a viewer of each "
     "stream; streams of 4 pictures a second without sound. Redis is killed; new streams begin; it comes back with nothing in "
     "it, and is flushed once more. At the end a gateway is killed, and each of its streams must go on in a higher term. A stand "
     "is a time of more than 0.6 s in which a viewer gets nothing new; *before* is the minute before Redis dies, *taken* what "
     "other machines of the same host had of this one's processors. *Late* is the share of all viewers' time in which "
     "something was due and had not come. The goal: not one viewer or publisher disturbed, which is no stand above 1.5 s, and "
     "at most twice the share of before and a thousandth; and no node ever believes a lower term.", "redis deaths",
     {"streams": "{streams}", "away": "{away:.0f} s", "terms it had granted": "{granted:.0f}", "new streams": "{new}",
      "publishers that had to return": "{returns}", "terms taken at the end": "{taken}",
      "fences": "{fences:.0f}", "stands": "{stands}", "longest": "{worst:.2f} s", "late": "{stood:.3f} %",
      "stands before": "{stands_before}", "longest before": "{usual:.2f} s", "late before": "{stood_before:.3f} %",
      "processor time taken": "{stolen:.0f} %",
      "anything wrong": "{problems}"}),
    ("Disks are full", f"{ONE_REGION} Two streams. The disk of the object store is full for ten seconds, but for 64 KiB; then "
     "that and the disk on which the nodes keep what waits for it. The goal: no viewer and no publisher notices, nothing that "
     "is listed is missing, and what waited is stored once there is room. What had no room anywhere is a gap in the "
     "recording.", "full disks",
     {"times": "{times}", "publishers that had to return": "{returns}", "longest stand": "{worst:.2f} s",
      "before": "{usual:.2f} s", "waited on the nodes' disk": "{waited} B", "segments lost": "{lost:.0f}",
      "with both disks full": "{lost_both:.0f}", "gaps in the store": "{stored_gaps}", "all stored again after": "{caught:.1f} s",
      **WRONG}),
    ("Every node is drained in turn", "One region, six streams, 18 viewers. `millrace cluster drain NODE --deadline 60s` of "
     "one node after the other, each started anew. Half of the encoders do what ReconnectRequest asks: at the next random "
     "access point they go on at another origin and send what they kept. The others are ffmpeg in a loop, which is cut off and "
     "back after a second. *Added delay* is that of viewers of the former; *again* the longest from ffmpeg's start to what was "
     "new for all its viewers. One stream's pictures are told apart by their sizes and counted. The goal: no segment missing, "
     "no picture lost, nobody dropped, every number followed by the next, again within 1.5 s.", "drains",
     {"nodes": "{nodes}", "slowest drain": "{slowest:.1f} s", "added delay, worst": "{worst:.2f} s",
      "encoders moved": "{moves}", "were cut off": "{cuts}", "ffmpeg came back": "{returns}", "again, worst": "{again:.2f} s",
      "pictures": "{frames}", "lost": "{lost}", "twice": "{twice}", "gaps": "{gaps}", "anything wrong": "{problems}"}),
    ("Every node is upgraded in turn", "One region as above, or two with two origins, two edges and a router each; four "
     "streams, 16 viewers. All nodes write a former version of the bytes and no newer; one after the other is drained and "
     "started anew with the newest beside it, in the order that is advised and in the other. As long as one of any region knows "
     "only the former, every term is of that: a node that is given a newer one refuses the stream. Then the gateway of one "
     "stream is drained once more, and its next term is of the newest. What tells them apart in the bytes came with version 2, hence "
     "the first beside the newest as well. The goal: no segment missing, no picture lost, no name with two contents, no node "
     "that refuses a stream.",
     "upgrades",
     {"where": "{place}", "order": "{order}", "versions": "{version}, then {next}", "restarts": "{nodes}",
      "slowest": "{slowest:.1f} s", "added delay, worst": "{worst:.2f} s",
      "segments of the former, then of the newest": "{former}, {newest}", "encoders moved": "{moves}", "were cut off": "{cuts}",
      "pictures": "{frames}", "lost": "{lost}", "twice": "{twice}", "names": "{names}", "two contents": "{different}",
      "hashes that differed": "{mismatches:.0f}", "streams refused": "{foreign:.0f}", "gaps": "{gaps}",
      "anything wrong": "{problems}"}),
    ("The standby is killed under WHEP viewers", "One region, three origins, four edges, a router, viewers by WHEP in "
     "aiortc. The standby dies, by turns its process and the machine. *Freeze* is the longest time without a picture, of "
     "each viewer and kill; 0 where it was less than a quarter of a second. The goal: p95 at most 1 s.", "WHEP standby deaths",
     {"of": "{way}", "kills": "{kills}", "viewers": "{viewers}", "edges at the standby": "{hanging:.1f} of {edges}",
      "viewers at those, over all kills": "{concerned}",
      "freeze p50": "{p50:.2f} s", "p95": "{p95:.2f} s", "worst": "{worst:.2f} s", "packets": "{packets}",
      "numbers used twice": "{repeated}", "times that went back": "{backwards}"}),
    ("The gateway is killed under WHEP viewers", "The same viewers, who never ask again; the gateway dies, whose "
     "publisher goes on at another origin in another term. *Again* is the time from the publisher's return to a picture. The "
     "goal: sessions stay, numbers and times of RTP only go forward, and no number is used twice under one key.",
     "WHEP gateway deaths",
     {"of": "{way}", "kills": "{kills}", "viewers": "{viewers}", "sessions": "{sessions}", "packets": "{packets}",
      "numbers used twice": "{repeated}", "times that went back": "{backwards}", "again p50": "{p50:.2f} s",
      "p95": "{p95:.2f} s"}),
    ("The edge of WHEP viewers is killed", "The same viewers; an edge dies that has most of them. Who gets no picture "
     "for a second asks the router again, as our page does. *Again* is the time without a picture. The goal: at most "
     "2.5 s.", "WHEP edge deaths",
     {"of": "{way}", "kills": "{kills}", "viewers": "{viewers}", "had to go elsewhere": "{felt}", "again p50": "{p50:.2f} s",
      "p95": "{p95:.2f} s", "worst": "{worst:.2f} s"}),
    ("Chaos", "`millrace-drill chaos --seed N --minutes M`: two regions with Redis, 12 nodes; kill -9, SIGSTOP, cuts and "
     "partitions, one-way cuts and loss, thin lines, slow nodes, wall clocks that jump, Redis killed and flushed, full "
     "disks, drawn by seed. A *leap* is to a playlist that begins behind all that a viewer had: he, or the node, was cut off for "
     "so long. Every leap has a fault on the stream's way behind it, in the 20 s before, and every gap in the store full disks "
     "or the death of a holder at its time, or an invariant is broken. *Grew* is the most that a process which lived for five "
     "minutes grew by, of so many. The goal: no invariant broken.", "chaos",
     {"seed": "{seed}", "minutes": "{minutes:g}", "faults": "{faults}", "publishers": "{streams}", "viewers": "{viewers}",
      "playlists": "{playlists}", "names": "{names}", "of them in the store": "{stored}", "two contents": "{different}", "gaps": "{gaps}",
      "gaps in the store, whose disks are filled": "{stored_gaps}", "which came of": "{gap_causes}",
      "asked again at the end": "{asked}", "grew": "{grew:.0f} MiB of {lived}",
      "stale terms refused": "{refused:.0f}", "leaps": "{leaps}", "longest stand": "{longest:.1f} s",
      "invariants broken": "{broken}"}),
]

if __name__ == "__main__":
    sys.exit(prove(sys.argv[1:], "failover", TESTS, page))
