# SPDX-License-Identifier: Apache-2.0
"""What one media playlist alone must fulfil."""

from __future__ import annotations

import datetime
from decimal import Decimal

from .findings import ERROR, WARNING, Report, rule
from .model import MediaPlaylist, Segment

VERSION_LOW = rule("version.low", ERROR, "VERSION is at least what the features used demand", "8216bis 8")
VERSION_HIGH = rule("version.high", WARNING, "VERSION is not greater than needed", "8216bis 4.4.1.2")
TARGET_MISSING = rule("target.missing", ERROR, "TARGETDURATION is there", "8216bis 4.4.3.1")
TARGET_EXCEEDED = rule("target.exceeded", ERROR, "EXTINF rounded to an integer is at most TARGETDURATION",
                       "8216bis 4.4.3.1")
PART_INF_MISSING = rule("part.inf-missing", ERROR, "PART needs PART-INF", "8216bis 4.4.3.7")
PART_OVER = rule("part.over-target", ERROR, "a part lasts at most PART-TARGET", "8216bis 4.4.4.9")
PART_SHORT = rule("part.too-short", ERROR,
                  "a part lasts 85 % of PART-TARGET unless INDEPENDENT, GAP, before a GAP, or last of its segment",
                  "8216bis 4.4.4.9")
PART_SUM = rule("part.sum", ERROR, "the parts of a segment last together as long as its EXTINF", "8216bis 4.4.4.9")
PART_OLD = rule("part.old", WARNING, "PART tags stand only within three target durations of the end",
                "8216bis 6.2.2")
PART_NONE = rule("part.none-near-end", ERROR, "segments of the last two target durations keep their PART tags",
                 "8216bis 6.2.2")
PART_FIRST = rule("part.first-not-independent", WARNING,
                  "with INDEPENDENT-SEGMENTS the first part of a segment is INDEPENDENT", "8216bis 4.4.2.1")
CONTROL_MISSING = rule("control.missing", ERROR, "a low-latency playlist has CAN-BLOCK-RELOAD=YES", "8216bis B.1")
CONTROL_PART_HOLD_BACK = rule("control.part-hold-back", ERROR, "PART-HOLD-BACK is at least three times PART-TARGET",
                              "Apple authoring 14.3; 8216bis 4.4.3.8")
CONTROL_HOLD_BACK = rule("control.hold-back", ERROR, "HOLD-BACK is at least three target durations",
                         "8216bis 4.4.3.8")
CONTROL_SKIP = rule("control.can-skip-until", ERROR, "CAN-SKIP-UNTIL is at least six target durations",
                    "8216bis 4.4.3.8")
CONTROL_SKIP_DATERANGES = rule("control.skip-dateranges", ERROR, "CAN-SKIP-DATERANGES needs CAN-SKIP-UNTIL",
                               "8216bis 4.4.3.8")
MAP_MISSING = rule("map.missing", ERROR, "fragmented MP4 segments have an EXT-X-MAP", "8216bis 3.1.2")
PDT_MISSING = rule("pdt.missing", ERROR, "a low-latency playlist bears PROGRAM-DATE-TIME", "8216bis B.1")
PDT_STEP = rule("pdt.step", ERROR, "PROGRAM-DATE-TIME goes on by EXTINF", "8216bis 4.4.4.6")
PDT_BACK = rule("pdt.back", ERROR, "PROGRAM-DATE-TIME does not go back", "8216bis 4.4.4.6")
HINT_MISSING = rule("hint.missing", ERROR, "a live low-latency playlist has a PRELOAD-HINT for the next part",
                    "8216bis B.1")
HINT_LISTED = rule("hint.listed", ERROR, "PRELOAD-HINT names a part that is not listed yet", "8216bis 4.4.5.3")
HINT_TWICE = rule("hint.twice", ERROR, "one PRELOAD-HINT of a type", "8216bis 4.4.5.3")
WINDOW_SHORT = rule("window.short", ERROR, "a live playlist spans at least three target durations", "8216bis 6.2.2")
TYPE_LIVE = rule("type.live", ERROR, "a playlist that loses segments has no PLAYLIST-TYPE", "8216bis 4.4.3.5, 6.2.1")
REPORT_ABSOLUTE = rule("report.absolute", ERROR, "a RENDITION-REPORT URI is relative", "8216bis 4.4.5.4")
REPORT_FIELDS = rule("report.fields", ERROR, "a RENDITION-REPORT of a live playlist says LAST-MSN and LAST-PART",
                     "8216bis 4.4.5.4")
END_HINT = rule("end.hint", ERROR, "a playlist that ended has neither PRELOAD-HINT nor open parts", "8216bis 6.2.1")
URI_TWICE = rule("uri.twice", ERROR, "no two segments or parts have one URI without byte ranges", "8216bis 4.4.4.9")
SKIP_UNASKED = rule("skip.unasked", ERROR, "EXT-X-SKIP only answers _HLS_skip", "8216bis 6.2.5.1")
SKIP_BOUNDARY = rule("skip.boundary", ERROR, "segments newer than CAN-SKIP-UNTIL are not skipped", "8216bis 4.4.5.2")

ROUNDING = Decimal("0.001")  # what a figure with three places can be off by


def check(playlist: MediaPlaylist, report: Report, where: str = "", *, skip_asked: bool = False,
          returns: bool = False, pdt_tolerance: float = 0.5, begun: bool = True) -> None:
    """Adds every finding of one media playlist.

    `returns` is set where the publisher went away on purpose: program date times may then step forward.
    `pdt_tolerance` in seconds is what stamping by arrival may differ from the media time. `begun` is False while
    nothing was removed yet: a young presentation can not list three target durations.
    """
    _version(playlist, report, where)
    if playlist.target_duration is None:
        report.add(TARGET_MISSING, "no EXT-X-TARGETDURATION", where)
        return
    _durations(playlist, report, where)
    _parts(playlist, report, where)
    _control(playlist, report, where)
    _uris(playlist, report, where)
    _program_date_times(playlist, report, where, returns, pdt_tolerance)
    _reports(playlist, report, where)
    _skip(playlist, report, where, skip_asked)
    if playlist.endlist:
        if playlist.preload_hints or (playlist.open and playlist.open.parts):
            report.add(END_HINT, "PRELOAD-HINT or open parts beside ENDLIST", where)
        return
    if playlist.playlist_type is not None:
        report.add(TYPE_LIVE, playlist.playlist_type, where)
    if begun and playlist.skip is None:
        _window(playlist, report, where)
    _hints(playlist, report, where)


def rounded(duration: Decimal) -> int:
    """To the nearest integer, a half up, as TARGETDURATION is compared."""
    return int(duration + Decimal("0.5"))


def required_version(playlist: MediaPlaylist) -> int:
    """The lowest version that allows what the playlist (or its delta form) uses, 8216bis section 8."""
    version = 1
    if playlist.uses_float:
        version = 3
    if playlist.uses_byterange or playlist.iframes_only:
        version = 4
    if playlist.uses_map:
        version = 5 if playlist.iframes_only else 6
    if playlist.skip is not None or "CAN-SKIP-UNTIL" in (playlist.server_control or {}):
        version = 9
    if playlist.skip and "RECENTLY-REMOVED-DATERANGES" in playlist.skip:
        version = 10
    return version


def _version(playlist: MediaPlaylist, report: Report, where: str) -> None:
    needed = required_version(playlist)
    have = playlist.version or 1
    must = needed if needed != 9 or playlist.skip is not None else 6 if playlist.uses_map else 3
    if have < must:
        report.add(VERSION_LOW, f"{have}, but {must} is needed", where)
    if have > max(needed, 10 if _skips_dateranges(playlist) else 0):
        report.add(VERSION_HIGH, f"{have}, but {needed} is enough", where)


def _skips_dateranges(playlist: MediaPlaylist) -> bool:
    return (playlist.server_control or {}).get("CAN-SKIP-DATERANGES") == "YES"


def _durations(playlist: MediaPlaylist, report: Report, where: str) -> None:
    for segment in playlist.segments:
        if rounded(segment.duration) > playlist.target_duration:
            report.add(TARGET_EXCEEDED, f"msn {segment.msn} lasts {segment.duration} s, the target is "
                       f"{playlist.target_duration}", where)
        if segment.map_uri is None and not playlist.skip and _is_mp4(segment.uri):
            report.add(MAP_MISSING, f"msn {segment.msn}", where)


def _parts(playlist: MediaPlaylist, report: Report, where: str) -> None:
    segments = [segment for segment in playlist.all_segments() if segment.parts]
    if segments and playlist.part_target is None:
        report.add(PART_INF_MISSING, "PART without PART-INF", where)
        return
    for segment in segments:
        for index, part in enumerate(segment.parts):
            name = f"part {segment.msn}.{index}"
            if part.duration > playlist.part_target:
                report.add(PART_OVER, f"{name} lasts {part.duration} s, PART-TARGET is {playlist.part_target}", where)
            last = index == len(segment.parts) - 1
            following = None if last else segment.parts[index + 1]
            exempt = (part.independent or part.gap or (following is not None and following.gap)
                      or (last and segment.uri is not None) or (last and playlist.endlist))
            if part.duration < Decimal("0.85") * playlist.part_target - ROUNDING / 2 and not exempt:
                # The newest part of an open segment may still turn out to be its last: the next playlist tells.
                if not (last and segment.uri is None):
                    report.add(PART_SHORT, f"{name} lasts {part.duration} s of {playlist.part_target}", where)
        if playlist.independent_segments and not segment.parts[0].independent and not segment.parts[0].gap:
            report.add(PART_FIRST, f"part {segment.msn}.0", where)
        if segment.uri is not None:
            total = sum((part.duration for part in segment.parts), Decimal(0))
            if abs(total - segment.duration) > ROUNDING * (len(segment.parts) + 1):
                report.add(PART_SUM, f"msn {segment.msn}: parts {total} s, EXTINF {segment.duration} s", where)
    _part_retention(playlist, report, where)


def _part_retention(playlist: MediaPlaylist, report: Report, where: str) -> None:
    """A segment keeps parts while its start is within three target durations of the end, plus its own length."""
    if playlist.part_target is None:
        return
    target = Decimal(playlist.target_duration)
    after = sum((part.duration for part in playlist.open.parts), Decimal(0)) if playlist.open else Decimal(0)
    for segment in reversed(playlist.segments):
        if segment.parts and after > 3 * target:
            report.add(PART_OLD, f"msn {segment.msn} ends {after} s before the end and still lists parts", where)
        if (not segment.parts and not segment.gap and not playlist.endlist
                and after + segment.duration <= 2 * target):
            report.add(PART_NONE, f"msn {segment.msn} begins {after + segment.duration} s before the end", where)
        after += segment.duration


def _control(playlist: MediaPlaylist, report: Report, where: str) -> None:
    control = playlist.server_control or {}
    low_latency = playlist.part_target is not None
    if low_latency and not playlist.endlist and control.get("CAN-BLOCK-RELOAD") != "YES":
        report.add(CONTROL_MISSING, "no CAN-BLOCK-RELOAD=YES", where)
    if low_latency and not _at_least(control, "PART-HOLD-BACK", 3 * playlist.part_target, demanded=True):
        report.add(CONTROL_PART_HOLD_BACK, f"{control.get('PART-HOLD-BACK')} for parts of {playlist.part_target}", where)
    if not _at_least(control, "HOLD-BACK", Decimal(3 * playlist.target_duration)):
        report.add(CONTROL_HOLD_BACK, f"{control['HOLD-BACK']} for {playlist.target_duration}", where)
    if not _at_least(control, "CAN-SKIP-UNTIL", Decimal(6 * playlist.target_duration)):
        report.add(CONTROL_SKIP, f"{control['CAN-SKIP-UNTIL']} for {playlist.target_duration}", where)
    if "CAN-SKIP-DATERANGES" in control and "CAN-SKIP-UNTIL" not in control:
        report.add(CONTROL_SKIP_DATERANGES, "no CAN-SKIP-UNTIL", where)


def _at_least(control: dict[str, str], name: str, least: Decimal, demanded: bool = False) -> bool:
    return not demanded if name not in control else Decimal(control[name]) >= least


def _uris(playlist: MediaPlaylist, report: Report, where: str) -> None:
    seen: set[str] = set()
    for segment in playlist.all_segments():
        names = [part.uri for part in segment.parts if part.byterange is None]
        if segment.uri is not None and segment.byterange is None:
            names.append(segment.uri)
        for name in names:
            if name in seen:
                report.add(URI_TWICE, name, where)
            seen.add(name)
    for hint in playlist.preload_hints:
        if hint.get("URI") in seen and "BYTERANGE-START" not in hint:
            report.add(HINT_LISTED, hint["URI"], where)


def _program_date_times(playlist: MediaPlaylist, report: Report, where: str, returns: bool, tolerance: float) -> None:
    segments = playlist.all_segments()
    if playlist.part_target is not None and segments and not any(segment.pdt for segment in segments):
        report.add(PDT_MISSING, "no EXT-X-PROGRAM-DATE-TIME", where)
    previous: Segment | None = None
    for segment in segments:
        if previous is not None and previous.pdt and segment.pdt and previous.uri is not None:
            expected = previous.pdt + datetime.timedelta(seconds=float(previous.duration))
            step = (segment.pdt - expected).total_seconds()
            if segment.pdt < previous.pdt:
                report.add(PDT_BACK, f"msn {segment.msn}: {segment.pdt} after {previous.pdt}", where)
            elif abs(step) > tolerance and not segment.discontinuity and not (returns and step > 0):
                report.add(PDT_STEP, f"msn {segment.msn} is {step:+.3f} s off", where)
        previous = segment


def _reports(playlist: MediaPlaylist, report: Report, where: str) -> None:
    for rendition in playlist.rendition_reports:
        uri = rendition.get("URI", "")
        if "://" in uri or uri.startswith("//"):
            report.add(REPORT_ABSOLUTE, uri, where)
        if "LAST-MSN" not in rendition or (playlist.part_target is not None and "LAST-PART" not in rendition):
            report.add(REPORT_FIELDS, uri, where)


def _skip(playlist: MediaPlaylist, report: Report, where: str, asked: bool) -> None:
    if playlist.skip is None:
        return
    until = (playlist.server_control or {}).get("CAN-SKIP-UNTIL")
    if not asked or until is None:
        report.add(SKIP_UNASKED, "EXT-X-SKIP in an answer without _HLS_skip or CAN-SKIP-UNTIL", where)
        return
    left = sum((segment.duration for segment in playlist.segments), Decimal(0))
    if playlist.open:
        left += sum((part.duration for part in playlist.open.parts), Decimal(0))
    if left < Decimal(until) - ROUNDING * (len(playlist.segments) + 1):
        report.add(SKIP_BOUNDARY, f"{left} s are left, CAN-SKIP-UNTIL is {until}", where)


def _window(playlist: MediaPlaylist, report: Report, where: str) -> None:
    length = sum((segment.duration for segment in playlist.segments), Decimal(0))
    if length < 3 * playlist.target_duration:
        report.add(WINDOW_SHORT, f"{length} s of 3 × {playlist.target_duration}", where)


def _hints(playlist: MediaPlaylist, report: Report, where: str) -> None:
    types = [hint.get("TYPE") for hint in playlist.preload_hints]
    if len(types) != len(set(types)):
        report.add(HINT_TWICE, ", ".join(map(str, types)), where)
    if playlist.part_target is not None and "PART" not in types:
        report.add(HINT_MISSING, "no PRELOAD-HINT:TYPE=PART", where)


def _is_mp4(uri: str | None) -> bool:
    return uri is not None and uri.split("?")[0].rsplit(".", 1)[-1] in ("m4s", "mp4", "m4v", "m4a", "cmfv", "cmfa")
