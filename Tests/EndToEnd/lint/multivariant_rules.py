# SPDX-License-Identifier: Apache-2.0
"""What a multivariant playlist must say of the media it points to."""

from __future__ import annotations

from decimal import Decimal

from .findings import ERROR, WARNING, Report, rule
from .model import MediaPlaylist, MultivariantPlaylist

EMPTY = rule("multivariant.empty", ERROR, "a multivariant playlist has a variant", "8216bis 4.4.6.2")
CODECS_MISSING = rule("multivariant.codecs-missing", ERROR, "every variant says its CODECS",
                      "Apple authoring 9.1; 8216bis 4.4.6.2")
CODECS = rule("multivariant.codecs", ERROR, "CODECS are those of the init section, all of them", "8216bis 4.4.6.2")
RESOLUTION = rule("multivariant.resolution", ERROR, "RESOLUTION is there for video and true", "Apple authoring 9.2")
FRAME_RATE = rule("multivariant.frame-rate", ERROR, "FRAME-RATE is there for video, at least the average, at most the highest rate",
                  "Apple authoring 9.3")
AVERAGE = rule("multivariant.average-missing", ERROR, "AVERAGE-BANDWIDTH is there", "Apple authoring 9.14")
PEAK = rule("multivariant.bandwidth-low", ERROR, "the measured peak is at most 1.25 × BANDWIDTH in live streams",
            "Apple authoring 1.27; 8216bis 4.4.6.2")
AVERAGE_LOW = rule("multivariant.average-low", ERROR, "the measured average is at most 1.25 × AVERAGE-BANDWIDTH",
                   "Apple authoring 1.26")
INDEPENDENT = rule("multivariant.independent", WARNING, "INDEPENDENT-SEGMENTS stands where all segments are so",
                   "Apple authoring 9.11")
RENDITIONS_DIFFER = rule("multivariant.renditions-differ", ERROR,
                         "renditions share target duration, server control and program date time", "8216bis 6.2.4")


def check(playlist: MultivariantPlaylist, report: Report, where: str = "") -> None:
    """Adds what the playlist alone must fulfil."""
    if not playlist.variants:
        report.add(EMPTY, "no variant", where)
    for variant in playlist.variants:
        attributes = variant.attributes
        if "CODECS" not in attributes:
            report.add(CODECS_MISSING, variant.uri, where)
        if "AVERAGE-BANDWIDTH" not in attributes:
            report.add(AVERAGE, variant.uri, where)
        if _has_video(attributes) and "RESOLUTION" not in attributes:
            report.add(RESOLUTION, f"{variant.uri} has none", where)
        if _has_video(attributes) and "FRAME-RATE" not in attributes:
            report.add(FRAME_RATE, f"{variant.uri} has none", where)
    if not playlist.independent_segments:
        report.add(INDEPENDENT, "no EXT-X-INDEPENDENT-SEGMENTS", where)


def check_variant(attributes: dict[str, str], codecs: list[str], size: tuple[int, int] | None,
                  frame_rates: tuple[float, float] | None, report: Report, where: str = "") -> None:
    """Adds attributes that the init section and the fragments do not bear out; rates are (average, highest)."""
    said = sorted(name.strip() for name in attributes.get("CODECS", "").split(",") if name.strip())
    if said != sorted(codecs):
        report.add(CODECS, f"{','.join(said)} against {','.join(sorted(codecs))}", where)
    if size and "RESOLUTION" in attributes and attributes["RESOLUTION"] != f"{size[0]}x{size[1]}":
        report.add(RESOLUTION, f"{attributes['RESOLUTION']} against {size[0]}x{size[1]}", where)
    if frame_rates and "FRAME-RATE" in attributes:
        average, highest = frame_rates
        if not 0.98 * average <= float(attributes["FRAME-RATE"]) <= 1.02 * highest:
            report.add(FRAME_RATE, f"{attributes['FRAME-RATE']} against {average:.3f} to {highest:.3f}", where)


def check_bandwidth(attributes: dict[str, str], segments: list[tuple[Decimal, int]], target: int, report: Report,
                    where: str = "") -> tuple[float, float]:
    """Adds BANDWIDTH and AVERAGE-BANDWIDTH that are too low for `segments` (seconds, bytes); returns what was measured."""
    peak, average = measured(segments, target)
    if peak > 1.25 * int(attributes.get("BANDWIDTH", "0")):
        report.add(PEAK, f"BANDWIDTH {attributes.get('BANDWIDTH')}, measured {peak:.0f}", where)
    if "AVERAGE-BANDWIDTH" in attributes and average > 1.25 * int(attributes["AVERAGE-BANDWIDTH"]):
        report.add(AVERAGE_LOW, f"AVERAGE-BANDWIDTH {attributes['AVERAGE-BANDWIDTH']}, measured {average:.0f}", where)
    return peak, average


def measured(segments: list[tuple[Decimal, int]], target: int) -> tuple[float, float]:
    """(peak, average) bits a second; the peak over runs of segments that last 0.5 to 1.5 target durations."""
    peak = 0.0
    for first in range(len(segments)):
        seconds, size = Decimal(0), 0
        for duration, count in segments[first:]:
            seconds, size = seconds + duration, size + count
            if seconds > Decimal("1.5") * target:
                break
            if seconds >= Decimal("0.5") * target:
                peak = max(peak, 8 * size / float(seconds))
    total = sum((duration for duration, _ in segments), Decimal(0))
    return peak, 8 * sum(count for _, count in segments) / float(total) if total else 0.0


def check_renditions(playlists: list[MediaPlaylist], report: Report, where: str = "") -> None:
    """Adds renditions of one presentation that differ where they must be alike."""
    for name in ("target_duration", "part_target", "server_control"):
        if len({str(getattr(playlist, name)) for playlist in playlists}) > 1:
            report.add(RENDITIONS_DIFFER, name, where)
    if len({any(segment.pdt for segment in playlist.segments) for playlist in playlists}) > 1:
        report.add(RENDITIONS_DIFFER, "EXT-X-PROGRAM-DATE-TIME in some only", where)


def _has_video(attributes: dict[str, str]) -> bool:
    return any(attributes.get("CODECS", "").find(name) >= 0 for name in ("avc", "hvc", "hev", "av01", "vp09"))
