# SPDX-License-Identifier: Apache-2.0
"""The lint itself: a good playlist has no finding, and each rule has something that breaks it and nothing else does."""

from __future__ import annotations

import gzip
import json
import struct
import threading
from collections.abc import Callable
from datetime import datetime, timezone
from decimal import Decimal

import pytest

import hlslint
from isobmff import BoxError, boxes, parse_fragments, parse_init
from lint import dynamic_rules, http_rules, multivariant_rules, static_rules
from lint.dynamic_rules import Sighting
from lint.findings import RULES, Report
from lint.http_rules import Answer
from lint.media_rules import MediaChecker
from lint.model import MediaPlaylist, Part
from lint.playlist import attributes, parse
from lint.watch import Fetcher, Settings, Watch
from made_media import INIT, box, fragment, listed, reference_time, two_parts
from made_origin import Origin
from made_playlists import GOOD, MAP, MULTIVARIANT, playlist, segment, swapped, without

pytestmark = pytest.mark.unit

def static(text: str, **options: object) -> set[str]:
    report = Report()
    read = parse(text.encode(), report)
    if isinstance(read, MediaPlaylist):
        static_rules.check(read, report, **options)
    elif read is not None:
        multivariant_rules.check(read, report)
    return report.rules()


STATIC: list[tuple[str, str, dict]] = [
    ("syntax.text", "\ufeff" + GOOD, {}),
    ("syntax.text", swapped("init.mp4", "in\x07it.mp4"), {}),
    ("syntax.header", "#EXTM3\n" + GOOD, {}),
    ("syntax.attributes", swapped("CAN-BLOCK-RELOAD=YES,", "CAN-BLOCK-RELOAD=YES, "), {}),
    ("syntax.attributes", swapped("CAN-SKIP-UNTIL=12.0", "CAN-SKIP-UNTIL=12.0,"), {}),
    ("syntax.attribute-twice", swapped("HOLD-BACK=6.0", "HOLD-BACK=6.0,HOLD-BACK=6.0"), {}),
    ("syntax.attribute-type", swapped('URI="19.0.m4s",INDEPENDENT=YES', 'URI="19.0.m4s",INDEPENDENT="YES"'), {}),
    ("syntax.attribute-type", swapped("PART-TARGET=1.0", 'PART-TARGET="1.0"'), {}),
    ("syntax.attribute-missing", swapped(',URI="20.1.m4s"', ""), {}),
    ("syntax.tag-twice", swapped("#EXT-X-PART-INF", "#EXT-X-TARGETDURATION:2\n#EXT-X-PART-INF"), {}),
    ("syntax.value", swapped("#EXTINF:2.00000,", "#EXTINF:2.00000"), {}),
    ("syntax.value", swapped("2026-01-01T00:00:20.000Z", "2026-01-01 00:00:20"), {}),
    ("syntax.unknown-tag", swapped("#EXT-X-PART-INF", "#EXT-X-WHATEVER\n#EXT-X-PART-INF"), {}),
    ("syntax.mixed", GOOD + "#EXT-X-STREAM-INF:BANDWIDTH=1\nx.m3u8\n", {}),
    ("syntax.dangling", GOOD + "#EXTINF:2.0,\n", {}),
    ("syntax.dangling", swapped("#EXTINF:2.00000,\n19.m4s", "19.m4s"), {}),
    ("order.header", swapped("#EXT-X-MEDIA-SEQUENCE:10\n", "", GOOD) + "#EXT-X-MEDIA-SEQUENCE:10\n", {}),
    ("order.after-part", swapped("#EXTINF:2.00000,\n19.m4s", "#EXT-X-DISCONTINUITY\n#EXTINF:2.00000,\n19.m4s"), {}),
    ("version.low", swapped("VERSION:9", "VERSION:3"), {}),
    ("version.high", swapped("VERSION:9", "VERSION:11"), {}),
    ("target.missing", without(GOOD, "#EXT-X-TARGETDURATION"), {}),
    ("target.exceeded", swapped("#EXTINF:2.00000,\n12.m4s", "#EXTINF:2.50000,\n12.m4s"), {}),
    ("part.inf-missing", without(GOOD, "#EXT-X-PART-INF"), {}),
    ("part.over-target", swapped('1.00000,URI="19.1', '1.00100,URI="19.1'), {}),
    ("part.too-short", swapped('DURATION=1.00000,URI="19.1.m4s"', 'DURATION=0.5,URI="19.x.m4s"\n'
                               '#EXT-X-PART:DURATION=0.50000,URI="19.1.m4s"'), {}),
    ("part.sum", swapped('1.00000,URI="19.1', '0.90000,URI="19.1'), {}),
    ("part.old", GOOD.replace("#EXTINF:2.00000,\n12.m4s",
                              '#EXT-X-PART:DURATION=1,URI="12.0.m4s",INDEPENDENT=YES\n'
                              '#EXT-X-PART:DURATION=1,URI="12.1.m4s"\n#EXTINF:2.00000,\n12.m4s'), {}),
    ("part.none-near-end", GOOD.replace('#EXT-X-PART:DURATION=1.00000,URI="19.0.m4s",INDEPENDENT=YES\n', "").replace(
        '#EXT-X-PART:DURATION=1.00000,URI="19.1.m4s"\n', ""), {}),
    ("part.first-not-independent", swapped('"19.0.m4s",INDEPENDENT=YES', '"19.0.m4s"'), {}),
    ("control.missing", swapped("CAN-BLOCK-RELOAD=YES,", ""), {}),
    ("control.part-hold-back", swapped("PART-HOLD-BACK=3.0", "PART-HOLD-BACK=2.5"), {}),
    ("control.part-hold-back", swapped("PART-HOLD-BACK=3.0,", ""), {}),
    ("control.hold-back", swapped(",HOLD-BACK=6.0", ",HOLD-BACK=5.9"), {}),
    ("control.can-skip-until", swapped("UNTIL=12.0", "UNTIL=11.9"), {}),
    ("control.skip-dateranges", swapped("CAN-SKIP-UNTIL=12.0", "CAN-SKIP-DATERANGES=YES"), {}),
    ("map.missing", without(GOOD, "#EXT-X-MAP"), {}),
    ("pdt.missing", "".join(line for line in GOOD.splitlines(keepends=True) if "PROGRAM-DATE" not in line), {}),
    ("pdt.step", swapped("00:00:28.000Z", "00:00:29.000Z"), {}),
    ("pdt.back", swapped("00:00:28.000Z", "00:00:20.000Z"), {}),
    ("hint.missing", without(GOOD, "#EXT-X-PRELOAD-HINT"), {}),
    ("hint.listed", swapped('TYPE=PART,URI="20.1', 'TYPE=PART,URI="20.0'), {}),
    ("hint.twice", GOOD + '#EXT-X-PRELOAD-HINT:TYPE=PART,URI="20.2.m4s"\n', {}),
    ("window.short", playlist(18, 19), {}),
    ("type.live", swapped("#EXT-X-PART-INF", "#EXT-X-PLAYLIST-TYPE:EVENT\n#EXT-X-PART-INF"), {}),
    ("report.absolute", GOOD + '#EXT-X-RENDITION-REPORT:URI="http://h/x.m3u8",LAST-MSN=20,LAST-PART=0\n', {}),
    ("report.fields", GOOD + '#EXT-X-RENDITION-REPORT:URI="../x.m3u8",LAST-MSN=20\n', {}),
    ("end.hint", GOOD + "#EXT-X-ENDLIST\n", {}),
    ("uri.twice", swapped("\n12.m4s", "\n11.m4s"), {}),
    ("skip.unasked", swapped(MAP, "#EXT-X-SKIP:SKIPPED-SEGMENTS=3\n"), {}),
    ("skip.boundary", playlist(15).replace(MAP, "#EXT-X-SKIP:SKIPPED-SEGMENTS=5\n").replace(
        "MEDIA-SEQUENCE:15", "MEDIA-SEQUENCE:10"), {"skip_asked": True}),
    ("multivariant.empty", "#EXTM3U\n#EXT-X-INDEPENDENT-SEGMENTS\n#EXT-X-MEDIA:TYPE=AUDIO,GROUP-ID=\"a\",NAME=\"a\"\n", {}),
    ("multivariant.codecs-missing", MULTIVARIANT.replace('CODECS="avc1.64001e,mp4a.40.2",', ""), {}),
    ("multivariant.average-missing", MULTIVARIANT.replace("AVERAGE-BANDWIDTH=800000,", ""), {}),
    ("multivariant.resolution", MULTIVARIANT.replace("RESOLUTION=640x360,", ""), {}),
    ("multivariant.frame-rate", MULTIVARIANT.replace("FRAME-RATE=30.000,", ""), {}),
    ("multivariant.independent", MULTIVARIANT.replace("#EXT-X-INDEPENDENT-SEGMENTS\n", ""), {}),
]


def step(before: str, after: str) -> Callable[[Report], None]:
    return lambda report: dynamic_rules.check_step(read(before), read(after), report)


def read(text: str) -> MediaPlaylist:
    playlist = parse(text.encode(), Report())
    assert isinstance(playlist, MediaPlaylist)
    return playlist


def delta(base: str, answer: str, full: str) -> Callable[[Report], None]:
    return lambda report: dynamic_rules.check_delta(read(base), read(answer), read(full), report)


def skipping(text: str, count: int) -> str:
    """The delta form of a playlist made by `playlist`."""
    lines = text.replace(MAP, f"#EXT-X-SKIP:SKIPPED-SEGMENTS={count}\n").splitlines(keepends=True)
    begin = next(index for index, line in enumerate(lines) if line.startswith("#EXT-X-SKIP")) + 1
    return "".join(lines[:begin] + lines[begin + 3 * count:])


ENDED = without(playlist(open_parts=0), "#EXT-X-PRELOAD-HINT") + "#EXT-X-ENDLIST\n"
NEXT = playlist(11, 20, open_parts=0)
DISCONTINUOUS = GOOD.replace(segment(10, False), "#EXT-X-DISCONTINUITY\n" + segment(10, False))
DYNAMIC: list[tuple[str, Callable[[Report], None]]] = [
    ("change.target", step(GOOD, NEXT.replace("TARGETDURATION:2", "TARGETDURATION:3"))),
    ("change.part-target", step(GOOD, NEXT.replace("PART-TARGET=1.0", "PART-TARGET=1.1"))),
    ("change.control", step(GOOD, NEXT.replace("HOLD-BACK=6.0", "HOLD-BACK=7.0"))),
    ("change.segment", step(GOOD, NEXT.replace("#EXTINF:2.00000,\n15.m4s", "#EXTINF:1.90000,\n15.m4s"))),
    ("change.part", step(GOOD, NEXT.replace('1.00000,URI="20.0', '0.99000,URI="20.0'))),
    ("change.part-lost", step(GOOD, NEXT.replace('#EXT-X-PART:DURATION=1.00000,URI="19.1.m4s"\n', ""))),
    ("sequence.back", step(NEXT, GOOD)),
    ("sequence.hole", step(GOOD, playlist(25, 34))),
    ("sequence.hole", step(GOOD, NEXT.replace("\n15.m4s", "\n14.m4s").replace("\n14.m4s", "\n13.m4s", 1))),
    ("sequence.discontinuity", step(GOOD, playlist(11, 20, discontinuities=1))),
    ("sequence.discontinuity", step(DISCONTINUOUS, playlist(11, 20))),
    ("end.changed", step(ENDED, GOOD)),
    ("late.part", lambda report: dynamic_rules.check_timing(Sighting(read(GOOD), 10), Sighting(read(NEXT), 11.5), report)),
    ("late.segment", lambda report: dynamic_rules.check_segment_timing(
        Sighting(read(GOOD), 10), Sighting(read(NEXT), 13.5), report)),
    ("hint.unkept", lambda report: dynamic_rules.check_hint(
        read(GOOD.replace('PART,URI="20.1', 'PART,URI="other')), read(NEXT), report)),
    ("block.early", lambda report: dynamic_rules.check_blocking((20, 1), read(GOOD), 0.1, report)),
    ("block.late", lambda report: dynamic_rules.check_blocking((20, 0), read(GOOD), 6.6, report)),
    ("block.other", lambda report: dynamic_rules.check_same(b"a", b"b", report)),
    ("delta.differs", delta(GOOD, skipping(NEXT, 4).replace('1.00000,URI="20.0', '0.99000,URI="20.0'), NEXT)),
    ("delta.differs", delta(playlist(13), skipping(NEXT, 4), NEXT)),
    ("delta.refused", delta(GOOD, NEXT, NEXT)),
    ("multivariant.codecs", lambda report: variant(report, codecs=["avc1.640028", "mp4a.40.2"])),
    ("multivariant.resolution", lambda report: variant(report, size=(1280, 720))),
    ("multivariant.frame-rate", lambda report: variant(report, rate=25)),
    ("multivariant.bandwidth-low", lambda report: multivariant_rules.check_bandwidth(
        {"BANDWIDTH": "1000000"}, [(Decimal(2), 250000), (Decimal(2), 320000)], 2, report)),
    ("multivariant.average-low", lambda report: multivariant_rules.check_bandwidth(
        {"BANDWIDTH": "9000000", "AVERAGE-BANDWIDTH": "500000"}, [(Decimal(2), 250000)], 2, report)),
    ("multivariant.renditions-differ", lambda report: multivariant_rules.check_renditions(
        [read(GOOD), read(GOOD.replace("PART-TARGET=1.0", "PART-TARGET=0.5"))], report)),
]


def variant(report: Report, codecs: list[str] | None = None, size: tuple[int, int] = (640, 360), rate: float = 30) -> None:
    said = parse(MULTIVARIANT.encode(), Report()).variants[0].attributes
    multivariant_rules.check_variant(said, codecs or ["avc1.64001e", "mp4a.40.2"], size, (rate, rate), report)


GOOD_HEADERS = {"content-type": "application/vnd.apple.mpegurl", "cache-control": "public, max-age=12",
                "access-control-allow-origin": "*", "vary": "Accept-Encoding"}


def answer(status: int = 200, body: bytes = b"body", seconds: float = 0, **headers: str | None) -> Answer:
    named = GOOD_HEADERS | {name.replace("_", "-"): value for name, value in headers.items()}
    return Answer("http://h/x", status, {name: value for name, value in named.items() if value is not None}, body, seconds,
                  seconds)


def media(report: Report, **headers: str | None) -> None:
    http_rules.check_media(answer(**({"content_type": "video/mp4", "cache_control": "max-age=31536000"} | headers)), 2, report)


def refusals(report: Report, *statuses: int) -> None:
    answers = [answer(status, cache_control="no-store") for status in statuses]
    http_rules.check_directive_refusals(*answers, 2, report)


def methods(report: Report, head: Answer | None = None, part: Answer | None = None, unchanged: Answer | None = None) -> None:
    http_rules.check_methods(answer(), head or answer(body=b"", content_length="4"), part or answer(206),
                             unchanged or answer(304, b""), report)


HTTP: list[tuple[str, Callable[[Report], None]]] = [
    ("http.content-type", lambda report: media(report, content_type="application/octet-stream")),
    ("http.cors", lambda report: media(report, access_control_allow_origin=None)),
    ("http.length", lambda report: media(report, content_length="5")),
    ("http.cache-media", lambda report: media(report, cache_control="max-age=5")),
    ("http.cache-playlist", lambda report: http_rules.check_playlist(answer(cache_control="max-age=30"), 2, report,
                                                                     directives=False)),
    ("http.cache-blocking", lambda report: http_rules.check_playlist(answer(cache_control="no-cache"), 2, report,
                                                                     directives=True)),
    ("http.cache-refusal", lambda report: http_rules.check_refusal(answer(503, cache_control="max-age=9"), 2, report)),
    ("http.gzip", lambda report: http_rules.check_gzip(
        answer(), answer(body=gzip.compress(b"other"), content_encoding="gzip"), report)),
    ("http.gzip", lambda report: http_rules.check_gzip(answer(), answer(body=b"x", content_encoding="gzip"), report)),
    ("http.gzip-missing", lambda report: http_rules.check_gzip(answer(), answer(), report)),
    ("http.vary", lambda report: http_rules.check_gzip(
        answer(vary=None), answer(body=gzip.compress(b"body"), content_encoding="gzip"), report)),
    ("http.part-without-msn", lambda report: refusals(report, 200, 400, 400, 404)),
    ("http.msn-too-far", lambda report: refusals(report, 400, 503, 400, 404)),
    ("http.bad-directive", lambda report: refusals(report, 400, 400, 200, 404)),
    ("http.unknown-part", lambda report: refusals(report, 400, 400, 400, 200)),
    ("http.head", lambda report: methods(report, head=answer(405, b""))),
    ("http.range", lambda report: methods(report, part=answer(200))),
    ("http.conditional", lambda report: methods(report, unchanged=answer(200))),
]


def checked(*segments: tuple[Segment, list[bytes]], init: bytes = INIT) -> Callable[[Report], None]:
    def check(report: Report) -> None:
        checker = MediaChecker(report)
        checker.add_init("init", init)
        for segment, parts in segments:
            checker.add_segment(segment, b"".join(parts), parts)
    return check


def claimed(segment: tuple) -> Callable[[Report], None]:
    def check(report: Report) -> None:
        checker = MediaChecker(report, strict_start=False)
        checker.listed({segment[0].msn}, independent=True)
        checker.add_init("init", INIT)
        checker.add_segment(segment[0], b"".join(segment[1]), segment[1])
    return check


def with_whole(data: bytes) -> Callable[[Report], None]:
    def check(report: Report) -> None:
        checker = MediaChecker(report)
        checker.add_init("init", INIT)
        checker.add_segment(listed(5), data, two_parts(5, 1))
    return check


def dated(civil: float, media_time: int) -> Callable[[Report], None]:
    """A segment whose first picture is at 900000, and was at 1000.5."""
    begun = datetime.fromtimestamp(1000.5, timezone.utc)
    return checked((listed(5, pdt=begun), [reference_time(1, civil, media_time) + two_parts(5, 1)[0], two_parts(5, 1)[1]]))


FIRST = (listed(5), two_parts(5, 1))
MEDIA: list[tuple[str, Callable[[Report], None]]] = [
    ("media.boxes", checked(init=INIT[:-4])),
    ("media.boxes", checked((listed(5), [b"junk", b""]))),
    ("media.extinf", checked((listed(5, duration=Decimal("1.9")), two_parts(5, 1)))),
    ("media.part-duration", checked((listed(5, parts=[Part("a", Decimal("0.9"), True), Part("b", Decimal("1.1"))]),
                                     two_parts(5, 1)))),
    ("media.not-its-parts", with_whole(b"".join(two_parts(5, 1)[:1]))),
    ("media.segment-start", checked((listed(5), two_parts(5, 1, sync=False)))),
    ("media.segment-dependent", claimed((listed(5, parts=[]), two_parts(5, 1, sync=False)))),
    ("media.independent-false", checked((listed(5), two_parts(5, 1, sync=False)))),
    ("media.independent-unsaid", checked((listed(5), two_parts(5, 1, second=True)))),
    ("media.sequence", checked(FIRST, (listed(6), two_parts(6, 4)))),
    ("media.overlap", checked(FIRST, (listed(6), two_parts(6, 3, video=-1)))),
    ("media.hole", checked(FIRST, (listed(6), two_parts(6, 3, audio=2000)))),
    ("media.step", checked((listed(5), two_parts(5, 1, audio=9600)))),
    ("media.reference-time", dated(1000.6, 900_000)),
    ("media.reference-time", dated(1000.5, 903_000)),
    ("media.boxes", checked((listed(5), [box("prft", bytes(27)) + two_parts(5, 1)[0], two_parts(5, 1)[1]]))),
    ("media.zero-duration", checked((listed(5, duration=Decimal(0), parts=[]), [fragment(1, 0, 0, frame=0)]))),
    ("media.tiny-fragment", checked((listed(5), [*two_parts(5, 1), fragment(3, 1080000, 576000, frames=0)]))),
    ("media.changed", lambda report: (checker := MediaChecker(report), checker.add_init("i", INIT),
                                      checker.add_init("i", INIT + box("free")))[0] and None),
]

def watched(broken: str) -> Report:
    origin = Origin(broken)
    threading.Thread(target=origin.serve_forever, daemon=True).start()
    try:
        return Watch(f"http://127.0.0.1:{origin.server_address[1]}/media.m3u8", Settings(seconds=3, tolerance=5)).run()
    finally:
        origin.shutdown()
        origin.server_close()


WATCHED = ["http.status", "http.removed-early", "hint.unserved"]
REACHED = "watch.unreachable"


# -- tests


def test_good_playlists_have_no_finding() -> None:
    for text in (GOOD, NEXT, playlist(10, 19, 0), MULTIVARIANT, ENDED):
        assert static(text) == set(), static(text)
    assert static(skipping(GOOD, 3), skip_asked=True) == set()
    for before, after in ((GOOD, NEXT), (GOOD, GOOD), (DISCONTINUOUS, playlist(11, 20, discontinuities=1)), (GOOD, ENDED)):
        report = Report()
        dynamic_rules.check_step(read(before), read(after), report)
        assert not report.findings, str(report)
    report = Report()
    delta(GOOD, skipping(NEXT, 4), NEXT)(report)
    dynamic_rules.check_hint(read(GOOD), read(NEXT), report)
    dynamic_rules.check_blocking((20, 0), read(GOOD), 1, report)
    assert not report.findings, str(report)


@pytest.mark.parametrize("rule,text,options", STATIC, ids=[f"{index}-{case[0]}" for index, case in enumerate(STATIC)])
def test_static_rule(rule: str, text: str, options: dict) -> None:
    assert rule in static(text, **options)


@pytest.mark.parametrize("rule,act", DYNAMIC + HTTP + MEDIA,
                         ids=[f"{index}-{case[0]}" for index, case in enumerate(DYNAMIC + HTTP + MEDIA)])
def test_rule(rule: str, act: Callable[[Report], None]) -> None:
    report = Report()
    act(report)
    assert rule in report.rules(), str(report)


def test_good_answers_have_no_finding() -> None:
    report = Report()
    media(report)
    http_rules.check_playlist(answer(), 2, report, directives=True)
    http_rules.check_playlist(answer(cache_control="max-age=1"), 2, report, directives=False)
    http_rules.check_gzip(answer(), answer(body=gzip.compress(b"body"), content_encoding="gzip"), report)
    refusals(report, 400, 400, 400, 404)
    methods(report)
    variant(report)
    checked(FIRST, (listed(6), two_parts(6, 3)))(report)
    dated(1000.5, 900_000)(report)
    assert not report.findings, str(report)


@pytest.mark.parametrize("rule", WATCHED)
def test_rule_of_the_watch(rule: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Fetcher, "hint_every", 1)
    assert rule in watched(rule).rules()


def test_a_server_that_is_not_there() -> None:
    report = Watch("http://127.0.0.1:9/index.m3u8").run()
    assert report.rules() == {REACHED}


def test_every_rule_can_be_broken() -> None:
    """A check that can not fail is a defect."""
    broken = {case[0] for case in STATIC + DYNAMIC + HTTP + MEDIA} | set(WATCHED) | {REACHED}
    assert set(RULES) - broken == set()


def test_attribute_lists() -> None:
    report = Report()
    assert attributes('A=1,B="x,y",C-D=YES', report) == {"A": "1", "B": "x,y", "C-D": "YES"}
    assert not report.findings
    for wrong in ("a=1", "A=1,,B=2", 'A="x', "A", "A=1 ,B=2", 'A="x"B=1'):
        report = Report()
        attributes(wrong, report)
        assert report.findings, wrong


def test_discontinuities_are_counted() -> None:
    found = read(DISCONTINUOUS.replace(segment(14, False), "#EXT-X-DISCONTINUITY\n" + segment(14, False)))
    assert [each.discontinuity_sequence for each in found.all_segments()][:6] == [1, 1, 1, 1, 2, 2]


def test_boxes_cut_anywhere_are_errors() -> None:
    """Every truncation of an init section and of a fragment is a BoxError or a struct error, never a wrong answer."""
    init = parse_init(INIT)
    whole = fragment(1, 0, 0)
    for cut in range(1, len(INIT)):
        with pytest.raises((BoxError, struct.error, IndexError)):
            parse_init(INIT[:cut])
    for cut in range(1, len(whole)):
        with pytest.raises((BoxError, struct.error, IndexError)):
            parse_fragments(whole[:cut], init)
    assert [kind for kind, _, _ in boxes(whole)] == ["moof", "mdat"]
    assert init.codecs == ["avc1.64001e", "mp4a.40.2"] and (init.video.width, init.audio.rate) == (640, 48000)


def test_command_line(capsys: pytest.CaptureFixture) -> None:
    assert hlslint.main(["--rules"]) == 0
    assert len(capsys.readouterr().out.splitlines()) == len(RULES)
    assert hlslint.main(["http://127.0.0.1:9/x.m3u8", "--json"]) == 1
    finding, summary = map(json.loads, capsys.readouterr().out.splitlines())
    assert finding["rule"] == REACHED and summary["summary"]["errors"] == 1
