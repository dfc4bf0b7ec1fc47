# SPDX-License-Identifier: Apache-2.0
"""Every alert fires of its fault, done to real nodes that a real Prometheus looks at, and clears when it is mended."""

from __future__ import annotations

import concurrent.futures
import contextlib
import dataclasses
import pathlib
import re
import time

import pytest
import yaml

import faults_around  # noqa: F401
import faults_media  # noqa: F401
import faults_nodes  # noqa: F401
from alert_faults import FAULTS, Fault
from alerting import Prometheus, Scene, shorter
from clips import path as clip
from conftest import seconds
from server import wait_until
from shipped import INFRA

# By how much the rules' windows and waits are shorter here.
FACTOR = int(seconds(30, 6))
# So many faults at a time: they wait most of the time.
TOGETHER = 10


@dataclasses.dataclass(frozen=True)
class Told:
    """When a fault's alerts had all come, and when all had gone, in seconds from the fault and from its repair."""

    fired: float
    cleared: float


@pytest.fixture(scope="module")
def told(binary, request, tmp_path_factory) -> dict[str, Told | BaseException]:
    """What became of the faults that are asked for, which all happen now."""
    wanted = {item.callspec.params["fault"] for item in request.session.items
              if item.module is request.module and hasattr(item, "callspec") and "fault" in item.callspec.params}
    for kind in ("small", "default", "audio-only"):
        clip(kind, "flv")
        clip(kind)
    folder = tmp_path_factory.mktemp("alerts")
    (folder / "prometheus").mkdir()
    with Prometheus(folder / "prometheus", FACTOR) as prometheus:
        with concurrent.futures.ThreadPoolExecutor(TOGETHER) as pool:
            happening = {fault.name: pool.submit(happen, fault, prometheus, folder / fault.name)
                         for fault in FAULTS if fault.name in wanted}
            return {name: future.exception() or future.result() for name, future in happening.items()}


def happen(fault: Fault, prometheus: Prometheus, folder: pathlib.Path) -> Told:
    with Scene(prometheus, fault.name, folder) as scene, contextlib.closing(fault.play(scene)) as steps:
        next(steps)
        count = len(scene.nodes) + scene.balancers
        # It may have got one of its own.
        prometheus = scene.prometheus
        wait_until(lambda: prometheus.scraped(fault.name) == count, 30, "Prometheus to find all", every=0.5)
        before = prometheus.firing(fault.name) & fault.alerts
        assert not before, f"{before} without a fault"
        begun, seen = time.monotonic(), set()
        next(steps)

        def all_fire() -> bool:
            seen.update(prometheus.firing(fault.name) & fault.alerts)
            return seen == fault.alerts
        try:
            wait_until(all_fire, 60 + 600 / FACTOR, "the alerts", every=0.5)
        except AssertionError:
            raise AssertionError(f"no {', '.join(fault.alerts - seen)}") from None
        fired, mending = time.monotonic(), time.monotonic()
        next(steps)
        wait_until(lambda: not prometheus.firing(fault.name) & fault.alerts, 60 + 1800 / FACTOR, "the alerts to clear", every=0.5)
        return Told(fired - begun, time.monotonic() - mending)


@pytest.mark.parametrize("fault", [fault.name for fault in FAULTS])
def test_a_fault_fires_its_alerts_and_they_clear(fault: str, told, figures) -> None:
    outcome = told[fault]
    if isinstance(outcome, BaseException):
        raise outcome
    alerts = next(each.alerts for each in FAULTS if each.name == fault)
    figures(kind="alerts", fault=fault.replace("_", " "), alerts=", ".join(sorted(alerts)), fired=outcome.fired,
            cleared=outcome.cleared, factor=FACTOR)


@pytest.mark.unit
def test_every_alert_has_a_fault() -> None:
    """And no two faults share one. Of the watchdog it is silence that tells: test_alertmanager.py."""
    described = yaml.safe_load((INFRA / "prometheus/alerts.yml").read_text())
    caused = ["MillraceWatchdog", *(alert for fault in FAULTS for alert in fault.alerts)]
    assert sorted(caused) == sorted(alert["alert"] for alerts in described.values() for alert in alerts)


@pytest.mark.unit
def test_shorter_rules_are_the_same_rules() -> None:
    """But for the times in them."""
    for name in ("alerts.yml", "recording.yml"):
        rules = (INFRA / "prometheus/rules" / name).read_text()
        times = r"\[\d+[smhd]\]|^ +for: \d+[smhd]$"
        assert re.sub(times, "", shorter(rules, 30), flags=re.M) == re.sub(times, "", rules, flags=re.M)
    assert shorter("x[10m] y[1m]\n    for: 5m\n    for: 0s\n    for: 5s\n", 30) == (
        "x[20s] y[5s]\n    for: 10s\n    for: 0s\n    for: 1s\n")
