# SPDX-License-Identifier: Apache-2.0
"""What a node costs over its viewers and streams, as an SVG: both scales by powers of ten, so that what grows evenly is a
straight line."""

from __future__ import annotations

import math

WIDTH, HEIGHT, LEFT, RIGHT, TOP, BOTTOM = 900, 300, 60, 140, 30, 36
LINES = {"cores": ("a core, %", "#1f6feb", 100), "memory": ("memory, MiB", "#1a7f37", 1), "p95": ("behind p95, ms", "#9a6700", 1)}


def chart(figures: list[dict]) -> str:
    """Of figures with `streams`, `viewers`, `cores`, `memory` and `p95`: one panel over viewers, one over streams."""
    over_viewers = sorted((one for one in figures if one["streams"] == 1), key=lambda one: one["viewers"])
    over_streams = sorted((one for one in figures if one["viewers"] == one["streams"]), key=lambda one: one["streams"])
    panels = [panel("viewers of one stream", "viewers", over_viewers, 0),
              panel("streams with one viewer each", "streams", over_streams, HEIGHT)]
    return (f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {2 * HEIGHT}" font-family="sans-serif" '
            f'font-size="12">\n<rect width="100%" height="100%" fill="white"/>\n' + "\n".join(panels) + "\n</svg>\n")


def panel(title: str, key: str, figures: list[dict], offset: int) -> str:
    values = [max(one[name] * scale, 0.1) for one in figures for name, (_, _, scale) in LINES.items()]
    if not values:
        return ""
    low, high = math.floor(math.log10(min(values))), math.ceil(math.log10(max(values)) + 1e-9)
    last = max(1, math.ceil(math.log10(max(one[key] for one in figures)) - 1e-9))

    def x(count: float) -> float:
        return LEFT + (WIDTH - LEFT - RIGHT) * math.log10(count) / last

    def y(value: float) -> float:
        return offset + TOP + (HEIGHT - TOP - BOTTOM) * (high - math.log10(max(value, 0.1))) / max(1, high - low)

    parts = [f'<text x="{LEFT}" y="{offset + 16}" font-weight="bold">Over {title}</text>']
    for power in range(low, high + 1):
        parts.append(f'<line x1="{LEFT}" x2="{WIDTH - RIGHT}" y1="{y(10**power):.1f}" y2="{y(10**power):.1f}" stroke="#d8dee4"/>'
                     f'<text x="{LEFT - 6}" y="{y(10**power) + 4:.1f}" text-anchor="end">{10.0**power:g}</text>')
    parts += [f'<text x="{x(10**power):.1f}" y="{offset + HEIGHT - 12}" text-anchor="middle">{10**power}</text>'
              for power in range(last + 1)]
    for name, (label, colour, scale) in LINES.items():
        points = [(x(one[key]), y(one[name] * scale)) for one in figures]
        path = " ".join(f"{'M' if index == 0 else 'L'}{a:.1f} {b:.1f}" for index, (a, b) in enumerate(points))
        parts.append(f'<path d="{path}" fill="none" stroke="{colour}" stroke-width="2"/>')
        parts += [f'<circle cx="{a:.1f}" cy="{b:.1f}" r="3" fill="{colour}"/>' for a, b in points]
        parts.append(f'<text x="{points[-1][0] + 8:.1f}" y="{points[-1][1] + 4:.1f}" fill="{colour}">{label}</text>')
    return "\n".join(parts)
