# SPDX-License-Identifier: Apache-2.0
"""What `web.py` has measured, as the page docs/results/http.md: medians with their ranges, ratios last, and what was not run."""

import statistics
import subprocess
import sys
import textwrap

from cores import DISTURBED, machine

OURS, THEIRS = "millrace", "nginx"
FIGURES = {"requests a second": ("rate", 0), "of its core, %": ("cpu_percent", 0), "CPU, µs an answer": ("answer_us", 1),
           "p50, ms": ("p50_ms", 2), "p99, ms": ("p99_ms", 1), "most RSS, MiB": ("memory_mib", 0)}
NAMES = {"http": "HTTP/1.1", "https": "HTTP/1.1 over TLS", "h2": "HTTP/2 over TLS"}
# Millrace's requests a second, of nginx's: goals by what is served over HTTP, and over TLS.
GOALS = {"playlist": 1.0, "segment": 0.9}
SECURE_GOAL = 0.5
NOT_HELD = "no"
# A server that has less to do waits for the load, and its rate is the load's.
SATURATED = 95


class Page:
    """Of turns; `missing` are (what, scheme, connections, why) that were not run, or failed."""

    def __init__(self, turns, missing, cases, seconds, rounds, handshakes):
        self.turns, self.missing, self.cases = turns, missing, cases
        self.seconds, self.rounds, self.handshakes = seconds, rounds, handshakes

    def text(self):
        rows, ratios = [], []
        for case in self.cases:
            rows += [self.row(case, server) for server in (OURS, THEIRS)]
            ratios.append(self.ratio(case))
        return "\n".join([
            f"# Over HTTP, beside nginx\n\n{self.rounds} turns of {self.seconds} s each. {machine(nginx_version())}", "",
            "| what | connections | server | bytes | " + " | ".join(FIGURES) + " | turns that count |",
            "|---" * (len(FIGURES) + 5) + "|", *rows, "",
            "| millrace / nginx | connections | requests a second | goal | held | answers a CPU second | waited for the load |",
            "|---|---|---|---|---|---|---|", *ratios, "", *self.not_run(), *self.notes()])

    def of(self, case, server):
        """The turns of a server, and those of them that count."""
        every = [one for one in self.turns
                 if (one["what"], one["scheme"], one["connections"], one["server"]) == (*case, server)]
        return every, [one for one in every if one["sound"] and one["others_percent"] <= DISTURBED]

    def row(self, case, server):
        what, scheme, connections = case
        every, good = self.of(case, server)
        first = f"| {what}, {NAMES[scheme]} | {connections} | {server}"
        if not every:
            return first + " |" + " – |" * (len(FIGURES) + 1) + " not run |"
        cells = [spread([one[key] for one in good or every], digits) for key, digits in FIGURES.values()]
        size = statistics.median(one["bytes"] for one in good or every)
        return f"{first} | {size:.0f} | {' | '.join(cells)} | {len(good)} of {len(every)} |"

    def ratio(self, case):
        """Said to be held, or not, by turns that count alone, and where a server had all to do that it can."""
        what, scheme, connections = case
        goal = GOALS[what] if scheme == "http" else SECURE_GOAL
        first = f"| {what}, {NAMES[scheme]} | {connections}"
        (every, good), (their_every, their_good) = self.of(case, OURS), self.of(case, THEIRS)
        if not every or not their_every:
            return f"{first} | – | {goal} | not shown | – | – |"
        ours, theirs = good or every, their_good or their_every

        def median(turns, key):
            return statistics.median(one[key] for one in turns)

        rate = quotient(median(ours, "rate"), median(theirs, "rate"))
        waited = [name for name, turns in ((OURS, ours), (THEIRS, theirs)) if median(turns, "cpu_percent") < SATURATED]
        thrift = quotient(median(theirs, "answer_us"), median(ours, "answer_us"))
        if not good or not their_good:
            held = "not shown: no turn counts"
        elif len(waited) == 2:
            held = "not shown: both waited for the load"
        else:
            held = "yes" if rate >= goal else NOT_HELD
        return f"{first} | {rate:.2f} | {goal} | {held} | {thrift:.2f} | {', '.join(waited)} |"

    def missed(self):
        """The cases whose goal was shown not to be held."""
        return [case for case in self.cases if self.ratio(case).split(" | ")[4] == NOT_HELD]

    def not_run(self):
        if not self.missing:
            return []
        return ["Not run, or failed:", "",
                *(f"- {what}, {NAMES[scheme]}, {connections} connections: {why}"
                  for what, scheme, connections, why in self.missing), ""]

    def notes(self):
        text = f"""
            Where a server took less than {SATURATED} % of its core, the load was the limit and its rate says nothing of it;
            answers a CPU second do. The server on one core; wrk, or h2load for HTTP/2, and the publisher on the other. Millrace
            serves a live stream of 2 Mbit/s through its whole media path, and its playlist changes once a second; nginx, one
            worker with sendfile and an open-file cache, serves the same bytes as files in memory. CPU is all that the server
            used in the turn: what it takes to receive the stream, and over TLS the handshakes, for which a turn is a second
            longer for each {self.handshakes} connections. A turn counts where nothing failed, the server had all connections
            open at some time, and others took at most {DISTURBED} % of its core; where none did, all are shown. Medians, and the
            least and the most in brackets; for HTTP/2 the mean and the longest stand in place of p50 and p99, and each
            connection has two requests at a time."""
        return [*textwrap.wrap(" ".join(text.split()), 120), "", f"By `scripts/bench {' '.join(['http', *sys.argv[1:]])}`.", ""]


def line(one):
    """A turn, for who looks on."""
    return (f"{one['server']:<9} {one['scheme']:<5} {one['what']:<8} {one['connections']:>6}  {one['rate']:>9.0f}/s  "
            f"{one['answer_us']:>6.1f} us  {one['bytes']} B, {one['cpu_percent']:.0f} % busy, "
            f"others {one['others_percent']:.0f} %"
            + ("" if one["sound"] else f", NOT SOUND: {one['failed']} failed, {one['held']} connections"))


def quotient(one, other):
    return one / other if other else 0.0


def spread(values, digits):
    return f"{statistics.median(values):.{digits}f} ({min(values):.{digits}f}–{max(values):.{digits}f})"


def nginx_version():
    return subprocess.run(["nginx", "-v"], capture_output=True, text=True).stderr.strip().removeprefix("nginx version: ")
