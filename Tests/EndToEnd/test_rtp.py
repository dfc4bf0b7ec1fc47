# SPDX-License-Identifier: Apache-2.0
"""Plain RTP and its gRPC control, as users of the RTP Fanout Server know them: no definitions at hand, but reflection."""

from __future__ import annotations

import json
import os
import pathlib
import re
import secrets
import shutil
import signal
import socket
import struct
import subprocess
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress

import clips
import grpc
import pytest
from google.protobuf import descriptor_pool, json_format, message_factory
from grpc_reflection.v1alpha import reflection_pb2
from grpc_reflection.v1alpha.proto_reflection_descriptor_database import ProtoReflectionDescriptorDatabase
from server import BINARY, Server, free_port, wait_until

SERVICE = "rtpfanout.SessionService"
SECRET = "0123456789abcdef0123456789abcdef"
METHODS = {"CreateSession", "GetSession", "DeleteSession", "ListSessions", "AddSubscriber", "RemoveSubscriber",
           "GetSessionStats"}


class Client:
    """Calls methods by what reflection says of them."""

    def __init__(self, channel: grpc.Channel, token: str | None = None) -> None:
        self.channel, self.metadata = channel, [("authorization", f"Bearer {token}")] if token else []
        self.database = None

    def describe(self) -> None:
        self.database = ProtoReflectionDescriptorDatabase(self.channel)
        pool = descriptor_pool.DescriptorPool(self.database)
        self.service = pool.FindServiceByName(SERVICE)

    def __call__(self, method: str, **fields: object) -> dict:
        if self.database is None:
            self.describe()
        known = self.service.methods_by_name[method]
        request = message_factory.GetMessageClass(known.input_type)(**fields)
        call = self.channel.unary_unary(
            f"/{SERVICE}/{method}", request_serializer=lambda message: message.SerializeToString(),
            response_deserializer=message_factory.GetMessageClass(known.output_type).FromString)
        return json_format.MessageToDict(call(request, metadata=self.metadata, timeout=10),
                                         preserving_proto_field_name=True, always_print_fields_with_no_presence=True)


class SecuredServer(Server):
    """Its HTTP port speaks TLS, and so is not asked whether it is ready."""

    def _ready(self) -> bool:
        try:
            with socket.create_connection(("127.0.0.1", self.grpc), 1):
                return True
        except OSError:
            return False


@contextmanager
def udp() -> Iterator[tuple[socket.socket, str]]:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as one:
        one.bind(("127.0.0.1", 0))
        one.settimeout(5)
        yield one, f"127.0.0.1:{one.getsockname()[1]}"


@contextmanager
def plain(server: Server) -> Iterator[Client]:
    with grpc.insecure_channel(f"127.0.0.1:{server.grpc}") as channel:
        yield Client(channel)


def packet(ssrc: int, number: int) -> bytes:
    return struct.pack("!BBHII", 0x80, 0x80 | 96, number, number * 3000, ssrc) + bytes(range(100))


def refused(code: grpc.StatusCode, call, *words, **fields) -> str:
    with pytest.raises(grpc.RpcError) as failure:
        call(*words, **fields)
    assert failure.value.code() == code, failure.value
    return failure.value.details()


def test_a_session_from_beginning_to_end(binary: str) -> None:
    """Every method, with packets between: what goes out is what came in."""
    with Server() as server, plain(server) as call, udp() as (source, source_address), udp() as (viewer, address):
        session = call("CreateSession", source_address=source_address, ssrc=12345, media_type="video")
        name = session["session_id"]
        assert re.fullmatch(r"[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}", name)
        assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z", session["created_at"])
        assert session["source_address"] == source_address and session["ssrc"] == 12345
        assert session["status"] == "waiting" and session["subscriber_count"] == "0"
        call("AddSubscriber", session_id=name, subscriber_address=address)
        for number in range(10):
            source.sendto(packet(12345, number), ("127.0.0.1", server.rtp))
        assert [viewer.recv(2048) for _ in range(10)] == [packet(12345, number) for number in range(10)]
        session = call("GetSession", session_id=name)
        assert session["status"] == "active" and session["subscriber_count"] == "1"
        stats = call("GetSessionStats", session_id=name)
        assert stats["packets_received"] == stats["packets_sent"] == "10" and stats["bytes_sent"] == "1120"
        assert stats["subscriber_count"] == 1 and stats["uptime_seconds"] > 0 and stats["packets_per_second"] > 0
        assert server.metric("millrace_rtp_packets_sent_total") == 10
        assert server.metric("millrace_rtp_sessions") == server.metric("millrace_rtp_subscribers") == 1
        assert server.metric("millrace_rtp_fanout_delay_seconds_count") > 0
        assert server.metric("millrace_grpc_calls_total") > 0
        call("RemoveSubscriber", session_id=name, subscriber_address=address)
        call("DeleteSession", session_id=name)
        refused(grpc.StatusCode.NOT_FOUND, call, "GetSession", session_id=name)
        assert server.metric("millrace_rtp_sessions") == 0


def test_limits_and_wrong_calls(binary: str) -> None:
    """Limits are RESOURCE_EXHAUSTED, a second session of an SSRC ALREADY_EXISTS, nonsense INVALID_ARGUMENT."""
    with Server(RTP_MAX_SESSIONS=3, RTP_MAX_SUBSCRIBERS=2) as server, plain(server) as call:
        names = [call("CreateSession", source_address="127.0.0.1:9000", ssrc=ssrc)["session_id"] for ssrc in (1, 2, 3)]
        refused(grpc.StatusCode.RESOURCE_EXHAUSTED, call, "CreateSession", source_address="127.0.0.1:9000", ssrc=4)
        for port in (9001, 9002, 9002):
            call("AddSubscriber", session_id=names[0], subscriber_address=f"127.0.0.1:{port}")
        refused(grpc.StatusCode.RESOURCE_EXHAUSTED, call, "AddSubscriber", session_id=names[0],
                subscriber_address="127.0.0.1:9003")
        call("DeleteSession", session_id=names[2])
        refused(grpc.StatusCode.ALREADY_EXISTS, call, "CreateSession", source_address="127.0.0.1:9000", ssrc=1)
        wrong = grpc.StatusCode.INVALID_ARGUMENT
        refused(wrong, call, "CreateSession", source_address="localhost:9000", ssrc=9)
        refused(wrong, call, "CreateSession", source_address="127.0.0.1:9000", ssrc=9, media_type="smell")
        refused(wrong, call, "GetSession", session_id="1")
        refused(wrong, call, "ListSessions", cursor="x")
        for address in ("224.0.0.1:5004", "127.0.0.1:0", "0.0.0.0:9", "[ff02::1]:9", "127.0.0.1"):
            refused(wrong, call, "AddSubscriber", session_id=names[0], subscriber_address=address)
        refused(grpc.StatusCode.NOT_FOUND, call, "RemoveSubscriber", session_id=names[1],
                subscriber_address="127.0.0.1:9001")


@contextmanager
def cluster(count: int, **settings: object) -> Iterator[list[Server]]:
    """Nodes that know one another, the first of which takes no viewers: it is in nobody's edge set."""
    key, gossip = secrets.token_hex(32), free_port()
    with ExitStack() as stack:
        nodes = []
        for number in range(count):
            nodes.append(stack.enter_context(Server(
                NODE_NAME=f"n{number}", NODE_ADVERTISE="127.0.0.1", CLUSTER_KEY=key, GOSSIP_HOST="127.0.0.1",
                GOSSIP_PORT=free_port() if number else gossip, RELAY_HOST="127.0.0.1", RELAY_PORT=free_port(),
                CLUSTER_SEEDS=f"127.0.0.1:{gossip}" if number else "", ROLES="edge,router" if number else "origin",
                **settings)))
        for node in nodes:
            wait_until(lambda: node.metrics().get('millrace_cluster_members{health="alive"}') == count, 30, "the cluster")
        yield nodes


def test_a_session_outgrows_its_node(binary: str) -> None:
    """Subscribers beyond the limit are sent to by other nodes, byte for byte; one that dies gives them to the next, and the
    whole set full is RESOURCE_EXHAUSTED."""
    with cluster(3, RTP_MAX_SUBSCRIBERS=2, RTP_IDLE_TIMEOUT="20s") as (home, *edges), plain(home) as call, \
            udp() as (source, source_address), ExitStack() as stack:
        name = call("CreateSession", source_address=source_address, ssrc=5, media_type="video")["session_id"]
        viewers = [stack.enter_context(udp()) for _ in range(6)]
        for _, address in viewers:
            call("AddSubscriber", session_id=name, subscriber_address=address)
        refused(grpc.StatusCode.RESOURCE_EXHAUSTED, call, "AddSubscriber", session_id=name,
                subscriber_address="127.0.0.1:9")
        for number in range(50):
            source.sendto(packet(5, number), ("127.0.0.1", home.rtp))
        for viewer, _ in viewers:
            assert [viewer.recv(2048) for _ in range(50)] == [packet(5, number) for number in range(50)]
        wait_until(lambda: call("GetSessionStats", session_id=name)["packets_sent"] == "300", 10, "all tallies")
        assert call("ListSessions")["sessions"][0]["subscriber_count"] == "6"
        assert [edge.metric("millrace_rtp_subscribers") for edge in edges] == [2, 2]
        assert home.metric("millrace_rtp_packets_relayed_total") == 50

        for _, address in viewers[:2]:
            call("RemoveSubscriber", session_id=name, subscriber_address=address)
        # The other edge is full, so those of the one that dies come home, where there is room by now.
        os.kill(edges[0].pid, signal.SIGKILL)
        wait_until(lambda: home.metric("millrace_rtp_subscribers_moved_total") == 2, 10, "its subscribers to move")
        assert call("GetSession", session_id=name)["subscriber_count"] == "4"
        source.sendto(packet(5, 99), ("127.0.0.1", home.rtp))
        for viewer, _ in viewers[2:]:
            assert viewer.recv(2048) == packet(5, 99)

        call("DeleteSession", session_id=name)
        wait_until(lambda: edges[1].metric("millrace_rtp_branches") == 0, 10, "the end of the branch")


def test_a_session_beyond_its_node_expires(binary: str) -> None:
    """A session without packets ends with its branches."""
    with cluster(2, RTP_MAX_SUBSCRIBERS=1, RTP_IDLE_TIMEOUT="2s") as (home, edge), plain(home) as call:
        name = call("CreateSession", source_address="127.0.0.1:9000", ssrc=5)["session_id"]
        for port in (9001, 9002):
            call("AddSubscriber", session_id=name, subscriber_address=f"127.0.0.1:{port}")
        assert edge.metric("millrace_rtp_branches") == 1
        wait_until(lambda: edge.metric("millrace_rtp_branches") == 0, 15, "the end of the branch")
        refused(grpc.StatusCode.NOT_FOUND, call, "GetSession", session_id=name)


def test_pages_of_sessions(binary: str) -> None:
    """ListSessions gives each session once, in the order in which they began."""
    with Server() as server, plain(server) as call:
        names = [call("CreateSession", source_address="127.0.0.1:9000", ssrc=ssrc)["session_id"] for ssrc in range(7)]
        listed, cursor, pages = [], "", 0
        while pages == 0 or cursor:
            page = call("ListSessions", limit=3, cursor=cursor)
            listed += [session["session_id"] for session in page["sessions"]]
            cursor, pages = page["next_cursor"], pages + 1
        assert listed == names and pages == 3
        assert len(call("ListSessions")["sessions"]) == 7


def test_a_subscriber_must_want_packets(binary: str) -> None:
    """Whoever is not on the list gets one small question and no packet, until the question comes back."""
    with Server(RTP_WILLING="192.0.2.0/24") as server, plain(server) as call, \
            udp() as (source, source_address), udp() as (viewer, address):
        name = call("CreateSession", source_address=source_address, ssrc=7)["session_id"]
        call("AddSubscriber", session_id=name, subscriber_address=address)
        question = viewer.recv(2048)
        assert len(question) == 28 and question[1] == 204 and question[8:12] == b"MRSB"
        source.sendto(packet(7, 1), ("127.0.0.1", server.rtp))
        source.sendto(question, ("127.0.0.1", server.rtp))
        patience = viewer.gettimeout()
        viewer.settimeout(0.1)
        with pytest.raises(TimeoutError):
            while True:
                assert viewer.recv(2048) == question
        viewer.settimeout(patience)
        viewer.sendto(question, ("127.0.0.1", server.rtp))
        wait_until(lambda: server.metric("millrace_rtp_probes_answered_total") == 1, 5, "the answer")
        source.sendto(packet(7, 2), ("127.0.0.1", server.rtp))
        assert viewer.recv(2048) == packet(7, 2)


def test_an_idle_session_ends(binary: str) -> None:
    """A session without packets is gone after rtp.idle_timeout."""
    with Server(RTP_IDLE_TIMEOUT="1s") as server, plain(server) as call:
        name = call("CreateSession", source_address="127.0.0.1:9000", ssrc=7)["session_id"]
        wait_until(lambda: server.metric("millrace_rtp_sessions_expired_total") == 1, 5, "the end of the session")
        refused(grpc.StatusCode.NOT_FOUND, call, "GetSession", session_id=name)


@pytest.mark.parametrize("version", ["v1", "v1alpha"])
def test_reflection(binary: str, version: str) -> None:
    """Services, their files and what is not there, by both versions of reflection."""
    def ask(stub, **wish):
        return next(stub(iter([reflection_pb2.ServerReflectionRequest(host="h", **wish)]), timeout=10))

    with Server() as server, grpc.insecure_channel(f"127.0.0.1:{server.grpc}") as channel:
        stub = channel.stream_stream(
            f"/grpc.reflection.{version}.ServerReflection/ServerReflectionInfo",
            request_serializer=reflection_pb2.ServerReflectionRequest.SerializeToString,
            response_deserializer=reflection_pb2.ServerReflectionResponse.FromString)
        answer = ask(stub, list_services="")
        assert answer.valid_host == "h" and answer.original_request.host == "h"
        assert {service.name for service in answer.list_services_response.service} == {
            SERVICE, "grpc.reflection.v1.ServerReflection", "grpc.reflection.v1alpha.ServerReflection"}
        for symbol in (SERVICE, f"{SERVICE}.CreateSession", "rtpfanout.SessionResponse"):
            answer = ask(stub, file_containing_symbol=symbol)
            assert len(answer.file_descriptor_response.file_descriptor_proto) == 2, symbol
        assert ask(stub, file_by_filename="fanout.proto").HasField("file_descriptor_response")
        assert ask(stub, file_containing_symbol="no.Such").error_response.error_code == 5
        client = Client(channel)
        client.describe()
        assert set(client.service.methods_by_name) == METHODS
        fields = {field.name: field.number for field in client.service.methods_by_name["GetSessionStats"]
                  .output_type.fields}
        assert fields == {"session_id": 1, "packets_received": 2, "packets_sent": 3, "bytes_received": 4,
                          "bytes_sent": 5, "subscriber_count": 6, "uptime_seconds": 7, "packets_per_second": 8}


def test_a_token_where_nobody_is_trusted(binary: str) -> None:
    """Without trust in loopback a call needs a token, and one that changes something an operator's."""
    with Server(ACCESS_SECRET=SECRET, ACCESS_TRUST_LOOPBACK="false") as server:
        with plain(server) as call:
            stub = call.channel.unary_unary(f"/{SERVICE}/ListSessions")
            refused(grpc.StatusCode.UNAUTHENTICATED, stub, b"", timeout=10)
            for method, token, code in (("ListSessions", "nonsense", grpc.StatusCode.UNAUTHENTICATED),
                                        ("CreateSession", control_token("reader"), grpc.StatusCode.PERMISSION_DENIED),
                                        ("CreateSession", control_token("operator"), grpc.StatusCode.INVALID_ARGUMENT)):
                stub = call.channel.unary_unary(f"/{SERVICE}/{method}")
                refused(code, stub, b"", metadata=[("authorization", f"Bearer {token}")], timeout=10)
            operator = Client(call.channel, control_token("operator"))
            stub = call.channel.unary_unary(f"/{SERVICE}/ListSessions")
            assert stub(b"", metadata=operator.metadata, timeout=10) == b""


def test_tls(binary: str, tmp_path: pathlib.Path) -> None:
    """grpc.tls: the port speaks TLS with the node's certificate, and no plain text."""
    key, certificate = tmp_path / "key.pem", tmp_path / "certificate.pem"
    subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days",
                    "2", "-subj", "/CN=localhost", "-addext", "subjectAltName=DNS:localhost", "-keyout", str(key),
                    "-out", str(certificate)], check=True, capture_output=True)
    with SecuredServer(HTTP_TLS_CERTIFICATE=certificate, HTTP_TLS_KEY=key, GRPC_TLS="true", RTMP_TLS_PORT=0) as server:
        credentials = grpc.ssl_channel_credentials(certificate.read_bytes())
        options = [("grpc.ssl_target_name_override", "localhost")]
        with grpc.secure_channel(f"127.0.0.1:{server.grpc}", credentials, options) as channel:
            assert Client(channel)("ListSessions")["sessions"] == []
        with plain(server) as call:
            refused(grpc.StatusCode.UNAVAILABLE, call.channel.unary_unary(f"/{SERVICE}/ListSessions"), b"", timeout=10)


@pytest.mark.skipif(shutil.which("grpcurl") is None, reason="grpcurl is not installed")
def test_grpcurl(binary: str) -> None:
    """The lines of the RTP Fanout Server's README."""
    with Server() as server:
        made = subprocess.run(
            ["grpcurl", "-plaintext", "-d", '{"source_address": "127.0.0.1:9000", "ssrc": 5, "media_type": "audio"}',
             f"127.0.0.1:{server.grpc}", f"{SERVICE}/CreateSession"], capture_output=True, text=True, check=True)
        assert json.loads(made.stdout)["ssrc"] == 5


def control_token(role: str) -> str:
    done = subprocess.run([BINARY, "token", "control", role, "--set", f"access.secret={SECRET}"],
                          capture_output=True, text=True, check=True)
    return done.stdout.strip()


def describe(*media: str) -> bytes:
    return "\r\n".join(["v=0", "o=- 0 0 IN IP4 127.0.0.1", "s=-", "t=0 0", *media, ""]).encode()


def feed(server: Server, name: str, body: bytes, query: str = "", method: str = "POST") -> tuple[int, dict]:
    request = urllib.request.Request(server.url(f"/api/v1/streams/{name}/rtp{query}"), method=method, data=body or None,
                                     headers={"Content-Type": "application/sdp"})
    try:
        with urllib.request.urlopen(request, timeout=10) as answer:
            return answer.status, json.loads(answer.read())
    except urllib.error.HTTPError as failure:
        return failure.code, json.loads(failure.read())


@contextmanager
def ffmpeg_rtp(server: Server, video: int, audio: int, sdp: pathlib.Path) -> Iterator[subprocess.Popen]:
    """ffmpeg sending a clip as RTP, parameter sets in its description only."""
    port = f"rtp://127.0.0.1:{server.rtp}?pkt_size=1200"
    command = [clips.ffmpeg9(), "-hide_banner", "-nostdin", "-v", "error", "-re", "-stream_loop", "-1", "-i",
               clips.path("real-time-opus"), "-map", "0:v", "-c", "copy", "-ssrc", str(video), "-payload_type", "96",
               "-f", "rtp", port, "-map", "0:a", "-c", "copy", "-ssrc", str(audio), "-payload_type", "97", "-f", "rtp", port,
               "-sdp_file", str(sdp)]
    process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE,
                               text=True)
    try:
        yield process
    finally:
        process.terminate()
        print(process.communicate(timeout=20)[1][-1500:])


def test_a_session_becomes_low_latency_hls(binary: str, tmp_path: pathlib.Path) -> None:
    """What `ffmpeg -f rtp` sends and describes is a stream, with sound, and still goes to subscribers; it ends with its
    sender, begins again with it, and ends for good when it is told to."""
    with Server(PUBLISHER_GRACE="2s") as server, plain(server) as call, udp() as (viewer, address):
        sdp = tmp_path / "sdp"
        with ffmpeg_rtp(server, 1111, 2222, sdp):
            wait_until(lambda: sdp.exists() and b"m=audio" in sdp.read_bytes(), 20, "ffmpeg's description")
            status, answer = feed(server, "cam", sdp.read_bytes(), "?ssrc=1111,2222")
            assert status == 201, answer
            assert answer["port"] == server.rtp and [track["codec"] for track in answer["tracks"]] == ["H264", "opus"]
            call("AddSubscriber", session_id=answer["tracks"][0]["sessionId"], subscriber_address=address)
            assert viewer.recv(2048)[8:12] == struct.pack("!I", 1111)
            server.wait_live("cam")
            assert "EXT-X-PART:" in server.get("/live/cam/main/media.m3u8")[1].decode()
            shown = subprocess.run(["ffprobe", "-v", "error", "-show_entries", "stream=codec_name", "-of", "csv=p=0",
                                    server.playlist("cam")], capture_output=True, text=True, timeout=40)
            assert set(shown.stdout.replace(",", "\n").split()) == {"h264", "opus"}, shown
            assert feed(server, "cam", sdp.read_bytes(), "?ssrc=1111,2222")[0] == 409
            assert feed(server, "other", sdp.read_bytes(), "?ssrc=1111,3333")[0] == 409
        wait_until(lambda: b"ENDLIST" in server.get("/live/cam/main/media.m3u8")[1], 30, "the stream to end")
        with ffmpeg_rtp(server, 1111, 2222, sdp):
            # From another port: the session's one source was the first that sent.
            assert server.metric("millrace_rtp_packets_refused_total") >= 0
            status, answer = feed(server, "cam", b"", method="DELETE")
            assert status == 200, answer
            assert feed(server, "cam", b"", method="DELETE")[0] == 404
            assert server.metric("millrace_rtp_sessions") == 0
            assert feed(server, "cam", sdp.read_bytes(), "?ssrc=1111,2222")[0] == 201
            wait_until(lambda: b"ENDLIST" not in server.get("/live/cam/main/media.m3u8")[1], 30, "it to be live again")


@pytest.mark.parametrize(("body", "query", "status", "reason"), [
    (b"", "", 400, "v=0"),
    (b"nonsense", "", 400, "line 1 is not a letter"),
    (describe("m=audio x RTP/AVP 97"), "", 400, "line 5: m= is malformed"),
    (describe("m=audio 5006 RTP/AVP 97", "a=rtpmap:97 opus/48000/2"), "", 400, "m=audio names no source"),
    (describe("m=audio 5006 RTP/AVP 97", "a=rtpmap:97 opus/48000/2"), "?ssrc=x", 400, "ssrc is one number"),
    (describe("m=audio 5006 RTP/AVP 97", "a=rtpmap:97 opus/48000/2"), "?ssrc=7&source=here", 400, "source is an IP address"),
    (describe("m=audio 5006 RTP/AVP 97", "a=rtpmap:97 MPEG4-GENERIC/44100/2"), "?ssrc=7", 422, "MPEG4-GENERIC"),
    (describe("m=audio 5006 RTP/AVP 97", "a=rtpmap:97 opus/48000/2") + b"a=x:" + b"y" * 70000, "?ssrc=7", 413, "too long"),
], ids=["empty", "nonsense", "port", "no source", "bad source", "bad sender", "codec", "too long"])
def test_a_wrong_description_is_refused_with_what_is_wrong(server: Server, body, query, status, reason) -> None:
    answered, answer = feed(server, "wrong", body, query)
    assert answered == status and reason in answer["error"], answer


def test_streams_of_rtp_need_a_token(binary: str) -> None:
    with Server(ACCESS_TRUST_LOOPBACK="false", ACCESS_SECRET=SECRET) as server:
        assert feed(server, "cam", describe())[0] == 401
        assert feed(server, "cam", b"", method="DELETE")[0] == 401
