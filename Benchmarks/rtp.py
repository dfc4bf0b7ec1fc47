#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Measures the fan-out of plain RTP beside a C program that only sends, by turns in one run: the sender on core 0, 1000
sockets that are read on core 1; then what SRTP costs beside libsrtp. `scripts/bench rtp` calls this and writes
docs/results/fanout.md."""

import argparse
import json
import os
import platform
import re
import shutil
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
SENDER_CORE, READER_CORE = "0", "1"
# Of what the C program sends; packets a second of a core; nanoseconds to protect a packet with 2000 viewers.
LEAST_SHARE, LEAST_RATE, LONGEST_PROTECT = 0.9, 0.9e6, 600
# As millrace-bench-secure says it: the profile, how many packets each viewer has in turn, and our nanoseconds. AES-GCM is
# what every browser takes; the other profile is for who has none, costs a hash more, and is shown only.
PROTECT = r"^  (aead\S+, 2000 viewers, \d+ in turn): ours (\d+)"


def main():
    options = arguments()
    with tempfile.TemporaryDirectory(prefix="millrace-bench-") as folder:
        program = Path(folder) / "fanout"
        subprocess.run([shutil.which("cc") or "gcc", "-O2", "-o", program, ROOT / "Benchmarks/c/fanout.c"], check=True)
        commands = {"C": [program, "send"], "millrace": [options.program]}
        turns = []
        for number in range(options.rounds):
            for name, command in commands.items():
                turns.append({"sender": name, **turn(program, command, options)})
                print(line(turns[-1]), file=sys.stderr, flush=True)
    secure = subprocess.run(["taskset", "-c", SENDER_CORE, options.secure], check=True, capture_output=True, text=True).stdout
    missed = missed_goals(turns, secure)
    text = markdown(turns, secure, missed, options)
    print(text)
    if options.output:
        options.output.mkdir(parents=True, exist_ok=True)
        (options.output / "fanout.md").write_text(text)
    if options.json:
        options.json.write_text(json.dumps({"turns": turns, "secure": secure}, indent=2) + "\n")
    return 0 if options.short or not missed else 1


def arguments():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--subscribers", type=int, default=1000)
    parser.add_argument("--burst", type=int, default=8, help="packets that go to a subscriber at once")
    parser.add_argument("--length", type=int, default=1200, help="bytes of a packet")
    parser.add_argument("--seconds", type=int, default=10)
    parser.add_argument("--rounds", type=int, default=5, help="turns of each sender")
    parser.add_argument("--short", action="store_true", help="one round of 2 s: does it run at all")
    parser.add_argument("--output", type=Path, help="a folder for fanout.md; docs/results without --short")
    parser.add_argument("--json", type=Path, help="a file for all figures")
    parser.add_argument("--program", type=Path, default=ROOT / ".build/release/millrace-bench-rtp")
    parser.add_argument("--secure", type=Path, default=ROOT / ".build/release/millrace-bench-secure")
    options = parser.parse_args()
    if options.short:
        options.seconds, options.rounds = 2, 1
    elif options.output is None:
        options.output = ROOT / "docs/results"
    for program in (options.program, options.secure):
        if not program.exists():
            sys.exit(f"{program} is missing: make bench")
    return options


def turn(program, command, options):
    """One sender, with readers of its own."""
    reader = subprocess.Popen(["taskset", "-c", READER_CORE, program, "drain", str(options.subscribers)],
                              stdout=subprocess.PIPE, text=True)
    try:
        ports = [reader.stdout.readline() for _ in range(options.subscribers)]
        words = [str(options.seconds), str(options.burst), str(options.length)]
        done = subprocess.run(["taskset", "-c", SENDER_CORE, *command, *words], input="".join(ports), text=True,
                              capture_output=True, check=True, timeout=options.seconds + 60)
    finally:
        reader.terminate()
    received = int(reader.communicate()[0].split()[-1])
    sent, seconds, busy = done.stdout.split()
    return {"sent": int(sent), "received": received, "seconds": float(seconds), "busy": float(busy)}


def line(one):
    return (f"{one['sender']:<9} {one['sent'] / one['seconds'] / 1000:.0f} thousand packets/s, "
            f"{1e9 * one['busy'] / one['sent']:.0f} ns a packet, {100 * one['received'] / one['sent']:.0f} % read")


def missed_goals(turns, secure):
    """What was to be shown and was not, in words."""
    def median(name, figure):
        return statistics.median(figure(one) for one in turns if one["sender"] == name)
    share = median("millrace", rate) / median("C", rate)
    a_core = median("millrace", lambda one: one["sent"] / one["busy"])
    missed = [f"{share:.2f} of what the C program sends, not {LEAST_SHARE}"] if share < LEAST_SHARE else []
    if a_core < LEAST_RATE:
        missed.append(f"{a_core:,.0f} packets/s a core, not {LEAST_RATE:,.0f}")
    slow = {words: nanoseconds for words, nanoseconds in protect_times(secure).items() if nanoseconds > LONGEST_PROTECT}
    return missed + [f"{words}: {nanoseconds:.0f} ns, not {LONGEST_PROTECT}" for words, nanoseconds in slow.items()]


def rate(one):
    return one["sent"] / one["seconds"]


def protect_times(secure):
    """Our nanoseconds to protect a packet with 2000 viewers, by the words of each line."""
    lines = re.findall(PROTECT, secure.partition("unprotect")[0], re.M)
    if not lines:
        sys.exit(f"no line of 2000 viewers in what millrace-bench-secure says:\n{secure}")
    return {words: float(nanoseconds) for words, nanoseconds in lines}


def markdown(turns, secure, missed, options):
    figures = {"thousand packets/s": lambda one: one["sent"] / one["seconds"] / 1000,
               "thousand packets/s a core": lambda one: one["sent"] / one["busy"] / 1000,
               "ns of CPU a packet": lambda one: 1e9 * one["busy"] / one["sent"]}
    rows = [f"One session of plain RTP, {options.subscribers} subscribers on loopback, all read; packets of {options.length} "
            f"bytes, {options.burst} to a subscriber at once; {options.rounds} turns of {options.seconds} s each. {machine()}",
            "", "| sender | " + " | ".join(figures) + " |", "|---" * (len(figures) + 1) + "|"]
    medians = {}
    for name in ("millrace", "C"):
        cells = []
        for key, figure in figures.items():
            values = [figure(one) for one in turns if one["sender"] == name]
            medians[name, key] = statistics.median(values)
            cells.append(f"{medians[name, key]:.0f} ({min(values):.0f}–{max(values):.0f})")
        rows.append(f"| {name} | {' | '.join(cells)} |")
    ratios = [f"{medians['millrace', key] / medians['C', key]:.2f}" for key in figures]
    rows += [f"| millrace / C | {' | '.join(ratios)} |", "",
             "The C program sends the same datagrams from one buffer, with UDP_SEGMENT and 64 messages a call, and does nothing",
             "else; millrace receives its session's packets besides, and its CPU is that of their source too. Medians, and the",
             "least and the most in brackets.", "",
             "What SRTP, DTLS and their state cost, ours beside libsrtp, by `millrace-bench-secure`:", "",
             "```", secure.rstrip(), "```", "",
             f"The goals: {LEAST_SHARE} of the C program, {LEAST_RATE:,.0f} packets/s a core, {LONGEST_PROTECT} ns to protect a "
             f"packet with 2000 viewers by AES-GCM. Missed: {'; '.join(missed) or 'none'}.",
             f"By `scripts/bench {' '.join(['rtp', *sys.argv[1:]])}`.", ""]
    return "\n".join(rows)


def machine():
    cpu = next((text.partition(":")[2].strip() for text in Path("/proc/cpuinfo").read_text().splitlines()
                if text.startswith("model name")), platform.machine())
    return f"{os.cpu_count()} cores of {cpu}, Linux {platform.release()}."


if __name__ == "__main__":
    sys.exit(main())
