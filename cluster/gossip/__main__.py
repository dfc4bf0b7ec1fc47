# SPDX-License-Identifier: Apache-2.0
"""cluster/gossip-bench: fifty nodes of each program by turns, figures as JSON and as a table."""

from __future__ import annotations

import argparse
import dataclasses
import json
import pathlib
import sys

from lab import Missing

from .agents import KINDS
from .comparison import compare, markdown
from .measures import FULL, SHORT


def main() -> int:
    options = arguments()
    lengths = SHORT if options.short else FULL
    if options.crashes:
        lengths = dataclasses.replace(lengths, crashes=options.crashes)
    try:
        result = compare(options.programs, lengths, options.topology)
    except Missing as failure:
        print(f"gossip-bench: {failure}", file=sys.stderr)
        return 1
    text = markdown(result)
    print(text)
    if options.output:
        options.output.mkdir(parents=True, exist_ok=True)
        (options.output / "gossip.json").write_text(json.dumps(result, indent=2) + "\n")
        (options.output / "gossip.md").write_text(text)
    return 0


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="gossip-bench", description="Measures gossip beside serf's, in one run.")
    parser.add_argument("programs", nargs="*", default=[], help="millrace, serf; both without a name")
    parser.add_argument("--topology", default="fifty-gossip")
    parser.add_argument("--short", action="store_true", help="a few minutes instead of half an hour")
    parser.add_argument("--crashes", type=int, help="how many nodes are killed")
    parser.add_argument("--output", type=pathlib.Path, help="a folder for gossip.json and gossip.md")
    options = parser.parse_args()
    options.programs = options.programs or list(KINDS)
    if unknown := set(options.programs) - set(KINDS):
        parser.error(f"unknown: {', '.join(unknown)}")
    return options


if __name__ == "__main__":
    sys.exit(main())
