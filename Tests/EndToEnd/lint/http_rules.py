# SPDX-License-Identifier: Apache-2.0
"""What the HTTP answers must fulfil."""

from __future__ import annotations

import dataclasses
import gzip
import re
import zlib

from .findings import ERROR, WARNING, Report, rule

STATUS = rule("http.status", ERROR, "what a playlist lists is there", "8216bis 6.2.1")
REMOVED_EARLY = rule("http.removed-early", ERROR, "parts and segments stay after they left the playlist",
                     "8216bis 6.2.2")
CONTENT_TYPE = rule("http.content-type", ERROR, "the content type is that of the format", "8216bis 4, 10")
CACHE_PLAYLIST = rule("http.cache-playlist", ERROR, "a plain playlist is cached at most half a target duration, not never",
                      "8216bis 6.2.1, B.1")
CACHE_BLOCKING = rule("http.cache-blocking", ERROR, "an answer to directives may be cached by all", "8216bis B.1")
CACHE_MEDIA = rule("http.cache-media", ERROR, "a part, segment or init section may be cached by all for six target durations",
                   "8216bis B.1")
CACHE_REFUSAL = rule("http.cache-refusal", ERROR, "a refusal is not kept: 404 at most four target durations, others not",
                     "8216bis B.1")
GZIP = rule("http.gzip", ERROR, "a compressed answer decompresses to the plain one", "8216bis 4; RFC 9110 8.4")
GZIP_MISSING = rule("http.gzip-missing", WARNING, "playlists are compressed where asked", "8216bis 4")
VARY = rule("http.vary", ERROR, "what depends on Accept-Encoding says Vary", "RFC 9110 12.5.5")
CORS = rule("http.cors", ERROR, "pages of other origins may read media", "Fetch 3.2")
LENGTH = rule("http.length", ERROR, "Content-Length is the length", "RFC 9112 6.2")
HEAD = rule("http.head", ERROR, "HEAD answers as GET without the body", "RFC 9110 9.3.2")
RANGE = rule("http.range", ERROR, "a byte range of media is 206 and those bytes", "RFC 9110 14")
CONDITIONAL = rule("http.conditional", ERROR, "If-None-Match with the ETag given answers 304", "RFC 9110 13.1.2")
BLOCK_PART_ALONE = rule("http.part-without-msn", ERROR, "_HLS_part without _HLS_msn is 400", "8216bis 6.2.5.2")
BLOCK_FAR = rule("http.msn-too-far", ERROR, "_HLS_msn over the last msn + 2 is 400 at once", "8216bis 6.2.5.2")
BLOCK_BAD = rule("http.bad-directive", ERROR, "a directive that is no decimal number is 400", "8216bis 6.2.5")
UNKNOWN = rule("http.unknown-part", ERROR, "a part that was never hinted nor listed is 404 at once", "8216bis 6.2.2")

PLAYLIST_TYPES = {"application/vnd.apple.mpegurl", "audio/mpegurl"}
MEDIA_TYPES = {"video/mp4", "audio/mp4", "video/iso.segment", "audio/iso.segment"}


@dataclasses.dataclass
class Answer:
    """One HTTP answer; header names are in lower case."""

    url: str
    status: int
    headers: dict[str, str]
    body: bytes
    first_byte: float = 0.0  # seconds from request to status line
    seconds: float = 0.0  # seconds from request to last byte

    @property
    def plain(self) -> bytes:
        """The body after its Content-Encoding is undone."""
        return gzip.decompress(self.body) if self.headers.get("content-encoding") == "gzip" else self.body

    @property
    def max_age(self) -> float | None:
        control = self.headers.get("cache-control", "")
        match = re.search(r"\bmax-age=(\d+)", control)
        return 0.0 if "no-store" in control else float(match.group(1)) if match else None


def check_playlist(answer: Answer, target: int, report: Report, *, directives: bool, absent: bool = False) -> None:
    """Adds what a 200 to a playlist request lacks; `absent` where the publisher is away, when no-store is right."""
    _common(answer, PLAYLIST_TYPES, report)
    age = answer.max_age
    if directives:
        if not absent and (age is None or age < target or "private" in answer.headers.get("cache-control", "")):
            report.add(CACHE_BLOCKING, f"Cache-Control: {answer.headers.get('cache-control')}", _path(answer))
    elif age is None or age > max(1, target / 2):
        report.add(CACHE_PLAYLIST, f"Cache-Control: {answer.headers.get('cache-control')}", _path(answer))


def check_multivariant(answer: Answer, report: Report) -> None:
    """Adds what a 200 to a multivariant playlist lacks."""
    _common(answer, PLAYLIST_TYPES, report)


def check_media(answer: Answer, target: int, report: Report) -> None:
    """Adds what a 200 to a part, segment or init section lacks."""
    _common(answer, MEDIA_TYPES, report)
    age = answer.max_age
    if age is None or age < 6 * target or "private" in answer.headers.get("cache-control", ""):
        report.add(CACHE_MEDIA, f"Cache-Control: {answer.headers.get('cache-control')}", _path(answer))


def check_refusal(answer: Answer, target: int, report: Report) -> None:
    """Adds a refusal that a cache would keep too long."""
    age = answer.max_age
    limit = 4 * target if answer.status == 404 else 0
    if age is not None and age > limit:
        report.add(CACHE_REFUSAL, f"{answer.status} with {answer.headers.get('cache-control')}", _path(answer))


def check_gzip(plain: Answer, packed: Answer, report: Report) -> None:
    """Adds compressed answers that are not the plain one; both answer one URL with directives."""
    if packed.headers.get("content-encoding") != "gzip":
        report.add(GZIP_MISSING, "Accept-Encoding: gzip was not taken", _path(packed))
        return
    try:
        if packed.plain != plain.body:
            report.add(GZIP, "the bytes differ", _path(packed))
    except (OSError, EOFError, zlib.error) as failure:
        report.add(GZIP, str(failure), _path(packed))
    for answer in (plain, packed):
        if "accept-encoding" not in answer.headers.get("vary", "").lower():
            report.add(VARY, f"Vary: {answer.headers.get('vary')}", _path(answer))


def check_directive_refusals(part_alone: Answer, far: Answer, bad: Answer, unknown: Answer, target: int,
                             report: Report) -> None:
    """Adds requests of 8216bis 6.2.5 that were not refused as it says."""
    for answer, rule_id, wanted in ((part_alone, BLOCK_PART_ALONE, 400), (far, BLOCK_FAR, 400), (bad, BLOCK_BAD, 400),
                                    (unknown, UNKNOWN, 404)):
        if answer.status != wanted or answer.seconds > 1:
            report.add(rule_id, f"{answer.status} after {answer.seconds:.2f} s", answer.url)
        else:
            check_refusal(answer, target, report)


def check_methods(whole: Answer, head: Answer, part: Answer, conditional: Answer | None, report: Report) -> None:
    """Adds HEAD, `Range: bytes=0-99` and If-None-Match answers to `whole`'s URL that do not fit it."""
    if head.status != whole.status or head.body or head.headers.get("content-length") != str(len(whole.body)):
        report.add(HEAD, f"{head.status}, length {head.headers.get('content-length')}", _path(head))
    if part.status != 206 or part.body != whole.body[:100]:
        report.add(RANGE, f"{part.status}, {len(part.body)} bytes", _path(part))
    if conditional is not None and (conditional.status != 304 or conditional.body):
        report.add(CONDITIONAL, f"{conditional.status}", _path(conditional))


def _common(answer: Answer, types: set[str], report: Report) -> None:
    kind = answer.headers.get("content-type", "").split(";")[0].strip().lower()
    if kind not in types:
        report.add(CONTENT_TYPE, f"Content-Type: {kind or 'none'}", _path(answer))
    if answer.headers.get("access-control-allow-origin") != "*":
        report.add(CORS, f"Access-Control-Allow-Origin: {answer.headers.get('access-control-allow-origin')}", _path(answer))
    length = answer.headers.get("content-length")
    if length is not None and int(length) != len(answer.body):
        report.add(LENGTH, f"{length} said, {len(answer.body)} came", _path(answer))


def _path(answer: Answer) -> str:
    """The URL without what differs from request to request, so that findings fold."""
    return re.sub(r"[?&]_HLS_(msn|part)=\d+", "", re.sub(r"\d+(\.\d+)?\.m4s", "N.m4s", answer.url))
