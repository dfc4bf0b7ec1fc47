# SPDX-License-Identifier: Apache-2.0
"""What the media bytes must fulfil, beside what the playlist says of them."""

from __future__ import annotations

import hashlib
import struct

from isobmff import BoxError, Fragment, InitSection, ReferenceTime, Run, parse_fragments, parse_init, reference_times

from .findings import ERROR, WARNING, Report, rule
from .model import Segment

BOXES = rule("media.boxes", ERROR, "init sections and fragments are well-formed", "ISO/IEC 14496-12; 8216bis 3.1.2")
EXTINF = rule("media.extinf", ERROR, "EXTINF is the segment's duration to one frame", "8216bis 4.4.4.1")
PART_DURATION = rule("media.part-duration", ERROR, "a part's DURATION is its samples' to one frame", "8216bis 4.4.4.9")
NOT_PARTS = rule("media.not-its-parts", ERROR, "a segment is its parts, byte for byte", "8216bis 3.2")
SEGMENT_START = rule("media.segment-start", ERROR, "a segment begins with a random access point",
                     "8216bis 3, 4.4.2.1")
NOT_INDEPENDENT = rule("media.segment-dependent", ERROR,
                       "with INDEPENDENT-SEGMENTS every segment can be decoded by itself", "8216bis 4.4.2.1")
INDEPENDENT_FALSE = rule("media.independent-false", ERROR, "a part marked INDEPENDENT holds an independent frame",
                         "8216bis 4.4.4.9")
INDEPENDENT_UNSAID = rule("media.independent-unsaid", WARNING, "a part that holds an independent frame is marked",
                          "8216bis 4.4.4.9")
SEQUENCE = rule("media.sequence", ERROR, "fragment numbers rise by one from part to part", "ISO/IEC 14496-12 8.8.5")
OVERLAP = rule("media.overlap", ERROR, "decode times do not overlap", "ISO/IEC 14496-12 8.8.12; 8216bis 3")
HOLE = rule("media.hole", ERROR, "decode times go on without a hole where no discontinuity stands", "8216bis 3")
STEP = rule("media.step", ERROR, "audio and video of a segment begin together", "8216bis 3.1.2; CMAF 7.3.4")
REFERENCE = rule("media.reference-time", ERROR,
                 "prft is of the segment's first sample, and says what EXT-X-PROGRAM-DATE-TIME says",
                 "ISO/IEC 14496-12 8.16.5; 8216bis 4.4.4.6")
CHANGED = rule("media.changed", ERROR, "one name has one content", "8216bis 6.2.1")
DURATION_ZERO = rule("media.zero-duration", WARNING, "samples last", "ISO/IEC 14496-12 8.8.8")
FIRST_DURATION = rule("media.tiny-fragment", ERROR, "a fragment holds samples", "8216bis 3.2")

STEP_TOLERANCE = 0.15  # seconds between the first presented audio and video of a segment, beyond the longest picture


class MediaChecker:
    """Follows one rendition's segments in order.

    `strict_start` asks that every segment begin with a random access point; it is False for publishers that send none
    in time, where only what the playlist says must be true. `joint` is how many seconds of one track may be missing beyond
    a frame, where a publisher left and came back and its tracks are kept in step.
    """

    def __init__(self, report: Report, where: str = "", strict_start: bool = True, joint: float = 0) -> None:
        self.report, self.where, self.strict_start, self.joint = report, where, strict_start, joint
        self.said_independent: set[int] = set()  # segments listed under INDEPENDENT-SEGMENTS
        self.dependent: set[int] = set()
        self.inits: dict[str, InitSection] = {}
        self.digests: dict[str, str] = {}
        self.next_times: dict[int, int] = {}
        self.last_sequence: int | None = None
        self.last_msn: int | None = None
        self.steps: list[float] = []
        self.frame_durations: dict[int, int] = {}
        self.bytes_checked = 0
        self.segments_checked = 0
        self.parts_checked = 0

    def add_init(self, uri: str, data: bytes) -> None:
        self._same(uri, data)
        try:
            self.inits[uri] = parse_init(data)
        except (BoxError, struct.error, IndexError, KeyError) as failure:
            self.report.add(BOXES, f"{uri}: {failure}", self.where)

    def add_segment(self, segment: Segment, data: bytes, parts: list[bytes] | None) -> None:
        """`parts` are the bytes of the segment's parts in order, None where they were not all fetched."""
        self._same(segment.uri or "", data)
        if parts is not None and b"".join(parts) != data:
            self.report.add(NOT_PARTS, f"msn {segment.msn}: {len(data)} bytes, parts {sum(map(len, parts))}", self.where)
        init = self.inits.get(segment.map_uri or "")
        if init is None or segment.gap:
            return
        try:
            fragments, times = parse_fragments(data, init), reference_times(data)
        except (BoxError, struct.error, IndexError) as failure:
            self.report.add(BOXES, f"msn {segment.msn}: {failure}", self.where)
            return
        self._reference_times(segment, times, fragments, init)
        consecutive = self.last_msn == segment.msn - 1 and not segment.discontinuity
        self._continuity(segment, fragments, init, consecutive)
        self._durations(segment, fragments, init)
        self._start(segment, fragments, init)
        self._parts(segment, parts, init)
        self.last_msn = segment.msn
        self.bytes_checked += len(data)
        self.segments_checked += 1

    def frame_rates(self, init: InitSection) -> tuple[float, float] | None:
        """(average, highest) frames a second; the highest by the shortest duration that a hundredth of the frames has."""
        track = init.video
        count = sum(self.frame_durations.values())
        total = sum(duration * times for duration, times in self.frame_durations.items())
        if track is None or total == 0:
            return None
        common = [duration for duration, times in self.frame_durations.items() if duration > 0 and times >= count / 100]
        return track.timescale * count / total, track.timescale / min(common)

    def listed(self, msns: set[int], independent: bool) -> None:
        """What a playlist lists, and whether it says INDEPENDENT-SEGMENTS of them."""
        if independent:
            self.said_independent |= msns
            self._truthful()

    def _truthful(self) -> None:
        for msn in self.dependent & self.said_independent:
            self.report.add(NOT_INDEPENDENT, f"msn {msn}", self.where)

    def _same(self, uri: str, data: bytes) -> None:
        digest = hashlib.sha256(data).hexdigest()
        if self.digests.setdefault(uri, digest) != digest:
            self.report.add(CHANGED, uri, self.where)

    def _continuity(self, segment: Segment, fragments: list[Fragment], init: InitSection, consecutive: bool) -> None:
        for index, fragment in enumerate(fragments):
            joined = consecutive or index > 0
            name = f"msn {segment.msn} fragment {index}"
            if joined and self.last_sequence is not None and fragment.sequence != self.last_sequence + 1:
                self.report.add(SEQUENCE, f"{name}: {self.last_sequence} → {fragment.sequence}", self.where)
            self.last_sequence = fragment.sequence
            if not any(run.samples for run in fragment.runs):
                self.report.add(FIRST_DURATION, name, self.where)
            for run in fragment.runs:
                self._run(name, run, init, joined)
            if index == 0 and not consecutive:
                present = {run.track for run in fragment.runs}
                self.next_times = {track: at for track, at in self.next_times.items() if track in present}

    def _run(self, name: str, run: Run, init: InitSection, joined: bool) -> None:
        track = init.track(run.track)
        expected = self.next_times.get(run.track)
        if joined and expected is not None and track is not None:
            frame = max((sample.duration for sample in run.samples), default=0)
            if run.decode_time < expected:
                self.report.add(OVERLAP, f"{name} track {run.track}: {run.decode_time} before {expected}", self.where)
            elif run.decode_time > expected + frame + self.joint * track.timescale:
                late = (run.decode_time - expected) / track.timescale
                self.report.add(HOLE, f"{name} track {run.track}: {late:.3f} s", self.where)
        if any(sample.duration == 0 for sample in run.samples):
            self.report.add(DURATION_ZERO, f"{name} track {run.track}", self.where)
        if track is not None and track.is_video:
            for sample in run.samples:
                self.frame_durations[sample.duration] = self.frame_durations.get(sample.duration, 0) + 1
        self.next_times[run.track] = run.decode_time + run.duration

    def _reference_times(self, segment: Segment, times: list[ReferenceTime], fragments: list[Fragment],
                         init: InitSection) -> None:
        for time in times:
            run = next((run for fragment in fragments if (run := fragment.run(time.track)) and run.samples), None)
            if run is None or time.media_time != run.decode_time + run.samples[0].offset:
                self.report.add(REFERENCE, f"msn {segment.msn}: {time.media_time} of track {time.track}", self.where)
            # Sound may begin a little before or after the pictures that the date is of.
            tolerance = 0.001 if init.video and init.video.id == time.track else STEP_TOLERANCE
            if segment.pdt and abs(time.civil - segment.pdt.timestamp()) > tolerance:
                self.report.add(REFERENCE, f"msn {segment.msn}: {time.civil:.3f}, not {segment.pdt}", self.where)

    def _durations(self, segment: Segment, fragments: list[Fragment], init: InitSection) -> None:
        measured = _seconds(fragments, init)
        if measured is None:
            return
        seconds, frame = measured
        if abs(seconds - float(segment.duration)) > frame + 0.001:
            self.report.add(EXTINF, f"msn {segment.msn}: EXTINF {segment.duration}, samples {seconds:.3f} s", self.where)
        if segment.parts and len(segment.parts) == len(fragments):
            for index, (part, fragment) in enumerate(zip(segment.parts, fragments)):
                measured = _seconds([fragment], init)
                if measured and abs(measured[0] - float(part.duration)) > measured[1] + 0.001:
                    self.report.add(PART_DURATION, f"part {segment.msn}.{index}: DURATION {part.duration}, "
                                    f"samples {measured[0]:.3f} s", self.where)

    def _start(self, segment: Segment, fragments: list[Fragment], init: InitSection) -> None:
        video, audio = init.video, init.audio
        if video is None or not fragments:
            return
        run = next((run for fragment in fragments if (run := fragment.run(video.id)) and run.samples), None)
        if run is None:
            return
        claimed = bool(segment.parts) and segment.parts[0].independent
        if not run.samples[0].sync and (self.strict_start or claimed):
            self.report.add(SEGMENT_START, f"msn {segment.msn}", self.where)
        if not run.samples[0].sync:
            self.dependent.add(segment.msn)
            self._truthful()
        heard = next((other for fragment in fragments if audio and (other := fragment.run(audio.id)) and other.samples),
                     None)
        if heard is None or audio is None:
            return
        shown = run.decode_time + min(_presented(run))
        step = heard.decode_time / audio.timescale - shown / video.timescale
        self.steps.append(step)
        longest = max(self.frame_durations, default=0) / video.timescale  # what sound had to wait for a picture
        if abs(step) > STEP_TOLERANCE + longest:
            self.report.add(STEP, f"msn {segment.msn}: audio begins {step:+.3f} s from video", self.where)

    def _parts(self, segment: Segment, parts: list[bytes] | None, init: InitSection) -> None:
        if parts is None:
            return
        self.parts_checked += len(parts)
        for index, part in enumerate(segment.parts if init.video is None else []):
            if not part.independent:  # every access unit of audio is one to begin at
                self.report.add(INDEPENDENT_UNSAID, f"part {segment.msn}.{index}", self.where)
        for index, (part, data) in enumerate(zip(segment.parts, parts) if init.video else []):
            try:
                runs = [fragment.run(init.video.id) for fragment in parse_fragments(data, init)]
            except (BoxError, struct.error, IndexError) as failure:
                self.report.add(BOXES, f"part {segment.msn}.{index}: {failure}", self.where)
                continue
            holds = any(sample.sync for run in runs if run for sample in run.samples)
            if part.independent and not holds and any(run and run.samples for run in runs):
                self.report.add(INDEPENDENT_FALSE, f"part {segment.msn}.{index}", self.where)
            if holds and not part.independent:
                self.report.add(INDEPENDENT_UNSAID, f"part {segment.msn}.{index}", self.where)


def _seconds(fragments: list[Fragment], init: InitSection) -> tuple[float, float] | None:
    """(duration, longest frame) in seconds by the video track, by the audio track where there is no video."""
    for track in sorted(init.tracks, key=lambda track: not track.is_video):
        runs = [run for fragment in fragments if (run := fragment.run(track.id)) and run.samples]
        if runs:
            frame = max(sample.duration for run in runs for sample in run.samples)
            return sum(run.duration for run in runs) / track.timescale, frame / track.timescale
    return None


def _presented(run: Run) -> list[int]:
    """Presentation times of a run's samples, from its decode time."""
    times, at = [], 0
    for sample in run.samples:
        times.append(at + sample.offset)
        at += sample.duration
    return times
