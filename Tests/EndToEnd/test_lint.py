# SPDX-License-Identifier: Apache-2.0
"""Proof 3: the lint finds nothing over all profiles."""

from __future__ import annotations

import contextlib

import pytest

from conftest import seconds
from linting import LintProcess
from publishers import Publisher
from server import Server

PROFILES = {"default": {}, "low-latency": {"HLS_PROFILE": "low-latency"}, "apple": {"HLS_PROFILE": "apple"}}
CLIPS = ["default", "low-latency"]  # with B-frames and without


@pytest.fixture(scope="module")
def lints(binary: str):
    """Every profile at once, each on a node of its own, each clip watched for 25 s (full: ten minutes)."""
    with contextlib.ExitStack() as stack:
        started: dict[tuple[str, str], LintProcess] = {}
        for profile, settings in PROFILES.items():
            server = stack.enter_context(Server(**settings))
            for clip in CLIPS:
                stack.enter_context(Publisher(clip, server.publish_url(clip)))
                started[profile, clip] = LintProcess(server.playlist(clip), seconds(25, 600))
                stack.callback(started[profile, clip].kill)
        yield started


@pytest.mark.parametrize("clip", CLIPS)
@pytest.mark.parametrize("profile", PROFILES)
def test_finds_nothing(lints: dict[tuple[str, str], LintProcess], profile: str, clip: str, figures) -> None:
    """No MUST and no SHOULD of the rules is broken."""
    lint = lints[profile, clip]
    figures(kind="lint", name=f"{profile}, clip {clip}", **lint.summary, findings=lint.rules)
    assert not lint.findings, "\n".join(f"{found['level']}: {found['rule']}: {found['message']}"
                                        for found in lint.findings[:20])
    assert lint.summary["segments"] >= seconds(25, 600) / 6, lint.summary
