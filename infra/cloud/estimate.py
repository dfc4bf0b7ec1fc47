#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Estimates what the stacks of this folder cost in a month, as a table: `estimate.py`, by sizes.yml."""

from __future__ import annotations

import pathlib

import yaml

HERE = pathlib.Path(__file__).resolve().parent
HOURS = 730
BITRATE = 3e6
# hls.segment of the default profile, and what is written for each: the segment and the playlist that lists it.
SEGMENT_SECONDS, WRITES = 2, 2
# Gigabytes of a machine's disk, of an origin and of all others; public addresses of the two balancers in two zones.
ORIGIN_DISK, DISK, BALANCER_ADDRESSES = 40, 8, 4
ROWS = ["machines", "disks, addresses, monitoring", "load balancers", "to viewers from edges",
        "to viewers from CloudFront", "requests to CloudFront", "between regions", "writes of recordings",
        "recordings", "together"]


def main() -> None:
    described = yaml.safe_load((HERE / "sizes.yml").read_text())
    sums = {name: estimate(size, described["prices"]) for name, size in described["sizes"].items()}
    print("| dollars a month | " + " | ".join(sums) + " |")
    print("|---|" + "---|" * len(sums))
    for row in ROWS:
        print(f"| {row} | " + " | ".join(f"{each[row]:,.0f}" for each in sums.values()) + " |")


def estimate(size: dict, prices: dict) -> dict[str, float]:
    regions, streams, seconds = size["regions"], size["streams"], HOURS * 3600
    large = size["origins"] + size["shields"]
    count = large + size["edges"] + 2
    machines = large * prices["c7i.large"] + size["edges"] * prices[size["edge_type"]] + 2 * prices["t3.small"]
    around = (size["origins"] * ORIGIN_DISK + (count - size["origins"]) * DISK) * prices["disk"]
    around += count * prices["monitoring"] + (count + BALANCER_ADDRESSES) * prices["public_address"] * HOURS
    to_viewers, published = gigabytes(BITRATE * size["viewers"]), gigabytes(BITRATE * streams)
    from_edges, from_cdn = to_viewers * (1 - size["cdn"]), to_viewers * size["cdn"]
    balancers = (prices["application_balancer"] + prices["network_balancer"]) * HOURS * regions
    balancers += from_edges * prices["application_unit"] + published * prices["network_unit"]
    parts = [
        machines * HOURS * regions, around * regions, balancers,
        from_edges * prices["egress"], from_cdn * prices["cdn"],
        size["viewers"] * size["cdn"] * seconds / SEGMENT_SECONDS * prices["cdn_request"],
        # With shields each stream goes to two of each other region, without to each edge of them.
        published * (regions - 1) * (size["shields"] or size["edges"]) * prices["between"],
        streams * seconds / SEGMENT_SECONDS * WRITES * prices["put"],
        BITRATE * streams * size["days"] * 86_400 / 8e9 * prices["storage"],
    ]
    return dict(zip(ROWS, [*parts, sum(parts)], strict=True))


def gigabytes(bits_a_second: float) -> float:
    """Of a month."""
    return bits_a_second * HOURS * 3600 / 8e9


if __name__ == "__main__":
    main()
