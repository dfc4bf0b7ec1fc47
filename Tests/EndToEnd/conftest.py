# SPDX-License-Identifier: Apache-2.0
"""Fixtures: one server for the tests that do not disturb it, figures for the proof, artefacts of failures."""

from __future__ import annotations

import functools
import json
import os
import pathlib
import subprocess
import sys
import time
import types

import pytest

sys.path.insert(0, str(pathlib.Path(__file__).parent))
# The lab and what is measured in it.
sys.path.insert(0, str(pathlib.Path(__file__).parents[2] / "cluster"))

import clips  # noqa: E402
from server import BINARY, Server  # noqa: E402

FULL = clips.FULL
ARTEFACTS = pathlib.Path(os.environ.get("MILLRACE_ARTEFACTS", clips.TOOLS / "end-to-end"))


def pytest_configure(config: pytest.Config) -> None:
    config.addinivalue_line("markers", "unit: needs neither server nor network")


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--half", choices=["labs", "nodes"], help="only the modules that run whole clusters, or the others")


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Without the binary only unit tests can run; the others then fail with that sentence, they are never skipped."""
    if half := config.getoption("half"):
        left = [item for item in items if (half == "labs") != runs_labs(item.module)]
        config.hook.pytest_deselected(items=left)
        items[:] = [item for item in items if item not in left]
    for item in items:
        if "server" in getattr(item, "fixturenames", ()) and not os.access(BINARY, os.X_OK):
            item.add_marker(pytest.mark.usefixtures("binary"))


@functools.cache
def runs_labs(module: types.ModuleType) -> bool:
    """Whether the module took anything from `lab`."""
    return any(str(getattr(value, "__module__", "")).startswith("lab.") for value in vars(module).values())


@pytest.fixture(scope="session")
def binary() -> str:
    assert os.access(BINARY, os.X_OK), f"no server at {BINARY}: build it, or set PROGRAM"
    return BINARY


@pytest.fixture(scope="module")
def server(binary: str, request: pytest.FixtureRequest):
    """One node for all tests of a module; its defaults."""
    failed = request.session.testsfailed
    node = Server()
    with node:
        yield node
        assert node.process.poll() is None, f"the server died:\n{node.log()[-4000:]}"
        if request.session.testsfailed > failed:
            keep(f"log-{request.module.__name__}.txt", node.log())


@pytest.fixture
def figures(request: pytest.FixtureRequest):
    """Adds measured figures to the proof: `figures(name="latency, default", p95=1.42)`."""
    begun = time.time()

    def add(**values: object) -> None:
        ARTEFACTS.mkdir(parents=True, exist_ok=True)
        with open(ARTEFACTS / "figures.jsonl", "a") as file:
            file.write(json.dumps({"test": request.node.nodeid, "full": FULL, "begun": begun, "ended": time.time(),
                                   **program_of_git()} | values) + "\n")
    return add


@functools.cache
def program_of_git() -> dict[str, object]:
    """What is measured: `commit`, and as `dirty` whether anything was not committed but for the pages that proofs write."""
    def git(*words: str) -> str:
        done = subprocess.run(["git", "-C", str(clips.ROOT), *words], capture_output=True, text=True)
        return done.stdout.strip()

    changes = git("status", "--porcelain", "--untracked-files=no", "--", ".", ":(exclude)docs/results")
    return {"commit": git("rev-parse", "--short", "HEAD") or "no commit", "dirty": bool(changes)}


def keep(name: str, text: str) -> pathlib.Path:
    """Writes an artefact that a person may want to see."""
    ARTEFACTS.mkdir(parents=True, exist_ok=True)
    path = ARTEFACTS / name
    path.write_text(text)
    return path


def seconds(short: float, full: float) -> float:
    """The short length in `make test`, the full one in `make prove`."""
    return full if FULL else short
