# SPDX-License-Identifier: Apache-2.0
"""What the checks of shipped files share: real tools, settings and metrics by their names."""

from __future__ import annotations

import functools
import os
import pathlib
import re
import shutil
import subprocess
import sys
from collections.abc import Iterable

import yaml

from server import BINARY, ROOT, Server
from stores import low_port

DEPLOYMENTS, INFRA, OPERATIONS = ROOT / "deployments", ROOT / "infra", ROOT / "docs/operations"
PATH = f"{pathlib.Path(sys.executable).parent}:{os.environ.get('PATH', '')}:/usr/sbin:/sbin"


def tool(name: str) -> str:
    """A program of Debian's or of the test environment; without it the check fails, it is never passed over."""
    found = shutil.which(name, path=PATH)
    assert found, f"{name} is not there: scripts/setup test"
    return found


def run(*words: object, **options: object) -> subprocess.CompletedProcess:
    """Runs a tool to its end; a failure says what it said."""
    check = options.pop("check", True)
    first, *rest = map(str, words)
    done = subprocess.run([tool(first) if "/" not in first else first, *rest],
                          **{"capture_output": True, "text": True, "timeout": 120, "stdin": subprocess.DEVNULL} | options)
    assert not check or done.returncode == 0, f"{' '.join(map(str, words))}:\n{done.stdout}\n{done.stderr}"
    return done


@functools.cache
def settings() -> dict[str, str]:
    """Every environment name with its setting's path."""
    names: dict[str, str] = {}

    def walk(group: dict, path: str) -> None:
        for key, value in group.items():
            if isinstance(value, dict):
                walk(value, f"{path}{key}.")
            else:
                names["MILLRACE_" + (path + key).upper().replace(".", "_")] = path + key

    walk(yaml.safe_load((ROOT / "millrace.yml").read_text()), "")
    return names


@functools.cache
def metrics() -> frozenset[str]:
    """Every family that the sources declare, and the series of histograms."""
    found = {name for file in (ROOT / "Sources").rglob("*Metrics.swift")
             for name in re.findall(r'"(millrace_[a-z0-9_]+)"', file.read_text())}
    histograms = {name for file in (ROOT / "Sources").rglob("*Metrics.swift")
                  for name in re.findall(r'MetricFamily\(\s*"(millrace_[a-z0-9_]+)",\s*\.histogram', file.read_text())}
    return frozenset(found | {name + end for name in histograms for end in ("_bucket", "_count", "_sum")})


def complete() -> Server:
    """A node that has all that a node can have, so that it counts all that a node can count."""
    return Server(CLUSTER_KEY="0" * 64, NODE_ADVERTISE="127.0.0.1", GOSSIP_HOST="127.0.0.1", GOSSIP_PORT=low_port(),
                  RELAY_HOST="127.0.0.1", RELAY_PORT=low_port(), STORAGE_KIND="s3", STORAGE_BUCKET="none",
                  STORAGE_ENDPOINT="http://127.0.0.1:9", STORAGE_ACCOUNT="one", STORAGE_SECRET="two",
                  REDIS_URL="redis://127.0.0.1:9", EDGE_AGENT_PORT=low_port())


def complaints(environment: dict[str, str]) -> str:
    """What a node says of an environment that it would be started with; nothing where it would start."""
    unknown = [name for name in environment if name.startswith("MILLRACE_") and name not in settings()
               and name not in ("MILLRACE_CONFIG", "MILLRACE_TOKEN")]
    if unknown:
        return f"no settings: {unknown}"
    done = run(BINARY, "check-settings", check=False, env={"PATH": PATH, "HOSTNAME": "here"} | environment)
    return "" if done.returncode == 0 else done.stdout + done.stderr


def filled(text: str, values: dict[str, str]) -> str:
    """${NAME} and ${NAME:-default} as a compose file means them; $$ is one of them."""
    def value(found: re.Match) -> str:
        if found[0] == "$$":
            return "$"
        assert found[1] in values or found[2] is not None, f"{found[0]} has no value"
        return values.get(found[1], found[2])
    return re.sub(r"\$\$|\$\{(\w+)(?::-([^}]*))?\}", value, text)


def every(tree: object) -> Iterable[object]:
    """All that is within a tree of lists and mappings, itself too."""
    yield tree
    for child in tree.values() if isinstance(tree, dict) else tree if isinstance(tree, list) else ():
        yield from every(child)
