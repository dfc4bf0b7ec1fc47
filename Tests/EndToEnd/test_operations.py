# SPDX-License-Identifier: Apache-2.0
"""What the pages for operators say, held against the program: settings, metrics, ports, refusals, files."""

from __future__ import annotations

import re

import pytest
import yaml

from server import ROOT
from shipped import OPERATIONS, complete, metrics, settings

PAGES = sorted(OPERATIONS.glob("*.md"))
# Families that say no, in their names.
REFUSING = re.compile(r"refus|fail|drop|timeout|closes|ends_|ended|ignored|mending|lost|denied|mismatch|fence|skip")


@pytest.fixture(scope="module")
def said(binary) -> dict[str, dict[str, set[str]]]:
    """Of a whole node: each family, its labels and their values."""
    with complete() as node:
        families: dict[str, dict[str, set[str]]] = {}
        for name in node.metrics():
            family, _, labels = name.partition("{")
            found = families.setdefault(family, {})
            for label, value in re.findall(r'(\w+)="([^"]*)"', labels):
                found.setdefault(label, set()).add(value)
    return families


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.stem)
def test_what_a_page_names_is_there(page) -> None:
    """Settings in backquotes, their environment names, metrics, and paths of this tree."""
    text = page.read_text()
    known = set(settings().values())
    groups = {path.split(".")[0] for path in known}
    for name in re.findall(r"`([a-z_]+(?:\.[a-z_]+)+)(?:: [^`]*)?`", text):
        if name.split(".")[0] in groups and not name.endswith((".md", ".yml", ".conf", ".sh", ".env")):
            assert name in known, name
    for name in re.findall(r"\bMILLRACE_[A-Z_]+\b", text):
        assert name in settings() or name in ("MILLRACE_TOKEN", "MILLRACE_CONFIG") or name.endswith("_"), name
    for name in re.findall(r"\bmillrace_[a-z0-9_]+", text):
        assert any(known.startswith(name) for known in metrics()), name
    for place in re.findall(r"`((?:deployments|infra|scripts|Tests|cluster)/[\w./-]+)`", text):
        assert (ROOT / place).exists(), place


def test_every_refusal_has_its_row(said) -> None:
    """The values that the page lists for a counter are those that a node counts, no more and no fewer."""
    text = (OPERATIONS / "refusals.md").read_text()
    # A counter's part goes to the next counter that has labels, or to the next heading.
    parts = re.findall(r"^`(millrace_\w+)\{([\w, ]+)\}`(.*?)(?=^`millrace_\w+\{|^## |\Z)", text, re.M | re.S)
    assert len(parts) > 15
    wrong = []
    for family, labels, part in parts:
        label = labels.split(", ")[-1]
        rows = re.findall(r"^\| ((?:`\w+`(?:, )?)+) \|", part, re.M)
        listed = set(re.findall(r"`(\w+)`", " ".join(rows))) if rows else {
            value for value in re.findall(r"`(\w+)`", part) if value in said[family][label]}
        wrong += [f"{family}: {each}" for each in listed ^ said[family][label]]
    assert not wrong


def test_every_counter_that_says_no_is_told_of() -> None:
    text = "".join(page.read_text() for page in PAGES)
    named = set(re.findall(r"\bmillrace_[a-z0-9_]+", text))
    short = set(re.findall(r"`_([a-z0-9_]+)`", text))
    untold = [family for family in sorted(metrics())
              if REFUSING.search(family) and not family.endswith(("_bucket", "_count", "_sum"))
              and family not in named and not any(family.endswith(end) for end in short)]
    assert not untold


def test_ports_are_those_of_the_settings() -> None:
    defaults = yaml.safe_load((ROOT / "millrace.yml").read_text())
    page = (OPERATIONS / "ports.md").read_text()
    listed = {setting: int(port) for port, setting in re.findall(r"^\| (\d+) [^|]*\| `([\w.]+)`", page, re.M)}
    for setting, port in listed.items():
        value = defaults
        for key in setting.split("."):
            value = value[key]
        assert value == port or value == 0 and f"{port} TCP | `{setting}`, off by default" in page, setting
    everything = {path for path in settings().values() if path.endswith(".port") or path.endswith("_port")}
    assert everything == set(listed)
