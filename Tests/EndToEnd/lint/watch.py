# SPDX-License-Identifier: Apache-2.0
"""Follows a live stream as a low-latency viewer does and applies every rule to what it gets."""

from __future__ import annotations

import dataclasses
import http.client
import queue
import ssl
import threading
import time
import urllib.parse

from . import dynamic_rules, http_rules, media_rules, multivariant_rules, static_rules
from .dynamic_rules import Sighting
from .findings import ERROR, Report, rule
from .http_rules import Answer
from .model import MediaPlaylist, MultivariantPlaylist
from .playlist import parse

UNREACHABLE = rule("watch.unreachable", ERROR, "the server answers", "8216bis 6.3.1")
HINT_UNSERVED = rule("hint.unserved", ERROR, "a hinted part is sent whole as soon as it is there", "8216bis 6.2.6")


class Client:
    """HTTP/1.1 with one kept connection for each thread."""

    def __init__(self, timeout: float = 30) -> None:
        self.timeout = timeout
        self.requests = 0
        self._local = threading.local()

    def get(self, url: str, headers: dict[str, str] | None = None, method: str = "GET") -> Answer:
        """One answer, whatever its status; raises OSError where none came."""
        parts = urllib.parse.urlsplit(url)
        target = parts.path + (f"?{parts.query}" if parts.query else "")
        for attempt in (0, 1):
            connection = self._connection(parts)
            fresh = connection.sock is None
            begun = time.monotonic()
            try:
                connection.request(method, target, headers={"Origin": "http://player.example", **(headers or {})})
                response = connection.getresponse()
                first = time.monotonic() - begun
                body = response.read()
            except (http.client.HTTPException, OSError) as failure:
                connection.close()
                if attempt or fresh:  # a kept connection may have been closed while idle; a fresh one may not
                    raise OSError(f"{url}: {failure!r}") from failure
                continue
            self.requests += 1
            named = {name.lower(): value for name, value in response.getheaders()}
            return Answer(url, response.status, named, body, first, time.monotonic() - begun)
        raise AssertionError("unreachable")

    def _connection(self, parts: urllib.parse.SplitResult) -> http.client.HTTPConnection:
        kept = self._local.__dict__.setdefault("connections", {})
        key = (parts.scheme, parts.netloc)
        if key not in kept:
            if parts.scheme == "https":
                context = ssl.create_default_context()
                context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
                kept[key] = http.client.HTTPSConnection(parts.netloc, timeout=self.timeout, context=context)
            else:
                kept[key] = http.client.HTTPConnection(parts.netloc, timeout=self.timeout)
        return kept[key]


@dataclasses.dataclass
class Settings:
    """What a watch expects of its stream."""

    seconds: float = 60
    tolerance: float = 0.35  # what scheduling on a shared machine may add, seconds
    strict_start: bool = True  # every segment begins with a random access point
    returns: bool = False  # the publisher goes away and comes back on purpose
    late_allowed: bool = False  # the publisher stalls on purpose: lateness is no finding
    pdt_tolerance: float = 0.5
    bandwidth: bool = True


class Watch:
    """One stream by its multivariant or media playlist URL."""

    def __init__(self, url: str, settings: Settings | None = None, report: Report | None = None) -> None:
        self.url, self.settings, self.report = url, settings or Settings(), report or Report()
        self.client = Client()
        self.renditions: list[Rendition] = []
        self.stopped = threading.Event()

    def run(self) -> Report:
        """Watches for the time set; returns the report."""
        try:
            answer = self.client.get(self.url)
        except OSError as failure:
            self.report.add(UNREACHABLE, str(failure), self.url)
            return self.report
        if answer.status != 200:
            self.report.add(http_rules.STATUS, f"{answer.status}", self.url)
            return self.report
        playlist = parse(answer.plain, self.report, self.url)
        if isinstance(playlist, MultivariantPlaylist):
            http_rules.check_multivariant(answer, self.report)
            multivariant_rules.check(playlist, self.report, self.url)
            entries = [(variant.uri, variant.attributes) for variant in playlist.variants]
            entries += [(media["URI"], None) for media in playlist.media if "URI" in media]
        elif playlist is not None:
            entries = [(self.url, None)]
        else:
            return self.report
        self.renditions = [Rendition(self, urllib.parse.urljoin(self.url, uri), attributes)
                           for uri, attributes in dict(entries[::-1]).items()]
        threads = [threading.Thread(target=rendition.run, daemon=True) for rendition in self.renditions]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(self.settings.seconds + 60)
        if len(self.renditions) > 1:
            multivariant_rules.check_renditions(
                [rendition.last for rendition in self.renditions if rendition.last], self.report, self.url)
        return self.report

    def stop(self) -> None:
        """Ends `run` at the next answer."""
        self.stopped.set()

    def summary(self) -> dict[str, object]:
        """Figures of what was looked at, for a person."""
        return {
            "requests": self.client.requests,
            "playlists": sum(rendition.playlists for rendition in self.renditions),
            "segments": sum(rendition.media.segments_checked for rendition in self.renditions),
            "parts": sum(rendition.media.parts_checked for rendition in self.renditions),
            "bytes": sum(rendition.media.bytes_checked for rendition in self.renditions),
            "step": max((abs(step) for rendition in self.renditions for step in rendition.media.steps), default=None),
            "discontinuities": sum(rendition.discontinuities for rendition in self.renditions),
            "ended": any(rendition.last is not None and rendition.last.endlist for rendition in self.renditions),
            "errors": len(self.report.errors), "warnings": len(self.report.warnings),
        }


class Rendition:
    """One media playlist: a chain of blocking requests here, its media in a second thread."""

    def __init__(self, watch: Watch, url: str, variant: dict[str, str] | None) -> None:
        self.watch, self.url, self.variant = watch, url, variant
        self.joint = "&" if "?" in url else "?"
        self.report, self.settings, self.client = watch.report, watch.settings, watch.client
        self.media = media_rules.MediaChecker(self.report, url, self.settings.strict_start,
                                              0.1 if self.settings.returns else 0)
        self.fetcher = Fetcher(self)
        self.last: MediaPlaylist | None = None
        self.playlists = 0
        self.discontinuities = 0
        self.first_sequence: int | None = None

    def run(self) -> None:
        """Follows the playlist until time is up, the stream ends or the watch is stopped."""
        end = time.monotonic() + self.settings.seconds
        worker = threading.Thread(target=self.fetcher.run, daemon=True)
        worker.start()
        try:
            self._follow(end)
        except OSError as failure:
            self.report.add(UNREACHABLE, str(failure), self.url)
        self.fetcher.finish()
        worker.join(30)
        self._conclude()

    def _follow(self, end: float) -> None:
        answer = self.client.get(self.url)
        playlist = self._take(answer, None)
        if playlist is None:
            return
        before, segment_before = None, None
        step = 0
        while time.monotonic() < end and not playlist.endlist and not self.watch.stopped.is_set():
            step += 1
            asked = playlist.next_part() if playlist.part_target is not None else None
            following = self._next(playlist, asked)
            if following is None:
                return
            sighting = Sighting(following, time.monotonic())
            if not self.settings.late_allowed:
                if before is not None:
                    dynamic_rules.check_timing(before, sighting, self.report, self.url, self.settings.tolerance)
                newest = following.segments[-1].msn if following.segments else -1
                if segment_before is None or newest > segment_before.playlist.segments[-1].msn:
                    if segment_before is not None:
                        dynamic_rules.check_segment_timing(segment_before, sighting, self.report, self.url,
                                                           self.settings.tolerance)
                    segment_before = sighting if following.segments else None
            before = sighting
            if asked is not None:
                self._extras(step, asked, playlist, following)
            playlist = following

    def _next(self, playlist: MediaPlaylist, asked: tuple[int, int] | None) -> MediaPlaylist | None:
        """The playlist after this one, by blocking where the server can."""
        if asked is None:
            self.watch.stopped.wait(max(0.5, (playlist.target_duration or 1) / 2))
            return self._take(self.client.get(self.url), None, playlist)
        answer = self.client.get(f"{self.url}{self.joint}_HLS_msn={asked[0]}&_HLS_part={asked[1]}")
        absent = answer.max_age == 0.0
        if answer.status == 503 and self.settings.late_allowed:
            return playlist  # nothing came in three target durations, as expected; ask again
        following = self._take(answer, asked, playlist, absent)
        if following is not None and not (absent and self.settings.returns):
            dynamic_rules.check_blocking(asked, following, answer.first_byte, self.report, self.url)
            dynamic_rules.check_hint(playlist, following, self.report, self.url)
        return following

    def _take(self, answer: Answer, asked: tuple[int, int] | None, before: MediaPlaylist | None = None,
              absent: bool = False) -> MediaPlaylist | None:
        """Reads and checks one answer; None ends the watch of this rendition."""
        if answer.status != 200:
            self.report.add(http_rules.STATUS, f"{answer.status} to {answer.url}", self.url)
            return None
        playlist = parse(answer.plain, self.report, self.url)
        if not isinstance(playlist, MediaPlaylist):
            return None
        self.playlists += 1
        self.media.listed({segment.msn for segment in playlist.all_segments()}, playlist.independent_segments)
        target = playlist.target_duration or 0
        if self.first_sequence is None:
            self.first_sequence = playlist.media_sequence
        static_rules.check(playlist, self.report, self.url, returns=self.settings.returns,
                           pdt_tolerance=self.settings.pdt_tolerance, begun=playlist.media_sequence > self.first_sequence)
        http_rules.check_playlist(answer, target, self.report, directives=asked is not None and not playlist.endlist,
                                  absent=absent)
        if before is not None:
            dynamic_rules.check_step(before, playlist, self.report, self.url)
            known = {segment.msn for segment in before.all_segments() if segment.discontinuity}
            self.discontinuities += sum(segment.discontinuity and segment.msn not in known
                                        for segment in playlist.all_segments() if segment.msn > before.segments[-1].msn)
        self.fetcher.saw(before, playlist)
        self.last = playlist
        return playlist

    def _extras(self, step: int, asked: tuple[int, int], before: MediaPlaylist, full: MediaPlaylist) -> None:
        """Now and then: the same again, its delta, its compressed form, and what must be refused."""
        base = f"{self.url}{self.joint}_HLS_msn={asked[0]}&_HLS_part={asked[1]}"
        target = full.target_duration or 0
        if step % 7 == 3:
            answer = self.client.get(f"{base}&_HLS_skip=YES")
            delta = parse(answer.plain, self.report, self.url) if answer.status == 200 else None
            if isinstance(delta, MediaPlaylist):
                static_rules.check(delta, self.report, self.url, skip_asked=True, returns=self.settings.returns,
                                   pdt_tolerance=self.settings.pdt_tolerance, begun=False)
                dynamic_rules.check_delta(before, delta, full, self.report, self.url)
            else:
                self.report.add(http_rules.STATUS, f"{answer.status} to {answer.url}", self.url)
        if step % 7 == 5:
            plain = self.client.get(base)
            packed = self.client.get(base, {"Accept-Encoding": "gzip"})
            if plain.max_age != 0.0:
                dynamic_rules.check_same(full.text.encode(), _normal(plain.plain), self.report, self.url)
                http_rules.check_gzip(plain, packed, self.report)
        if step % 40 == 2 and not full.endlist:
            last = full.segments[-1].msn if full.segments else full.media_sequence
            refusals = [self.client.get(f"{self.url}{self.joint}{query}") for query in
                        ("_HLS_part=0", f"_HLS_msn={last + 50}&_HLS_part=0", "_HLS_msn=one")]
            unknown = urllib.parse.urljoin(self.url, _far_uri(full, last))
            http_rules.check_directive_refusals(*refusals, self.client.get(unknown), target, self.report)

    def _conclude(self) -> None:
        """What can be said only after the watch: attributes of the variant against what was measured."""
        if self.variant is None or not self.media.inits or self.last is None:
            return
        init = list(self.media.inits.values())[-1]
        size = (init.video.width, init.video.height) if init.video else None
        multivariant_rules.check_variant(self.variant, init.codecs, size, self.media.frame_rates(init), self.report,
                                         self.watch.url)
        sizes = [(segment.duration, self.fetcher.sizes[segment.uri]) for segment in self.last.segments
                 if segment.uri in self.fetcher.sizes]
        if self.settings.bandwidth and sizes:
            multivariant_rules.check_bandwidth(self.variant, sizes, self.last.target_duration or 1, self.report,
                                               self.watch.url)


class Fetcher:
    """Fetches what the playlists list, in order, and hands it to the media rules."""

    hint_every = 5  # of so many playlists one hint is fetched ahead of its part

    def __init__(self, rendition: Rendition) -> None:
        self.rendition, self.report, self.client = rendition, rendition.report, rendition.client
        self.work: queue.Queue = queue.Queue()
        self.parts: dict[str, bytes] = {}
        self.queued: set[str] = set()
        self.sizes: dict[str, int] = {}
        self.refused_hints: dict[str, int] = {}
        self.target = 0
        self.count = 0

    def saw(self, before: MediaPlaylist | None, playlist: MediaPlaylist) -> None:
        """Queues what is new, and a second look at what has just gone."""
        self.target = playlist.target_duration or 0
        for segment in playlist.all_segments():
            if segment.map_uri and segment.map_uri not in self.queued:
                self.queued.add(segment.map_uri)
                self.work.put(("init", segment.map_uri, None))
            for part in segment.parts:
                if part.uri not in self.queued and part.byterange is None and not part.gap:
                    self.queued.add(part.uri)
                    self.work.put(("part", part.uri, None))
            if segment.uri and segment.uri not in self.queued and segment.byterange is None:
                self.queued.add(segment.uri)
                self.work.put(("segment", segment.uri, segment))
        for hint in playlist.preload_hints:
            self.count += 1
            if hint.get("TYPE") == "PART" and self.count % self.hint_every == 0 and not playlist.endlist:
                self.work.put(("hint", hint["URI"], None))
        if before is not None:
            self._gone(before, playlist)

    def run(self) -> None:
        while (item := self.work.get()) is not None:
            kind, uri, segment = item
            try:
                self._fetch(kind, urllib.parse.urljoin(self.rendition.url, uri), uri, segment)
            except OSError as failure:
                self.report.add(UNREACHABLE, str(failure), self.rendition.url)

    def finish(self) -> None:
        self.work.put(None)

    def _gone(self, before: MediaPlaylist, playlist: MediaPlaylist) -> None:
        listed = {segment.uri for segment in playlist.segments}
        parts = {part.uri for segment in playlist.all_segments() for part in segment.parts}
        if playlist.skip is not None or playlist.endlist:
            return
        for segment in before.segments:
            gone = segment.uri not in listed and not segment.gap
            if gone:
                self.work.put(("removed", segment.uri, None))
            elif segment.parts and segment.parts[0].uri not in parts and not segment.parts[0].gap:
                self.work.put(("removed", segment.parts[-1].uri, None))

    def _fetch(self, kind: str, url: str, uri: str, segment) -> None:
        if kind == "removed":
            answer = self.client.get(url, method="HEAD")
            if answer.status != 200:
                self.report.add(http_rules.REMOVED_EARLY, f"{answer.status} for {uri}", self.rendition.url)
            return
        answer = self.client.get(url)
        if kind == "hint":
            if answer.status == 200:
                self.parts.setdefault(uri, answer.body)
            else:
                self.refused_hints[uri] = answer.status  # a finding only where the part comes under that name
            return
        if answer.status != 200:
            if not (segment and segment.gap):
                self.report.add(http_rules.STATUS, f"{answer.status} for {uri}", self.rendition.url)
            return
        http_rules.check_media(answer, self.target, self.report)
        if uri in self.refused_hints:
            self.report.add(HINT_UNSERVED, f"{self.refused_hints[uri]} for {uri} while it was hinted", self.rendition.url)
        if kind == "init":
            self.rendition.media.add_init(uri, answer.body)
        elif kind == "part":
            if self.parts.setdefault(uri, answer.body) != answer.body:
                self.report.add(media_rules.CHANGED, uri, self.rendition.url)
        else:
            self._segment(answer, uri, segment)

    def _segment(self, answer: Answer, uri: str, segment) -> None:
        parts = [self.parts.pop(part.uri, None) for part in segment.parts]
        whole = [part for part in parts if part is not None]
        complete = bool(parts) and len(whole) == len(parts)
        self.sizes[uri] = len(answer.body)
        self.rendition.media.add_segment(segment, answer.body, whole if complete else None)
        if segment.msn % 8 == 0:
            url = answer.url
            tag = answer.headers.get("etag")
            http_rules.check_methods(
                answer, self.client.get(url, method="HEAD"), self.client.get(url, {"Range": "bytes=0-99"}),
                self.client.get(url, {"If-None-Match": tag}) if tag else None, self.report)


def _normal(data: bytes) -> bytes:
    """As `MediaPlaylist.text` keeps it: one newline at the end of each line."""
    lines = data.decode("utf-8", "replace").replace("\r\n", "\n").split("\n")
    return ("\n".join(lines) + "\n").encode()


def _far_uri(playlist: MediaPlaylist, last: int) -> str:
    """The name a part far ahead would have, made from one that is listed."""
    parts = [part.uri for segment in playlist.all_segments() for part in segment.parts]
    if not parts:
        return "no-such-part.m4s"
    tip = next(segment for segment in reversed(playlist.all_segments()) if segment.parts)
    return tip.parts[-1].uri.replace(str(tip.msn), str(last + 1000))
