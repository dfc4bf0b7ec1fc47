# SPDX-License-Identifier: Apache-2.0
"""What the proofs of several subjects have in common: their options, their run, and the head of their pages.

A subject names its folder of artefacts in MILLRACE_ARTEFACTS before it imports this.
"""

from __future__ import annotations

import argparse
import datetime
import json
import os
import pathlib
import shutil
import subprocess
import sys
from collections.abc import Callable, Sequence

from prove import ARTEFACTS, HERE, RECORD, ROOT, machine, outcomes, read_figures, table


def prove(arguments: list[str], subject: str, tests: list[str], page: Callable[[], str]) -> int:
    """Runs the tests of a subject as its options say, and writes docs/results/{subject}.md."""
    target = ROOT / f"docs/results/{subject}.md"
    parser = argparse.ArgumentParser(description=f"Proves one subject and writes {target.relative_to(ROOT)}.")
    parser.add_argument("--only", help="a pytest -k expression")
    parser.add_argument("--again", action="store_true", help="keep what is not measured anew")
    parser.add_argument("--short", action="store_true", help="the lengths of make test")
    parser.add_argument("--render", action="store_true", help="only write the page from the last figures")
    options = parser.parse_args(arguments)
    status = 0
    if not options.render:
        if not options.again:
            shutil.rmtree(ARTEFACTS, ignore_errors=True)
            RECORD.unlink(missing_ok=True)
        ARTEFACTS.mkdir(parents=True, exist_ok=True)
        outcome = ARTEFACTS / f"proof-{len(list(ARTEFACTS.glob('proof*.xml'))):03}.xml"
        command = [sys.executable, "-m", "pytest", "-q", *(str(HERE / test) for test in tests), f"--junit-xml={outcome}"]
        command += ["-k", options.only] if options.only else []
        status = subprocess.run(command, env=os.environ | ({} if options.short else {"PROVE": "1"}), cwd=ROOT).returncode
    target.parent.mkdir(parents=True, exist_ok=True)
    target.write_text(page())
    record()
    print(f"wrote {target.relative_to(ROOT)}")
    return status


def record() -> None:
    """Keeps in the repository what the page was made of, so that `--again` and `--render` work on another machine."""
    cases = [{"case": name, "passed": passed} for name, passed in outcomes().items()]
    RECORD.parent.mkdir(parents=True, exist_ok=True)
    RECORD.write_text("".join(json.dumps(line) + "\n" for line in [*read_figures(), *cases]))


def head(title: str, about: str, figures: list[dict], expected: Sequence[str] = ()) -> list[str]:
    """How a page begins: what it is, how many tests ran, when, how long they were, and on which machine."""
    cases = outcomes()
    failed = [name for name, passed in cases.items() if not passed]
    ended = datetime.datetime.fromtimestamp(max((figure["ended"] for figure in figures), default=0), datetime.UTC)
    full = [bool(figure["full"]) for figure in figures]
    lengths = ("" if all(full) else " **Not all were measured at full length; the others have that of `make test`.**"
               if any(full) else " **The lengths are those of `make test`.**")
    taken_over = sorted({figure["kind"] for figure in figures if figure["ended"] == figure["begun"]})
    if taken_over:
        lengths += f" Taken over from an earlier page, and not measured by this program: {', '.join(taken_over)}."
    missing = [name for name in expected if name not in cases]
    if missing:
        lengths += f" **Not run: {', '.join(missing)}.**"
    return [
        f"# {title}\n", f"{about}\n",
        f"{len(cases)} tests, {len(failed)} failed{': ' + ', '.join(failed) if failed else ''}. "
        f"Ended {ended:%Y-%m-%d %H:%M} UTC.{lengths}\n",
        "## Machine and versions\n", table(["what", "which"], machine()), measured_with(figures),
    ]


def current(figures: list[dict], renamed: dict[str, str]) -> list[dict]:
    """Without those of tests that have other names now, where these have run: `renamed` has of each such kind a value that
    its figures have since then."""
    anew = {figure["kind"] for figure in figures if renamed.get(figure["kind"]) in figure}
    return [figure for figure in figures if figure["kind"] not in anew or renamed[figure["kind"]] in figure]


def measured_with(figures: list[dict]) -> str:
    """Which program was measured; where it was not one and the same, of each of them when and for what."""
    programs: dict[str, list[dict]] = {}
    for figure in sorted(figures, key=lambda figure: figure["ended"]):
        programs.setdefault(program_of(figure), []).append(figure)
    if len(programs) < 2:
        return "".join(f"Measured with the program of {program}.\n" for program in programs)
    return table(["measured with the program of", "up to", "what"], [
        [program, f"{datetime.datetime.fromtimestamp(measured[-1]['ended'], datetime.UTC):%Y-%m-%d %H:%M} UTC",
         ", ".join(dict.fromkeys(figure["kind"] for figure in measured))] for program, measured in programs.items()])


def program_of(figure: dict) -> str:
    """The commit, and whether there was more than that; earlier runs did not say the one or the other."""
    commit = f"`{figure['commit']}`" if "commit" in figure else "a commit that was not recorded"
    changes = {True: ", with changes that were not committed", False: ""}
    return commit + changes.get(figure.get("dirty"), ", whether with changes was not recorded")
