#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Writes dashboards/*.json from dashboards.yml: `make_dashboards.py`, or `--check` to compare alone.

In an expression `@` within braces stands for the region and the nodes that are chosen above the dashboard, `@region`
for the region alone."""

from __future__ import annotations

import json
import pathlib
import sys

import yaml

HERE = pathlib.Path(__file__).resolve().parent
SOURCE = {"type": "prometheus", "uid": "${source}"}
CHOSEN_REGION = 'region=~"$region"'
CHOSEN = CHOSEN_REGION + ', instance=~"$instance"'
WIDTH, HEIGHT = 24, 8
KINDS = {"graph": "timeseries", "number": "stat", "table": "table", "heat": "heatmap"}


def main() -> int:
    described = yaml.safe_load((HERE / "dashboards.yml").read_text())
    wrong = False
    for name, dashboard in described.items():
        path = HERE / "dashboards" / f"{name}.json"
        text = json.dumps(board(name, dashboard, described), indent=1, ensure_ascii=False) + "\n"
        if path.exists() and path.read_text() == text:
            continue
        wrong = True
        if "--check" in sys.argv[1:]:
            print(f"{path.name} is not what make_dashboards.py writes")
        else:
            path.parent.mkdir(exist_ok=True)
            path.write_text(text)
    strangers = {path.stem for path in HERE.glob("dashboards/*.json")} - set(described)
    if strangers:
        print(f"described nowhere: {', '.join(sorted(strangers))}")
    return 1 if strangers or wrong and "--check" in sys.argv[1:] else 0


def board(name: str, described: dict, all_boards: dict) -> dict:
    return {
        "uid": f"millrace-{name}", "title": f"Millrace {described['title']}", "tags": ["millrace"], "schemaVersion": 39,
        "version": 1, "editable": False, "refresh": "5s", "time": {"from": "now-30m", "to": "now"}, "timezone": "browser",
        "graphTooltip": 1,
        "links": [{"type": "dashboards", "tags": ["millrace"], "asDropdown": True, "title": "Millrace",
                   "includeVars": True, "keepTime": True, "targetBlank": False, "url": ""}],
        "templating": {"list": [
            {"name": "source", "type": "datasource", "query": "prometheus", "label": "Source"},
            variable("region", "Region", described.get("of", "millrace_uptime_seconds")),
            variable("instance", "Node", described.get("of", "millrace_uptime_seconds") + "{" + CHOSEN_REGION + "}")]},
        "panels": panels(described["rows"])}


def variable(name: str, label: str, series: str) -> dict:
    return {"name": name, "label": label, "type": "query", "datasource": SOURCE, "refresh": 2, "multi": True,
            "includeAll": True, "allValue": ".*", "current": {"text": "All", "value": "$__all"}, "sort": 1,
            "definition": f"label_values({series}, {name})",
            "query": {"query": f"label_values({series}, {name})", "refId": name}}


def panels(rows: list[dict]) -> list[dict]:
    made, y = [], 0
    for row in rows:
        made.append({"id": len(made) + 1, "type": "row", "title": row["row"], "collapsed": False, "panels": [],
                     "gridPos": {"h": 1, "w": WIDTH, "x": 0, "y": y}})
        y += 1
        x = 0
        for described in row["panels"]:
            width = described.get("width", WIDTH // min(3, len(row["panels"])))
            height = described.get("height", 4 if described.get("kind") == "number" else HEIGHT)
            if x + width > WIDTH:
                x, y = 0, y + height
            made.append(panel(len(made) + 1, described, {"h": height, "w": width, "x": x, "y": y}))
            x += width
        y += height
    return made


def panel(number: int, described: dict, place: dict) -> dict:
    kind = described.get("kind", "graph")
    defaults: dict = {"unit": described.get("unit", "short"), "min": described.get("min", 0)}
    if "max" in described:
        defaults["max"] = described["max"]
    if "bad" in described:
        # Green below, red from there on.
        defaults["thresholds"] = {"mode": "absolute", "steps": [
            {"color": "green", "value": None}, {"color": "red", "value": described["bad"]}]}
    if kind == "graph":
        defaults["custom"] = {"lineWidth": 1, "fillOpacity": 10, "showPoints": "never",
                              "stacking": {"mode": "normal" if described.get("stacked") else "none"}}
    made = {"id": number, "type": KINDS[kind], "title": described["panel"], "description": described.get("about", ""),
            "datasource": SOURCE, "gridPos": place, "fieldConfig": {"defaults": defaults, "overrides": []},
            "targets": [target(letter, query, kind) for letter, query in zip("ABCDEFGH", queries(described))]}
    if kind == "number":
        made["options"] = {"reduceOptions": {"calcs": ["lastNotNull"]}, "colorMode": "value", "graphMode": "area"}
    if kind == "graph":
        made["options"] = {"legend": {"displayMode": "list", "placement": "bottom"}, "tooltip": {"mode": "multi"}}
    if kind == "table":
        made["transformations"] = [{"id": "organize", "options": {"excludeByName": {"Time": True}}}]
    return made


def queries(described: dict) -> list[tuple[str, str]]:
    """Legend and expression of each line."""
    found = described["query"]
    return list(found.items()) if isinstance(found, dict) else [(described.get("legend", "{{instance}}"), found)]


def target(letter: str, query: tuple[str, str], kind: str) -> dict:
    legend, expression = query
    filled = expression.strip().replace("@region", CHOSEN_REGION).replace("@", CHOSEN)
    return {"refId": letter, "datasource": SOURCE, "expr": filled, "legendFormat": legend,
            "instant": kind in ("number", "table"), "range": kind not in ("number", "table"),
            "format": {"table": "table", "heat": "heatmap"}.get(kind, "time_series")}


if __name__ == "__main__":
    sys.exit(main())
