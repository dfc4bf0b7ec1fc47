#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Writes rules/alerts.yml, tests/alerts.yml and, with the recording rules, the rules for the Prometheus operator from
alerts.yml: `make_alerts.py`, or `--check` to compare alone.

Each alert brings the series of a fault that makes it fire, and of a recovery after which it is silent again; both
become a test for `promtool test rules`."""

from __future__ import annotations

import pathlib
import re
import sys

import yaml

HERE = pathlib.Path(__file__).resolve().parent
OPERATOR = "../../deployments/kubernetes/monitoring/rules.yaml"
# Where the runbook is read, says `external_labels` of prometheus.yml; in the tests it is here.
RUNBOOK, TESTED = "{{ $externalLabels.runbooks }}", "https://tests.example.org/runbook"
# Where the series of tests come from, unless they say so.
PLACE = {"instance": "one:8080", "job": "millrace", "region": "east"}
HEAD = "# SPDX-License-Identifier: Apache-2.0\n# Written by make_alerts.py of alerts.yml.\n\n"


def main() -> int:
    described = yaml.safe_load((HERE / "alerts.yml").read_text())
    made = {"rules/alerts.yml": rules(described), "tests/alerts.yml": tests(described),
            OPERATOR: resource(described)}
    wrong = [name for name, content in made.items() if text(content) != read(HERE / name)]
    if "--check" in sys.argv[1:]:
        print("\n".join(f"{name} is not what make_alerts.py writes" for name in wrong), end="\n" if wrong else "")
        return 1 if wrong else 0
    for name in wrong:
        (HERE / name).parent.mkdir(exist_ok=True)
        (HERE / name).write_text(text(made[name]))
    return 0


def rules(described: dict) -> dict:
    return {"groups": [{"name": group, "rules": [rule(alert) for alert in alerts]}
                       for group, alerts in described.items()]}


def resource(described: dict) -> dict:
    """All rules as the Prometheus operator takes them."""
    recording = yaml.safe_load((HERE / "rules/recording.yml").read_text())
    return {"apiVersion": "monitoring.coreos.com/v1", "kind": "PrometheusRule", "metadata": {"name": "millrace"},
            "spec": {"groups": rules(described)["groups"] + recording["groups"]}}


def rule(alert: dict) -> dict:
    return {"alert": alert["alert"], "expr": alert["expr"].strip(), "for": alert["for"],
            "labels": {"severity": alert["severity"]},
            "annotations": {"summary": alert["summary"], "runbook_url": f"{RUNBOOK}#{alert['alert'].lower()}"}}


def tests(described: dict) -> dict:
    return {"rule_files": ["../rules/alerts.yml", "../rules/recording.yml"], "evaluation_interval": "10s",
            "tests": [test(alert) for alerts in described.values() for alert in alerts]}


def test(alert: dict) -> dict:
    """The fault is not there at `before`, fires by `fires`, and is silent again at `clears`; what always fires has
    neither `before` nor `clears`."""
    at = alert["test"]
    labels = {name: PLACE[name] for name in at.get("by", PLACE)} | at.get("labels", {})
    summary = re.sub(r"{{ \$labels\.(\w+) }}", lambda found: labels[found[1]], alert["summary"])
    expected = {"exp_labels": {"severity": alert["severity"], **labels},
                "exp_annotations": {"summary": summary, "runbook_url": f"{TESTED}#{alert['alert'].lower()}"}}
    question = {"alertname": alert["alert"]}
    return {"name": alert["alert"], "interval": "5s", "external_labels": {"runbooks": TESTED},
            "input_series": [{"series": placed(name), "values": values} for name, values in at["series"].items()],
            "alert_rule_test": [
                {"eval_time": at[when], **question, "exp_alerts": [expected] if when == "fires" else []}
                for when in ("before", "fires", "clears") if when in at]}


def placed(series: str) -> str:
    """A series with the labels of a place, but for those that it says itself."""
    name, _, own = series.partition("{")
    known = dict(re.findall(r'(\w+)="([^"]*)"', own))
    return name + "{" + ", ".join(f'{label}="{value}"' for label, value in (PLACE | known).items()) + "}"


def text(content: dict) -> str:
    return HEAD + yaml.safe_dump(content, sort_keys=False, width=110, allow_unicode=True)


def read(path: pathlib.Path) -> str:
    return path.read_text() if path.exists() else ""


if __name__ == "__main__":
    sys.exit(main())
