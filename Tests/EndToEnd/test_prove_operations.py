# SPDX-License-Identifier: Apache-2.0
"""The page of `make prove operations` has a row of everything that it has a heading for."""

from __future__ import annotations

import ast
import pathlib
import string

import pytest

HERE = pathlib.Path(__file__).parent


@pytest.mark.unit
def test_every_section_has_figures_of_a_test_that_is_run() -> None:
    written = {node.targets[0].id: node.value for node in ast.parse((HERE / "prove_operations.py").read_text()).body
               if isinstance(node, ast.Assign) and isinstance(node.targets[0], ast.Name)}
    told = figures(ast.literal_eval(written["TESTS"]))
    sections = ast.literal_eval(written["SECTIONS"])
    assert {"trace", "alerts", "rolling restart"} <= {kind for _, _, kind, _ in sections}
    for title, _, kind, columns in sections:
        assert kind in told, f"no test measures {title}"
        used = {name for text in columns.values() for _, name, _, _ in string.Formatter().parse(text) if name}
        # None stands for names that are made as the test runs.
        assert used <= told[kind] or None in told[kind], f"{title}: {used - told[kind]}"


def figures(tests: list[str]) -> dict[str, set[str | None]]:
    """The names of the figures of each kind, by the calls in these files."""
    found: dict[str, set[str | None]] = {}
    for test in tests:
        for node in ast.walk(ast.parse((HERE / test).read_text())):
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "figures":
                values = {each.arg: each.value for each in node.keywords}
                found.setdefault(values["kind"].value, set()).update(values)
    return found
