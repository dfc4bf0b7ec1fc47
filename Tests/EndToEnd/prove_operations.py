#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Runs the full proof of what is shipped and writes docs/results/operations.md from what was measured.

`make prove operations` calls this. `--only WORDS` is handed to pytest's -k, `--again` keeps the figures but for those that are
measured anew, `--short` takes the lengths of make test, `--render` writes the page again from the figures of the last run.
All of it takes a quarter of an hour.
"""

from __future__ import annotations

import os
import pathlib
import sys

HERE = pathlib.Path(__file__).resolve().parent
ROOT = HERE.parents[1]
# Beside those of other subjects; conftest.py and prove.py take the same.
ARTEFACTS = pathlib.Path(os.environ.setdefault("MILLRACE_ARTEFACTS", str(ROOT / ".tools/operations")))

from prove import read_figures  # noqa: E402
from prove_cluster import section  # noqa: E402
from proving import head, prove  # noqa: E402

TESTS = ["test_deployments.py", "test_kubernetes.py", "test_cloud.py", "test_package.py", "test_infra.py", "test_haproxy.py",
         "test_operations.py", "test_doctor.py", "test_alerts.py", "test_alertmanager.py", "test_shipped_region.py",
         "test_tracing.py"]


def page() -> str:
    """The whole document."""
    figures = read_figures()
    parts = [
        *head(
            "What is shipped, proven",
            "Every figure here was measured by `make prove operations` (`Tests/EndToEnd/prove_operations.py`) and is written by "
            "it. What is shipped and not run here, and how it is held instead, is told at the end of "
            "[operating Millrace](../operations/README.md#from-nothing-to-production).",
            figures),
        *(section(figures, *each) for each in SECTIONS),
    ]
    return "\n".join(part for part in parts if part)


SECTIONS = [
    ("From the package to a playing stream", "In a machine of its own, over a copy of this one, with systemd as its first "
     "process: `apt-get install`, ffmpeg, curl. The upgrade is `dpkg --install` of another version while the stream is live, "
     "with the restart. The package is not compressed here.", "package",
     {"package": "{size:,} B", "installed in": "{installed:.1f} s", "playing after": "{playing:.1f} s",
      "upgraded in": "{upgraded:.1f} s"}),
    ("The image", "What it adds to its base, without ffmpeg: the program without its symbols, and packages as they are installed. "
     "The goal: 150 MB.", "image", {"program": "{program:,} B", "packages": "{packages:,} B"}),
    ("Nodes are restarted under viewers", "Two origins, two edges and a router in a lab, behind the shipped HAProxy and nginx. "
     "Publishers come by HAProxy: one does what ReconnectRequest asks, the other is cut off and comes again. Each node is drained by "
     "the shipped script and started anew: the edges, the router, the origins. Viewers by blocking requests at HAProxy, half of a "
     "stream with pictures, half of one without; beside them one viewer each at HAProxy and at nginx, by HTTPS, whose requests "
     "are *followed*, and one by WebRTC. *Failed* are requests of any of them that were not answered as they should be, redirects among them; the "
     "goal is none. *Missed* is media that viewers were too slow for. *Without a picture* is the longest time of the viewer by "
     "WebRTC, whose edge ends at the drain's deadline. *Told* is from the end of a process to MillraceNodeDown, the slowest.",
     "rolling restart",
     {"nodes": "{nodes}", "viewers": "{viewers}", "requests": "{requests:,}", "missed": "{missed}", "followed": "{followed}",
      "failed": "{failed}", "without a picture": "{paused:.1f} s", "told": "{told}", "cleared": "{cleared}"}),
    ("Every alert fires of its fault, and clears", "Each fault is done to real nodes, several at a time, under a Prometheus with the "
     "shipped rules, whose windows and waits are shorter by the factor here and whose samples come each second. *Fired* is from "
     "the fault until all its alerts had come, *cleared* from its repair until all had gone.", "alerts",
     {"fault": "{fault}", "alerts": "{alerts}", "shorter by": "{factor}", "fired": "{fired:.0f} s", "cleared": "{cleared:.0f} s"}),
    ("Every panel shows data", "The shipped Prometheus scrapes that region while people watch by HLS and WebRTC, record, and "
     "forward RTP; every query of every dashboard is asked until it has an answer.", "dashboards",
     {"queries": "{queries}", "all answered after": "{took:.0f} s"}),
    ("A trace of one segment", "Two regions 75 ms apart: two origins, and in the far region a shield, an edge and a viewer. ffmpeg "
     "publishes; every segment is traced and exported to a collector that is strict about OTLP. The trace has a span of every hop, from "
     "the RTMP message to the viewer's answer and the object store; all are one tree, and none begins before its parent. *Crossing* is "
     "from a node's first record of the segment to that of a node which has it from there, in the other region, *viewer* from the "
     "segment's first message to the first answer that has a part of it.", "trace",
     {"nodes": "{nodes}", "spans": "{spans}", "to the viewer by": "{way}", "crossing": "{crossing:.3f} s",
      "packaging, all parts": "{package:.4f} s", "standby at most": "{held:.4f} s", "viewer": "{viewer:.2f} s"}),
    ("Where time goes", "In the same run: the mean age of media at each hop, by the dates of the stream.", "trace",
     {"received": "{age_received:.3f} s", "packaged": "{age_packaged:.3f} s", "relayed": "{age_relayed:.3f} s",
      "served": "{age_served:.3f} s"}),
    ("Redis fails over", "Three servers and three sentinels by the shipped files; the machine of the master and of a sentinel dies. "
     "From then until a replica is the master and the node has it.", "redis", {"took": "{took:.1f} s"}),
]

if __name__ == "__main__":
    sys.exit(prove(sys.argv[1:], "operations", TESTS, page))
