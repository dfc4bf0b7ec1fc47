# SPDX-License-Identifier: Apache-2.0
"""Where a segment was, and how long: traces over regions, and the age of media at each hop."""

from __future__ import annotations

import contextlib
import http.client
import re
import urllib.request

from clusters import Publishing, Reader, address, metric, topology
from collector import Collector, Span
from conftest import ARTEFACTS
from lab import Lab
from publishers import Publisher
from server import Server, free_port, wait_until

PATH = "/live/show/main/media.m3u8"
# From one region to the other, in seconds, as the topology says, but for its jitter.
CROSSING = 0.065
NODES = {
    "east-o": {"region": "east", "zones": ["a", "b"], "roles": ["origin"], "count": 2},
    "west-s": {"region": "west", "zone": "a", "roles": ["edge"], "settings": {"edge.shield": True}},
    "west-e": {"region": "west", "zone": "b", "roles": ["edge"]},
    # Places: the publisher's, the collector's and the viewer's.
    "east-p": {"region": "east", "command": []},
    "east-c": {"region": "east", "command": []},
    "west-v": {"region": "west", "command": []},
}
VIEWER = "0af7651916cd43dd8448eb211c80319c"


def test_one_segment_from_the_publisher_to_a_viewer_in_another_region(binary, figures) -> None:
    """Every hop has its span, all are one tree, and none runs backwards in time."""
    text = topology("two-regions", tracing__sample=1) | {"nodes": NODES, "seeds": ["east-o1", "east-o2", "west-s"]}
    with Lab.up(text, start=False) as lab:
        with lab.inside("east-c"):
            collector = Collector(address(lab, "east-c")).__enter__()
        try:
            lab.start(environment={f"MILLRACE_{name}": value for name, value in collector.settings.items()})
            lab.wait_ready()
            with Publishing(lab, "east-p", "east-o1", "show"), Reader(lab, "west-v", "west-e", PATH):
                wait_until(lambda: whole(collector), 60, "a whole trace", every=0.5)
                ask_as_part_of_a_trace(lab)
                wait_until(lambda: VIEWER in collector.traces(), 15, "the viewer's own trace", every=0.5)
                ages = settled_ages(lab)
        except BaseException:
            lab.save_logs(ARTEFACTS / "tracing")
            raise
        finally:
            collector.__exit__()
    assert not collector.wrong, collector.wrong[:5]
    trace = whole(collector)
    by_id = {span.id: span for span in trace}
    assert len(by_id) == len(trace), "a span came twice"
    root, = (span for span in trace if span.parent is None)
    assert (root.name, root.node) == ("publish", "east-o1")
    holding = {span.node: span for span in trace if span.kind == "consumer"}
    assert set(holding) == {"east-o1", "east-o2", "west-s", "west-e"}
    assert holding["east-o2"].parent == root.id
    for span in trace:
        assert span.attributes.get("millrace.stream", "live/show") == "live/show"
        if span is root:
            continue
        parent = by_id[span.parent]
        assert span.start >= parent.start, (span, parent)
        if span.kind == "consumer":
            assert span.end >= parent.end and span.node != parent.node
        else:
            assert span.node == parent.node
    for node, span in holding.items():
        parts = [each for each in trace if each.node == node and each.name == "package"]
        assert len(parts) >= 4 and {each.attributes["millrace.part"] for each in parts} == set(range(len(parts))), node
    # From whichever of its parents a node has a segment, whoever has it of the other region has it later.
    crossings = [span.start - by_id[span.parent].start for span in holding.values()
                 if span is not root and span.region != by_id[span.parent].region]
    assert crossings and min(crossings) >= CROSSING, crossings
    way = [holding["west-e"]]
    while way[-1] is not root:
        way.append(by_id[way[-1].parent])
    assert {span.region for span in way} == {"east", "west"}
    requests = [span for span in trace if span.name == "request"]
    assert {span.node for span in requests} == {"west-e"}
    assert all(span.attributes["http.response.status_code"] == 200 for span in requests)
    # No viewer has a part before it was packaged where he asks for it.
    packaged = {span.attributes["millrace.part"]: span.end for span in trace
                if span.node == "west-e" and span.name == "package"}
    assert all(span.end >= packaged[span.attributes["millrace.part"]] for span in requests if "millrace.part" in span.attributes)
    the_store_is_told(collector, trace)
    viewers_trace(collector)
    first = min((span for span in requests), key=lambda span: span.end)
    figures(kind="trace", nodes=len({span.node for span in trace}), spans=len(trace), names=sorted({span.name for span in trace}),
            crossing=min(crossings), way=", ".join(span.node for span in reversed(way)),
            package=sum(span.end - span.start for span in trace if span.name == "package" and span.node == "east-o1"),
            held=max(span.end - span.start for span in trace if span.name == "commit"),
            viewer=first.end - root.start, segment=root.end - root.start, **{f"age_{hop}": value for hop, value in ages.items()})


HOPS = {"received": "east-o1", "packaged": "east-o1", "relayed": "west-e", "served": "west-e"}


def settled_ages(lab: Lab) -> dict[str, float]:
    """The mean age at each hop, in seconds, of what passed in a while in which it is as it should be: what has passed more hops
    is older, by the way between the regions too. A stream's dates follow a publisher that stutters at its start within segments."""
    before, ages = counted(lab), {}

    def in_order() -> bool:
        nonlocal before
        after = counted(lab)
        if any(after[hop][1] - before[hop][1] < 2 for hop in HOPS):
            return False
        ages.update({hop: (after[hop][0] - before[hop][0]) / (after[hop][1] - before[hop][1]) for hop in HOPS})
        before = after
        return (ages["received"] < ages["packaged"] < ages["relayed"] <= ages["served"]
                and ages["relayed"] - ages["packaged"] >= CROSSING)

    try:
        wait_until(in_order, 60, "ages in order", every=0.5)
    except AssertionError:
        raise AssertionError(f"not in order: {ages}") from None
    return ages


def counted(lab: Lab) -> dict[str, tuple[float, float]]:
    """Sum and count of each hop."""
    return {hop: tuple(metric(lab, node, f"millrace_media_age_seconds_{what}", f'hop="{hop}"') for what in ("sum", "count"))
            for hop, node in HOPS.items()}


def whole(collector: Collector) -> list[Span]:
    """The newest trace in which every hop is, with all that its spans name; empty where there is none yet."""
    hops = {("publish", "east-o1"), ("commit", "east-o1"), ("package", "east-o1"), ("upload", "east-o1"), ("relay", "east-o2"),
            ("relay", "west-s"), ("relay", "west-e"), ("package", "west-e"), ("request", "west-e")}
    for trace in reversed(collector.traces().values()):
        if hops <= {(span.name, span.node) for span in trace}:
            ids = {span.id for span in trace}
            if all(span.parent is None or span.parent in ids for span in trace):
                return trace
    return []


def ask_as_part_of_a_trace(lab: Lab) -> None:
    """A viewer asks for a segment as part of a trace of its own that is sampled, and of one that is not."""
    with lab.inside("west-v"):
        base = f"http://{address(lab, 'west-e')}:8080"
        with urllib.request.urlopen(base + PATH, timeout=5) as answer:
            name = re.findall(r"^(?!#)(\S+\.m4s)$", answer.read().decode(), re.M)[-1]
        for trace, flags in ((VIEWER, "01"), (VIEWER[::-1], "00")):
            request = urllib.request.Request(
                f"{base}/live/show/main/{name}", headers={"traceparent": f"00-{trace}-b7ad6b7169203331-{flags}"})
            with urllib.request.urlopen(request, timeout=5) as answer:
                assert answer.status == 200 and answer.read()


def viewers_trace(collector: Collector) -> None:
    traces = collector.traces()
    assert VIEWER[::-1] not in traces, "what a viewer does not sample is"
    span, = traces[VIEWER]
    assert (span.name, span.kind, span.parent) == ("request", "server", "b7ad6b7169203331")
    assert span.attributes["millrace.resource"] == "segment"
    (segment, holding), = span.links
    assert holding in {each.id for each in traces[segment] if each.node == "west-e"}


def the_store_is_told(collector: Collector, trace: list[Span]) -> None:
    uploads = [span for span in trace if span.name == "upload"]
    assert len(uploads) == 1 and uploads[0].kind == "client" and uploads[0].failure is None
    upload = uploads[0]
    key = f"/bucket/{upload.attributes['millrace.object']}"
    assert collector.contexts[key] == f"00-{upload.trace}-{upload.id}-01"
    assert len(collector.objects[key]) == upload.attributes["millrace.bytes"]


def test_a_collector_that_is_not_there_costs_spans_and_nothing_else(binary) -> None:
    """Spans are dropped and counted; media goes on, and so does the node's end."""
    with Server(TRACING_ENDPOINT=f"http://127.0.0.1:{free_port()}/v1/traces", TRACING_SAMPLE=1, TRACING_QUEUE=16) as server, \
            Publisher("default", server.publish_url("show")):
        server.wait_live("show")

        def dropped(reason: str) -> float:
            return server.metrics()[f'millrace_trace_spans_dropped_total{{reason="{reason}"}}']

        wait_until(lambda: dropped("queue_full") > 0 and dropped("unsent") >= 16, 60, "spans to be dropped", every=0.5)
        parts = server.metric("millrace_feed_parts_total")
        wait_until(lambda: server.metric("millrace_feed_parts_total") > parts + 4, 10, "media to go on")
        assert server.metric("millrace_trace_spans_exported_total") == 0
        assert "the collector does not take traces" in server.log()
        assert server.terminate() < 10


def test_a_node_takes_its_last_spans_with_it(binary) -> None:
    """What waits when the node is told to end reaches the collector."""
    with Collector() as collector:
        with Server(**collector.settings, TRACING_SAMPLE=1) as server, Publisher("default", server.publish_url("show")):
            server.wait_live("show")
            with contextlib.closing(http.client.HTTPConnection("127.0.0.1", server.http, timeout=10)) as connection:
                connection.request("GET", PATH)
                text = connection.getresponse().read().decode()
                name = re.findall(r'URI="(\S+?\.m4s)"', text)[-1]
                connection.request("GET", f"/live/show/main/{name}")
                assert connection.getresponse().read()
            server.terminate()
        assert not collector.wrong, collector.wrong[:5]
        requests = [span for span in collector.spans if span.name == "request"]
        assert [span.attributes["millrace.resource"] for span in requests] == ["part"]
        published = {span.trace: span for span in collector.spans if span.name == "publish"}
        assert requests[0].trace in published and requests[0].parent == published[requests[0].trace].id

