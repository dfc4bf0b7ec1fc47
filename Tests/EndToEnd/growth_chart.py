# SPDX-License-Identifier: Apache-2.0
"""What a node costs over its viewers and streams, as an SVG: both scales by powers of ten, what was measured as points, and
the straight line that fits them best, which here is a curve."""

from __future__ import annotations

import math

from growth import AXES, COSTS, axis, line, points

WIDTH, HEIGHT, LEFT, RIGHT, TOP, BOTTOM = 900, 300, 60, 150, 30, 36
COLOURS = {"cores": "#1f6feb", "memory": "#1a7f37", "p95": "#9a6700"}
# Nothing below is drawn.
LEAST = 0.1


def chart(figures: list[dict]) -> str:
    """Of figures with `streams`, `viewers`, `cores`, `memory` and `p95`: one panel over viewers, one over streams."""
    panels = [panel(figures, name, index * HEIGHT) for index, name in enumerate(AXES)]
    return (f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {len(AXES) * HEIGHT}" font-family="sans-serif" '
            f'font-size="12">\n<rect width="100%" height="100%" fill="white"/>\n' + "\n".join(panels) + "\n</svg>\n")


def panel(figures: list[dict], name: str, offset: int) -> str:
    measured = {cost: points(figures, name, cost) for cost in COSTS}
    values = [max(value, LEAST) for each in measured.values() for _, value in each]
    if not values:
        return ""
    low, high = math.floor(math.log10(min(values))), math.ceil(math.log10(max(values)) + 1e-9)
    last = max(1, math.ceil(math.log10(axis(figures, name)[-1][name]) - 1e-9))

    def x(count: float) -> float:
        return LEFT + (WIDTH - LEFT - RIGHT) * math.log10(count) / last

    def y(value: float) -> float:
        return offset + TOP + (HEIGHT - TOP - BOTTOM) * (high - math.log10(max(value, LEAST))) / max(1, high - low)

    parts = [f'<text x="{LEFT}" y="{offset + 16}" font-weight="bold">Over {AXES[name]}</text>']
    for power in range(low, high + 1):
        parts.append(f'<line x1="{LEFT}" x2="{WIDTH - RIGHT}" y1="{y(10**power):.1f}" y2="{y(10**power):.1f}" stroke="#d8dee4"/>'
                     f'<text x="{LEFT - 6}" y="{y(10**power) + 4:.1f}" text-anchor="end">{10.0**power:g}</text>')
    parts += [f'<text x="{x(10**power):.1f}" y="{offset + HEIGHT - 12}" text-anchor="middle">{10**power}</text>'
              for power in range(last + 1)]
    for cost, each in measured.items():
        label, unit, _ = COSTS[cost]
        parts += [f'<circle cx="{x(count):.1f}" cy="{y(value):.1f}" r="3.5" fill="{COLOURS[cost]}"/>' for count, value in each]
        parts.append(f'<text x="{x(each[-1][0]) + 8:.1f}" y="{y(each[-1][1]) + 4:.1f}" fill="{COLOURS[cost]}">{label}, {unit}</text>')
        if (fitted := line(figures, name, cost)) is not None:
            steps = [10 ** (math.log10(each[-1][0]) * step / 40) for step in range(41)]
            path = " ".join(f"{'L' if index else 'M'}{x(count):.1f} {y(fitted.at(count)):.1f}"
                            for index, count in enumerate(steps))
            parts.append(f'<path d="{path}" fill="none" stroke="{COLOURS[cost]}" stroke-width="1.5"/>')
    return "\n".join(parts)
