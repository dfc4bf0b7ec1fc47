# SPDX-License-Identifier: Apache-2.0
"""What a sequence of media playlists of one rendition must fulfil, and the answers to blocking and delta requests."""

from __future__ import annotations

import copy
import dataclasses

from .findings import ERROR, WARNING, Report, rule
from .model import MediaPlaylist, Segment

TARGET_CHANGED = rule("change.target", ERROR, "TARGETDURATION never changes", "8216bis 6.2.1")
PART_TARGET_CHANGED = rule("change.part-target", ERROR, "PART-TARGET never changes", "8216bis 6.2.1")
CONTROL_CHANGED = rule("change.control", ERROR, "SERVER-CONTROL never changes while the stream is live",
                       "8216bis 6.2.1")
SEGMENT_CHANGED = rule("change.segment", ERROR, "a listed segment never changes", "8216bis 6.2.1")
PART_CHANGED = rule("change.part", ERROR, "a listed part never changes", "8216bis 6.2.1")
PART_LOST = rule("change.part-lost", ERROR, "parts go only when their segment is old enough, and all together",
                 "8216bis 6.2.2")
SEQUENCE_BACK = rule("sequence.back", ERROR, "MEDIA-SEQUENCE and the last msn never go back", "8216bis 6.2.2")
SEQUENCE_HOLE = rule("sequence.hole", ERROR, "a playlist goes on from the last: no segment is missed or renumbered",
                     "8216bis 6.2.2")
DISCONTINUITY_SEQUENCE = rule("sequence.discontinuity", ERROR,
                              "DISCONTINUITY-SEQUENCE rises by the DISCONTINUITY tags removed, and only so",
                              "8216bis 6.2.2")
AFTER_END = rule("end.changed", ERROR, "nothing changes after ENDLIST", "8216bis 4.4.3.4")
PART_LATE = rule("late.part", ERROR, "a new part appears within a part target of the one before", "8216bis 4.4.4.9, B.1")
SEGMENT_LATE = rule("late.segment", ERROR, "a new segment appears within 1.5 target durations of the one before",
                    "8216bis 6.2.1")
HINT_UNKEPT = rule("hint.unkept", WARNING, "the part that comes is the one that was hinted", "8216bis 4.4.5.3")
BLOCK_EARLY = rule("block.early", ERROR, "a blocking answer contains the msn and part that were asked",
                   "8216bis 6.2.5.2")
BLOCK_LATE = rule("block.late", ERROR, "a blocking request is answered within three target durations",
                  "8216bis 6.2.5.2")
BLOCK_OTHER = rule("block.other", ERROR, "one URL with directives has one answer", "8216bis B.1 (caching)")
DELTA_DIFFERS = rule("delta.differs", ERROR, "a delta update and the playlist before give the full playlist",
                     "8216bis 6.2.5.1")
DELTA_REFUSED = rule("delta.refused", ERROR, "where CAN-SKIP-UNTIL stands, _HLS_skip=YES is honoured", "8216bis 6.2.5.1")


@dataclasses.dataclass
class Sighting:
    """One playlist and when it was there, in monotonic seconds."""

    playlist: MediaPlaylist
    at: float


def check_step(before: MediaPlaylist, after: MediaPlaylist, report: Report, where: str = "") -> None:
    """Adds what may not differ between two playlists of one rendition, the second seen later."""
    if before.endlist and after.text != before.text:
        report.add(AFTER_END, "the playlist changed after ENDLIST", where)
        return
    if before.target_duration != after.target_duration:
        report.add(TARGET_CHANGED, f"{before.target_duration} → {after.target_duration}", where)
    if before.part_target != after.part_target:
        report.add(PART_TARGET_CHANGED, f"{before.part_target} → {after.part_target}", where)
    if before.server_control != after.server_control and not after.endlist:
        report.add(CONTROL_CHANGED, f"{before.server_control} → {after.server_control}", where)
    if after.media_sequence < before.media_sequence or after.tip() < (before.tip() if not after.endlist else (0, 0)):
        report.add(SEQUENCE_BACK, f"{before.media_sequence}…{before.tip()} → {after.media_sequence}…{after.tip()}", where)
        return
    _same_segments(before, after, report, where)
    _discontinuities(before, after, report, where)


def check_timing(before: Sighting, after: Sighting, report: Report, where: str = "", tolerance: float = 0.35) -> None:
    """Adds late parts and segments; both sightings are of the moment their newest part appeared."""
    old, new = before.playlist, after.playlist
    if new.endlist:
        return
    wait = after.at - before.at
    if old.part_target is not None and new.tip() != old.tip() and wait > float(old.part_target) + tolerance:
        report.add(PART_LATE, f"part {new.tip()} came {wait:.3f} s after {old.tip()}, target {old.part_target}", where)


def check_segment_timing(before: Sighting, after: Sighting, report: Report, where: str = "",
                         tolerance: float = 0.35) -> None:
    """Adds late segments; each sighting is the first of its newest segment."""
    wait = after.at - before.at
    limit = 1.5 * (before.playlist.target_duration or 0)
    if not after.playlist.endlist and wait > limit + tolerance:
        report.add(SEGMENT_LATE, f"msn {after.playlist.segments[-1].msn} came after {wait:.3f} s, limit {limit}", where)


def check_hint(before: MediaPlaylist, after: MediaPlaylist, report: Report, where: str = "") -> None:
    """Adds a part that came under another name than the hint's."""
    hints = [hint.get("URI") for hint in before.preload_hints if hint.get("TYPE") == "PART"]
    if not hints or after.endlist or after.tip() == before.tip():
        return
    listed = {part.uri for segment in after.all_segments() for part in segment.parts}
    first = after.all_segments()[0].msn if after.all_segments() else 0
    restarted = any(segment.discontinuity for segment in after.all_segments() if segment.msn >= before.next_part()[0])
    if hints[0] not in listed and not restarted and first <= before.tip()[0]:
        report.add(HINT_UNKEPT, f"{hints[0]} was hinted and is not listed", where)


def check_blocking(asked: tuple[int, int | None], answer: MediaPlaylist, waited: float, report: Report,
                   where: str = "", tolerance: float = 0.5) -> None:
    """Adds an answer to `_HLS_msn[&_HLS_part]` that lacks what was asked or came too late."""
    if not answer.endlist and not answer.contains(*asked):
        report.add(BLOCK_EARLY, f"asked {asked}, got up to {answer.tip()}", where)
    if waited > 3 * (answer.target_duration or 0) + tolerance:
        report.add(BLOCK_LATE, f"{asked} took {waited:.3f} s", where)


def check_same(first: bytes, second: bytes, report: Report, where: str = "") -> None:
    """Adds two different answers to one URL with directives."""
    if first != second:
        report.add(BLOCK_OTHER, "two answers to one URL differ", where)


def check_delta(base: MediaPlaylist, delta: MediaPlaylist, full: MediaPlaylist, report: Report, where: str = "") -> None:
    """Adds a delta that does not make `full` out of `base`; `full` answers the same directives without skip."""
    if delta.skip is None:
        wanted = (full.server_control or {}).get("CAN-SKIP-UNTIL")
        length = sum(segment.duration for segment in full.segments)
        if wanted and not full.endlist and float(length) > float(wanted) + 2 * (full.target_duration or 0):
            report.add(DELTA_REFUSED, f"no EXT-X-SKIP though {length} s are listed", where)
        return
    whole = apply_delta(base, delta)
    if whole is None:
        report.add(DELTA_DIFFERS, "it skips segments the playlist before did not list", where)
        return
    listed = delta.media_sequence + delta.skipped
    made, wanted = _contents(whole, listed), _contents(full, listed)
    if delta.tip() == full.tip():
        if made != wanted or delta.media_sequence != full.media_sequence:
            report.add(DELTA_DIFFERS, f"{delta.media_sequence}…{delta.tip()} against {full.media_sequence}…{full.tip()}", where)
        return
    for msn, content in wanted.items():  # one of the two is newer: what both list must agree
        if msn in made and content[0][0] is not None and made[msn][0][0] is not None and made[msn][0] != content[0]:
            report.add(DELTA_DIFFERS, f"msn {msn}", where)


def apply_delta(base: MediaPlaylist, delta: MediaPlaylist) -> MediaPlaylist | None:
    """What a viewer makes of a delta update, 8216bis 6.3.7; None where it lacks skipped segments."""
    known = {segment.msn: segment for segment in base.segments}
    skipped: list[Segment] = []
    for msn in range(delta.media_sequence, delta.media_sequence + delta.skipped):
        if msn not in known:
            return None
        skipped.append(known[msn])
    whole = copy.copy(delta)
    whole.segments = skipped + [copy.copy(segment) for segment in delta.segments]
    whole.open = copy.copy(delta.open)
    whole.skip = None
    last_map = skipped[-1].map_uri if skipped else None
    for segment in whole.segments[len(skipped):] + ([whole.open] if whole.open else []):
        segment.map_uri = last_map = segment.map_uri or last_map
    return whole


def _contents(playlist: MediaPlaylist, first: int) -> dict[int, tuple[tuple, list[tuple]]]:
    return {segment.msn: (segment.identity(), [part.identity() for part in segment.parts])
            for segment in playlist.all_segments() if segment.msn >= first}


def _same_segments(before: MediaPlaylist, after: MediaPlaylist, report: Report, where: str) -> None:
    old = {segment.msn: segment for segment in before.all_segments()}
    for segment in after.all_segments():
        known = old.get(segment.msn)
        if known is None:
            continue
        if known.uri is not None and segment.identity() != known.identity():
            report.add(SEGMENT_CHANGED, f"msn {segment.msn}: {known.identity()} → {segment.identity()}", where)
        for index, (mine, other) in enumerate(zip(known.parts, segment.parts)):
            if mine.identity() != other.identity():
                report.add(PART_CHANGED, f"part {segment.msn}.{index}: {mine} → {other}", where)
        if 0 < len(segment.parts) < len(known.parts) or (
                known.parts and not segment.parts and segment.uri is not None and _near_end(after, segment)):
            report.add(PART_LOST, f"msn {segment.msn}: {len(known.parts)} → {len(segment.parts)}", where)
    first = after.media_sequence + after.skipped
    last = before.segments[-1].msn if before.segments else None
    if last is not None and (first > last + 1 or after.media_sequence > before.media_sequence + len(after.segments)
                             + after.skipped + len(before.segments)):
        report.add(SEQUENCE_HOLE, f"…{last} → {first}…", where)
    uris = {segment.uri: segment.msn for segment in before.segments}
    for segment in after.segments:
        if uris.get(segment.uri, segment.msn) != segment.msn and segment.byterange is None:
            report.add(SEQUENCE_HOLE, f"{segment.uri} was msn {uris[segment.uri]}, is {segment.msn}", where)


def _near_end(playlist: MediaPlaylist, segment: Segment) -> bool:
    after = sum(float(other.duration) for other in playlist.segments if other.msn >= segment.msn)
    return after <= 2 * (playlist.target_duration or 0)


def _discontinuities(before: MediaPlaylist, after: MediaPlaylist, report: Report, where: str) -> None:
    removed = [segment for segment in before.segments if segment.msn < after.media_sequence]
    whole = len(removed) == after.media_sequence - before.media_sequence
    expected = before.discontinuity_sequence + sum(segment.discontinuity for segment in removed)
    if before.skip is None and whole and after.discontinuity_sequence != expected:
        report.add(DISCONTINUITY_SEQUENCE, f"{before.discontinuity_sequence} → {after.discontinuity_sequence}, "
                   f"but {expected - before.discontinuity_sequence} tags were removed", where)
