# SPDX-License-Identifier: Apache-2.0
"""What figures that grow say: a constant, and so much for each viewer or stream, by least squares; and how far from that line
the farthest of them lies."""

from __future__ import annotations

import dataclasses

# Of a figure with `streams`, `viewers`, `cores`, `memory`, …: its name, and what it is measured in.
COSTS = {"cores": ("CPU", "% of a core", 100), "memory": ("memory", "MiB", 1), "p95": ("latency p95", "ms", 1)}
AXES = {"viewers": "viewers of one stream", "streams": "streams with one viewer each"}


@dataclasses.dataclass(frozen=True)
class Line:
    """constant + slope × count."""

    constant: float
    slope: float
    # Of the point that lies farthest from it, as a share of the line there: above 0 it costs more than the line says.
    farthest: float

    def at(self, count: float) -> float:
        return self.constant + self.slope * count


def fit(points: list[tuple[float, float]]) -> Line:
    """Least squares over (count, value), all above 0, at least two counts. Each point is weighed by its own size: the counts
    go by tens, and without that the largest alone would say how the line lies."""
    assert len({count for count, _ in points}) >= 2 and all(value > 0 for _, value in points), points
    weights = [(1 / value**2, count, value) for count, value in points]
    total = sum(weight for weight, _, _ in weights)
    x = sum(weight * count for weight, count, _ in weights) / total
    y = sum(weight * value for weight, _, value in weights) / total
    slope = (sum(weight * (count - x) * (value - y) for weight, count, value in weights)
             / sum(weight * (count - x) ** 2 for weight, count, _ in weights))
    constant = y - slope * x
    off = [(value - (constant + slope * count)) / max(abs(constant + slope * count), 1e-9) for count, value in points]
    return Line(constant, slope, max(off, key=abs))


def axis(figures: list[dict], name: str) -> list[dict]:
    """The figures over viewers of one stream, or over streams with a viewer each, by their count."""
    chosen = [one for one in figures if (one["streams"] == 1 if name == "viewers" else one["viewers"] == one["streams"])]
    return sorted(chosen, key=lambda one: one[name])


def points(figures: list[dict], name: str, cost: str) -> list[tuple[float, float]]:
    """(count, value) of a cost in its unit; below what a clock of 10 ms can tell, that."""
    scale = COSTS[cost][2]
    return [(one[name], max(one[cost] * scale, 0.01)) for one in axis(figures, name)]


def line(figures: list[dict], name: str, cost: str) -> Line | None:
    """None where fewer than two counts were measured."""
    measured = points(figures, name, cost)
    return fit(measured) if len({count for count, _ in measured}) >= 2 else None


def sentences(figures: list[dict]) -> list[str]:
    """For people, one for each axis and cost."""
    found = []
    for name, what in AXES.items():
        for cost, (label, unit, _) in COSTS.items():
            if (one := line(figures, name, cost)) is None:
                continue
            count = axis(figures, name)[-1][name]
            each = f"{one.slope * 1024:.4g} KiB" if unit == "MiB" else f"{one.slope:.4g} {unit}"
            found.append(f"{label} over {what}: **{one.constant:.4g} {unit} + {each} each**, to {count}; "
                         f"the farthest point is {abs(one.farthest):.0%} {'above' if one.farthest > 0 else 'below'} the line.")
    return found
