# SPDX-License-Identifier: Apache-2.0
"""What a node is started with: its program, its settings, and its own facts in place of the braces."""

from __future__ import annotations

import os
import pathlib
import re
import shutil
from typing import Any

from .keeper import Missing
from .topology import Node

ROOT = pathlib.Path(__file__).resolve().parents[2]
# Where programs of ours are looked for first; PROGRAM is a `millrace` of another place, as for the end-to-end tests.
PROGRAMS = pathlib.Path(os.environ.get("PROGRAM", ROOT / ".build/release/millrace")).parent


def settings_of(node: Node, meant: dict[str, Any]) -> dict[str, Any]:
    """The keys of the topology, `gossip.port` and the like, as the groups of a settings file."""
    settings: dict[str, Any] = {}
    for key, value in node.settings.items():
        place = settings
        *groups, last = key.split(".")
        for group in groups:
            place = place.setdefault(group, {})
        place[last] = filled(value, meant)
    return settings


def program(name: str) -> str:
    """Ours from the build, others from the path."""
    if (PROGRAMS / name).exists():
        return str(PROGRAMS / name)
    found = shutil.which(name)
    if not found:
        raise Missing(f"no program {name}, neither in {PROGRAMS} nor on the path")
    return found


def filled(value: Any, meant: dict[str, Any]) -> Any:
    """`{name}` within text; a text that is nothing but `{roles}` becomes the list itself."""
    if isinstance(value, list):
        return [filled(each, meant) for each in value]
    if not isinstance(value, str):
        return value
    whole = re.fullmatch(r"\{(\w+)\}", value)
    if whole and whole[1] in meant:
        return meant[whole[1]]
    return re.sub(r"\{(\w+)\}", lambda found: str(meant.get(found[1], found[0])), value)
