# SPDX-License-Identifier: Apache-2.0
"""A strict reader of playlists: bytes in, a `MediaPlaylist` or `MultivariantPlaylist` out, findings on the way."""

from __future__ import annotations

import datetime
import re
from decimal import Decimal, InvalidOperation

from .findings import ERROR, WARNING, Report, rule
from .model import MediaPlaylist, MultivariantPlaylist, Part, Segment, Variant

SYNTAX_TEXT = rule("syntax.text", ERROR, "a playlist is UTF-8 without BOM or control characters", "8216bis 4.1")
SYNTAX_HEADER = rule("syntax.header", ERROR, "the first line is #EXTM3U", "8216bis 4.4.1.1")
SYNTAX_ATTRIBUTES = rule("syntax.attributes", ERROR, "an attribute list is NAME=value, comma separated", "8216bis 4.2")
SYNTAX_ATTRIBUTE_TWICE = rule("syntax.attribute-twice", ERROR, "an attribute occurs once in a list", "8216bis 4.2")
SYNTAX_ATTRIBUTE_TYPE = rule("syntax.attribute-type", ERROR, "an attribute's value has the type of its name", "8216bis 4.2")
SYNTAX_ATTRIBUTE_MISSING = rule("syntax.attribute-missing", ERROR, "required attributes are there", "8216bis 4.4")
SYNTAX_TAG_TWICE = rule("syntax.tag-twice", ERROR, "a tag that describes the playlist occurs once", "8216bis 4.4.3")
SYNTAX_VALUE = rule("syntax.value", ERROR, "a tag's value has the form the tag demands", "8216bis 4.4")
SYNTAX_UNKNOWN_TAG = rule("syntax.unknown-tag", WARNING, "every #EXT tag is one the document knows", "8216bis 4.1")
SYNTAX_MIXED = rule("syntax.mixed", ERROR, "a playlist is a media or a multivariant one", "8216bis 4.1")
SYNTAX_DANGLING = rule("syntax.dangling", ERROR, "every EXTINF or STREAM-INF has a URI line, and the reverse", "8216bis 4.1")
ORDER_HEADER = rule("order.header", ERROR, "MEDIA-SEQUENCE and DISCONTINUITY-SEQUENCE come before the first segment",
                    "8216bis 4.4.3.2, 4.4.3.3")
ORDER_AFTER_PART = rule("order.after-part", ERROR,
                        "DISCONTINUITY, KEY, MAP, PROGRAM-DATE-TIME and BITRATE of a segment come before its first PART",
                        "8216bis 4.4.4.9")


def parse(data: bytes, report: Report, where: str = "") -> MediaPlaylist | MultivariantPlaylist | None:
    """Reads a playlist; None where not even its kind can be told."""
    lines = _lines(data, report, where)
    if lines is None:
        return None
    kinds = {_kind(line) for line in lines} - {None}
    if len(kinds) > 1:
        report.add(SYNTAX_MIXED, "media tags and multivariant tags in one playlist", where)
        return None
    if kinds == {"multivariant"}:
        return _MultivariantReader(report, where).read(lines)
    return _MediaReader(report, where).read(lines)


def attributes(text: str, report: Report, where: str = "") -> dict[str, str]:
    """An attribute list by 8216bis 4.2: values keep their quotes off, their type is checked by name."""
    values: dict[str, str] = {}
    position = 0
    while position < len(text):
        match = _ATTRIBUTE.match(text, position)
        if not match:
            report.add(SYNTAX_ATTRIBUTES, f"at “{text[position:position + 40]}”", where)
            return values
        name, quoted, plain = match.group(1), match.group(2), match.group(3)
        value = plain if quoted is None else quoted
        if name in values:
            report.add(SYNTAX_ATTRIBUTE_TWICE, name, where)
        expected = _TYPES.get(name)
        if expected and not expected(value, quoted is not None):
            report.add(SYNTAX_ATTRIBUTE_TYPE, f"{name}={match.group(0).split('=', 1)[1].rstrip(',')}", where)
        values[name] = value
        position = match.end()
        if position < len(text) and text[position - 1] != ",":
            report.add(SYNTAX_ATTRIBUTES, f"no comma before “{text[position:position + 40]}”", where)
            return values
    if text.endswith(","):
        report.add(SYNTAX_ATTRIBUTES, "a comma at the end", where)
    return values


class _MediaReader:
    def __init__(self, report: Report, where: str) -> None:
        self.report, self.where = report, where
        self.seen: set[str] = set()

    def read(self, lines: list[str]) -> MediaPlaylist:
        self.playlist = MediaPlaylist(text="\n".join(lines) + "\n")
        self.extinf: Decimal | None = None
        self.current_map: str | None = None
        self.current: Segment | None = None
        self.next_msn: int | None = None
        self.next_discontinuity: int | None = None
        for line in lines[1:]:
            if not line:
                continue
            if line.startswith("#EXT"):
                self._tag(*_split(line))
            elif not line.startswith("#"):
                self._uri(line)
        if self.extinf is not None:
            self.report.add(SYNTAX_DANGLING, "EXTINF without a URI line at the end", self.where)
        if self.current is not None and not self.current.is_empty:
            self.playlist.open = self.current
        return self.playlist

    def _tag(self, name: str, value: str | None) -> None:
        if name not in _MEDIA_TAGS:
            self.report.add(SYNTAX_UNKNOWN_TAG, name, self.where)
            return
        if name in _ONCE:
            if name in self.seen:
                self.report.add(SYNTAX_TAG_TWICE, name, self.where)
            self.seen.add(name)
        getattr(self, _MEDIA_TAGS[name])(name, value or "")

    # -- tags that describe the playlist

    def _version(self, name: str, value: str) -> None:
        self.playlist.version = self._integer(name, value)

    def _target(self, name: str, value: str) -> None:
        self.playlist.target_duration = self._integer(name, value)

    def _control(self, name: str, value: str) -> None:
        self.playlist.server_control = attributes(value, self.report, self.where)

    def _part_inf(self, name: str, value: str) -> None:
        target = self._required(attributes(value, self.report, self.where), "PART-TARGET", name)
        self.playlist.part_target = self._decimal(name, target) if target else None

    def _media_sequence(self, name: str, value: str) -> None:
        self._before_segments(name)
        self.playlist.media_sequence = self._integer(name, value) or 0

    def _discontinuity_sequence(self, name: str, value: str) -> None:
        self._before_segments(name)
        self.playlist.discontinuity_sequence = self._integer(name, value) or 0

    def _type(self, name: str, value: str) -> None:
        if value not in ("VOD", "EVENT"):
            self.report.add(SYNTAX_VALUE, f"{name}:{value}", self.where)
        self.playlist.playlist_type = value

    def _flag(self, name: str, value: str) -> None:
        if value:
            self.report.add(SYNTAX_VALUE, f"{name} takes no value", self.where)
        if name == "EXT-X-ENDLIST":
            self.playlist.endlist = True
        elif name == "EXT-X-INDEPENDENT-SEGMENTS":
            self.playlist.independent_segments = True
        elif name == "EXT-X-I-FRAMES-ONLY":
            self.playlist.iframes_only = True

    def _hint(self, name: str, value: str) -> None:
        hint = attributes(value, self.report, self.where)
        self._required(hint, "TYPE", name)
        self._required(hint, "URI", name)
        self.playlist.preload_hints.append(hint)

    def _rendition_report(self, name: str, value: str) -> None:
        report = attributes(value, self.report, self.where)
        self._required(report, "URI", name)
        self.playlist.rendition_reports.append(report)

    def _daterange(self, name: str, value: str) -> None:
        daterange = attributes(value, self.report, self.where)
        self._required(daterange, "ID", name)
        self.playlist.dateranges.append(daterange)

    def _skip(self, name: str, value: str) -> None:
        self.playlist.skip = attributes(value, self.report, self.where)
        if self._required(self.playlist.skip, "SKIPPED-SEGMENTS", name) and self.current is None:
            self._begin()
            self.current.msn += self.playlist.skipped
            self.next_msn = self.current.msn

    def _ignored(self, name: str, value: str) -> None:
        pass

    # -- tags that describe a segment

    def _inf(self, name: str, value: str) -> None:
        if self.extinf is not None:
            self.report.add(SYNTAX_DANGLING, "EXTINF after EXTINF", self.where)
        number, comma, _ = value.partition(",")
        if not comma:
            self.report.add(SYNTAX_VALUE, f"{name}:{value} has no comma", self.where)
        self.playlist.uses_float |= "." in number
        self.extinf = self._decimal(name, number)
        self._segment()

    def _byterange(self, name: str, value: str) -> None:
        self.playlist.uses_byterange = True
        self._segment().byterange = value

    def _discontinuity(self, name: str, value: str) -> None:
        segment = self._before_parts(name)
        segment.discontinuity = True
        segment.discontinuity_sequence += 1
        self.next_discontinuity = segment.discontinuity_sequence

    def _key(self, name: str, value: str) -> None:
        attributes(value, self.report, self.where)
        self._before_parts(name)

    def _map(self, name: str, value: str) -> None:
        uri = self._required(attributes(value, self.report, self.where), "URI", name)
        self.playlist.uses_map = True
        self.current_map = uri
        self._before_parts(name).map_uri = uri

    def _pdt(self, name: str, value: str) -> None:
        segment = self._before_parts(name)
        try:
            if not _DATE.fullmatch(value):
                raise ValueError(value)
            segment.pdt = datetime.datetime.fromisoformat(value.replace("Z", "+00:00"))
        except ValueError:
            self.report.add(SYNTAX_VALUE, f"{name}:{value}", self.where)

    def _gap(self, name: str, value: str) -> None:
        self._segment().gap = True

    def _bitrate(self, name: str, value: str) -> None:
        self._before_parts(name)
        self._integer(name, value)

    def _part(self, name: str, value: str) -> None:
        values = attributes(value, self.report, self.where)
        uri = self._required(values, "URI", name)
        duration = self._required(values, "DURATION", name)
        if uri is None or duration is None:
            return
        self._segment().parts.append(Part(
            uri=uri, duration=self._decimal(name, duration) or Decimal(0),
            independent=values.get("INDEPENDENT") == "YES", gap=values.get("GAP") == "YES",
            byterange=values.get("BYTERANGE")))

    def _uri(self, line: str) -> None:
        if self.extinf is None:
            self.report.add(SYNTAX_DANGLING, f"URI without EXTINF: {line}", self.where)
            return
        segment = self._segment()
        segment.uri, segment.duration = line, self.extinf
        self.playlist.segments.append(segment)
        self.extinf, self.current = None, None
        self.next_msn = segment.msn + 1
        self.next_discontinuity = segment.discontinuity_sequence

    # -- helpers

    def _begin(self) -> None:
        msn = self.playlist.media_sequence if self.next_msn is None else self.next_msn
        discontinuity = (self.playlist.discontinuity_sequence if self.next_discontinuity is None
                         else self.next_discontinuity)
        self.current = Segment(msn=msn, discontinuity_sequence=discontinuity, map_uri=self.current_map)

    def _segment(self) -> Segment:
        if self.current is None:
            self._begin()
        return self.current

    def _before_parts(self, name: str) -> Segment:
        segment = self._segment()
        if segment.parts:
            self.report.add(ORDER_AFTER_PART, f"{name} after the first PART of msn {segment.msn}", self.where)
        return segment

    def _before_segments(self, name: str) -> None:
        if self.playlist.segments or self.current is not None:
            self.report.add(ORDER_HEADER, f"{name} after a segment's tags", self.where)

    def _integer(self, name: str, value: str) -> int | None:
        if not _INTEGER.fullmatch(value):
            self.report.add(SYNTAX_VALUE, f"{name}:{value} is no decimal integer", self.where)
            return None
        return int(value)

    def _decimal(self, name: str, value: str) -> Decimal | None:
        try:
            if not _FLOAT.fullmatch(value):
                raise InvalidOperation
            return Decimal(value)
        except InvalidOperation:
            self.report.add(SYNTAX_VALUE, f"{name}:{value} is no decimal number", self.where)
            return None

    def _required(self, values: dict[str, str], attribute: str, tag: str) -> str | None:
        if attribute not in values:
            self.report.add(SYNTAX_ATTRIBUTE_MISSING, f"{tag} without {attribute}", self.where)
        return values.get(attribute)


class _MultivariantReader:
    def __init__(self, report: Report, where: str) -> None:
        self.report, self.where = report, where

    def read(self, lines: list[str]) -> MultivariantPlaylist:
        playlist = MultivariantPlaylist(text="\n".join(lines) + "\n")
        pending: dict[str, str] | None = None
        for line in lines[1:]:
            if not line:
                continue
            if not line.startswith("#"):
                if pending is None:
                    self.report.add(SYNTAX_DANGLING, f"URI without STREAM-INF: {line}", self.where)
                else:
                    playlist.variants.append(Variant(line, pending))
                pending = None
                continue
            if not line.startswith("#EXT"):
                continue
            if pending is not None:
                self.report.add(SYNTAX_DANGLING, "STREAM-INF without a URI on the next line", self.where)
                pending = None
            name, value = _split(line)
            if name == "EXT-X-VERSION":
                playlist.version = int(value) if value and _INTEGER.fullmatch(value) else None
            elif name == "EXT-X-INDEPENDENT-SEGMENTS":
                playlist.independent_segments = True
            elif name == "EXT-X-STREAM-INF":
                pending = attributes(value or "", self.report, self.where)
                if "BANDWIDTH" not in pending:
                    self.report.add(SYNTAX_ATTRIBUTE_MISSING, "EXT-X-STREAM-INF without BANDWIDTH", self.where)
            elif name == "EXT-X-MEDIA":
                playlist.media.append(attributes(value or "", self.report, self.where))
            elif name not in _MULTIVARIANT_TAGS:
                self.report.add(SYNTAX_UNKNOWN_TAG, name, self.where)
        if pending is not None:
            self.report.add(SYNTAX_DANGLING, "STREAM-INF without a URI at the end", self.where)
        return playlist


def _lines(data: bytes, report: Report, where: str) -> list[str] | None:
    if data.startswith(b"\xef\xbb\xbf"):
        report.add(SYNTAX_TEXT, "a byte order mark", where)
        data = data[3:]
    try:
        text = data.decode("utf-8")
    except UnicodeDecodeError as failure:
        report.add(SYNTAX_TEXT, str(failure), where)
        return None
    if re.search(r"[\x00-\x09\x0b\x0c\x0e-\x1f\x7f-\x9f]", text):
        report.add(SYNTAX_TEXT, "control characters", where)
    lines = text.replace("\r\n", "\n").split("\n")
    if lines[0] != "#EXTM3U":
        report.add(SYNTAX_HEADER, f"it is “{lines[0][:40]}”", where)
        return None
    return lines


def _split(line: str) -> tuple[str, str | None]:
    name, colon, value = line[1:].partition(":")
    return name, value if colon else None


def _kind(line: str) -> str | None:
    name, _ = _split(line) if line.startswith("#EXT") else ("", None)
    if name in ("EXT-X-STREAM-INF", "EXT-X-MEDIA", "EXT-X-I-FRAME-STREAM-INF", "EXT-X-SESSION-DATA", "EXT-X-SESSION-KEY",
                "EXT-X-CONTENT-STEERING"):
        return "multivariant"
    return "media" if name in _MEDIA_TAGS and name not in _EITHER else None


def _is_decimal(value: str, quoted: bool) -> bool:
    return not quoted and bool(_FLOAT.fullmatch(value))


def _is_integer(value: str, quoted: bool) -> bool:
    return not quoted and bool(_INTEGER.fullmatch(value))


def _is_string(value: str, quoted: bool) -> bool:
    return quoted


def _is_yes(value: str, quoted: bool) -> bool:
    return not quoted and value in ("YES", "NO")


def _is_word(value: str, quoted: bool) -> bool:
    return not quoted and bool(re.fullmatch(r"[^\s,\"]+", value))


def _is_resolution(value: str, quoted: bool) -> bool:
    return not quoted and bool(re.fullmatch(r"\d+x\d+", value))


_ATTRIBUTE = re.compile(r'([A-Z0-9-]+)=(?:"([^"\r\n]*)"|([^",\s]+))(?:,|$)')
_INTEGER = re.compile(r"\d{1,20}")
_FLOAT = re.compile(r"\d+(\.\d+)?")
_DATE = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d{1,6})?(Z|[+-]\d\d:?\d\d)")
_TYPES = {
    "URI": _is_string, "DURATION": _is_decimal, "INDEPENDENT": _is_yes, "GAP": _is_yes, "BYTERANGE": _is_string,
    "PART-TARGET": _is_decimal, "CAN-BLOCK-RELOAD": _is_yes, "PART-HOLD-BACK": _is_decimal, "HOLD-BACK": _is_decimal,
    "CAN-SKIP-UNTIL": _is_decimal, "CAN-SKIP-DATERANGES": _is_yes, "SKIPPED-SEGMENTS": _is_integer, "TYPE": _is_word,
    "LAST-MSN": _is_integer, "LAST-PART": _is_integer, "BYTERANGE-START": _is_integer, "BYTERANGE-LENGTH": _is_integer,
    "BANDWIDTH": _is_integer, "AVERAGE-BANDWIDTH": _is_integer, "CODECS": _is_string, "RESOLUTION": _is_resolution,
    "FRAME-RATE": _is_decimal, "VIDEO-RANGE": _is_word, "SCORE": _is_decimal, "AUDIO": _is_string, "GROUP-ID": _is_string,
    "NAME": _is_string, "ID": _is_string,
}
_EITHER = {"EXTM3U", "EXT-X-VERSION", "EXT-X-INDEPENDENT-SEGMENTS", "EXT-X-START", "EXT-X-DEFINE"}
_MULTIVARIANT_TAGS = {"EXTM3U", "EXT-X-START", "EXT-X-DEFINE", "EXT-X-I-FRAME-STREAM-INF", "EXT-X-SESSION-DATA",
                      "EXT-X-SESSION-KEY", "EXT-X-CONTENT-STEERING"}
_ONCE = {"EXT-X-VERSION", "EXT-X-TARGETDURATION", "EXT-X-SERVER-CONTROL", "EXT-X-PART-INF", "EXT-X-MEDIA-SEQUENCE",
         "EXT-X-DISCONTINUITY-SEQUENCE", "EXT-X-PLAYLIST-TYPE", "EXT-X-INDEPENDENT-SEGMENTS", "EXT-X-I-FRAMES-ONLY",
         "EXT-X-ENDLIST", "EXT-X-SKIP", "EXT-X-START"}
_MEDIA_TAGS = {
    "EXTM3U": "_ignored", "EXT-X-VERSION": "_version", "EXT-X-TARGETDURATION": "_target",
    "EXT-X-SERVER-CONTROL": "_control", "EXT-X-PART-INF": "_part_inf", "EXT-X-MEDIA-SEQUENCE": "_media_sequence",
    "EXT-X-DISCONTINUITY-SEQUENCE": "_discontinuity_sequence", "EXT-X-PLAYLIST-TYPE": "_type", "EXT-X-ENDLIST": "_flag",
    "EXT-X-INDEPENDENT-SEGMENTS": "_flag", "EXT-X-I-FRAMES-ONLY": "_flag", "EXT-X-START": "_ignored",
    "EXT-X-DEFINE": "_ignored", "EXT-X-PRELOAD-HINT": "_hint", "EXT-X-RENDITION-REPORT": "_rendition_report",
    "EXT-X-DATERANGE": "_daterange", "EXT-X-SKIP": "_skip", "EXTINF": "_inf", "EXT-X-BYTERANGE": "_byterange",
    "EXT-X-DISCONTINUITY": "_discontinuity", "EXT-X-KEY": "_key", "EXT-X-MAP": "_map",
    "EXT-X-PROGRAM-DATE-TIME": "_pdt", "EXT-X-GAP": "_gap", "EXT-X-BITRATE": "_bitrate", "EXT-X-PART": "_part",
}
