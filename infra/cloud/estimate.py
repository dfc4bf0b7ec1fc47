#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Estimates what the stacks of this folder cost in a month, as a table: `estimate.py`, by sizes.yml."""

from __future__ import annotations

import pathlib

import yaml

HERE = pathlib.Path(__file__).resolve().parent
HOURS = 730
BITRATE = 3e6
ROWS = ["machines", "load balancers", "to viewers from edges", "to viewers from CloudFront", "between regions",
        "recordings", "together"]


def main() -> None:
    described = yaml.safe_load((HERE / "sizes.yml").read_text())
    sums = {name: estimate(size, described["prices"]) for name, size in described["sizes"].items()}
    print("| dollars a month | " + " | ".join(sums) + " |")
    print("|---|" + "---|" * len(sums))
    for row in ROWS:
        print(f"| {row} | " + " | ".join(f"{each[row]:,.0f}" for each in sums.values()) + " |")


def estimate(size: dict, prices: dict) -> dict[str, float]:
    regions = size["regions"]
    machines = (size["origins"] * prices["c7i.large"] + size["edges"] * prices[size["edge_type"]]
                + 2 * prices["t3.small"]) * HOURS * regions
    to_viewers = gigabytes(BITRATE * size["viewers"])
    from_edges = to_viewers * (1 - size["cdn"])
    balancers = (prices["application_balancer"] + prices["network_balancer"]) * HOURS * regions
    balancers += from_edges * prices["balancer_unit"]
    # Each stream goes once to each other region.
    between = gigabytes(BITRATE * size["streams"]) * (regions - 1) * prices["between"]
    stored = BITRATE * size["streams"] * size["days"] * 86_400 / 8e9 * prices["storage"]
    parts = [machines, balancers, from_edges * prices["egress"], to_viewers * size["cdn"] * prices["cdn"], between,
             stored]
    return dict(zip(ROWS, [*parts, sum(parts)]))


def gigabytes(bits_a_second: float) -> float:
    """Of a month."""
    return bits_a_second * HOURS * 3600 / 8e9


if __name__ == "__main__":
    main()
