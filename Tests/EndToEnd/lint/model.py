# SPDX-License-Identifier: Apache-2.0
"""What a playlist says, as values."""

from __future__ import annotations

import dataclasses
import datetime
from decimal import Decimal


@dataclasses.dataclass
class Part:
    uri: str
    duration: Decimal
    independent: bool = False
    gap: bool = False
    byterange: str | None = None

    def identity(self) -> tuple:
        return (self.uri, self.duration, self.independent, self.gap, self.byterange)


@dataclasses.dataclass
class Segment:
    msn: int
    discontinuity_sequence: int
    uri: str | None = None  # None while the segment is only parts
    duration: Decimal = Decimal(0)
    parts: list[Part] = dataclasses.field(default_factory=list)
    map_uri: str | None = None
    pdt: datetime.datetime | None = None
    discontinuity: bool = False
    gap: bool = False
    byterange: str | None = None

    def identity(self) -> tuple:
        return (self.uri, self.duration, self.map_uri, self.pdt, self.discontinuity, self.gap, self.byterange)

    @property
    def is_empty(self) -> bool:
        return self.uri is None and not self.parts and not self.discontinuity and self.pdt is None and not self.gap


@dataclasses.dataclass
class MediaPlaylist:
    text: str
    version: int | None = None
    target_duration: int | None = None
    server_control: dict[str, str] | None = None
    part_target: Decimal | None = None
    media_sequence: int = 0
    discontinuity_sequence: int = 0
    playlist_type: str | None = None
    independent_segments: bool = False
    iframes_only: bool = False
    endlist: bool = False
    segments: list[Segment] = dataclasses.field(default_factory=list)
    open: Segment | None = None  # the segment that so far is only parts
    preload_hints: list[dict[str, str]] = dataclasses.field(default_factory=list)
    rendition_reports: list[dict[str, str]] = dataclasses.field(default_factory=list)
    dateranges: list[dict[str, str]] = dataclasses.field(default_factory=list)
    skip: dict[str, str] | None = None
    uses_map: bool = False
    uses_byterange: bool = False
    uses_float: bool = False

    @property
    def skipped(self) -> int:
        return int(self.skip["SKIPPED-SEGMENTS"]) if self.skip and "SKIPPED-SEGMENTS" in self.skip else 0

    def all_segments(self) -> list[Segment]:
        return self.segments + ([self.open] if self.open else [])

    def tip(self) -> tuple[int, int]:
        """(msn, part) of the last part listed; part is -1 where the last thing listed is a segment without parts."""
        if self.open and self.open.parts:
            return (self.open.msn, len(self.open.parts) - 1)
        if self.segments:
            return (self.segments[-1].msn, len(self.segments[-1].parts) - 1)
        return (self.media_sequence - 1, -1)

    def next_part(self) -> tuple[int, int]:
        """(msn, part) that a blocking client asks for next."""
        if self.open and self.open.parts:
            return (self.open.msn, len(self.open.parts))
        return (self.segments[-1].msn + 1 if self.segments else self.media_sequence, 0)

    def contains(self, msn: int, part: int | None) -> bool:
        for segment in self.all_segments():
            if segment.msn > msn and (segment.uri or segment.parts):
                return True
            if segment.msn == msn and segment.uri is not None:
                return True
            if segment.msn == msn and part is not None and len(segment.parts) > part:
                return True
        return False


@dataclasses.dataclass
class Variant:
    uri: str
    attributes: dict[str, str]


@dataclasses.dataclass
class MultivariantPlaylist:
    text: str
    version: int | None = None
    independent_segments: bool = False
    variants: list[Variant] = dataclasses.field(default_factory=list)
    media: list[dict[str, str]] = dataclasses.field(default_factory=list)
