# SPDX-License-Identifier: Apache-2.0
"""The way over a TURN server, Debian's coturn, with credentials that the node makes and coturn checks."""

from __future__ import annotations

import asyncio
import base64
import contextlib
import hashlib
import hmac
import os
import re
import secrets
import shutil
import socket
import tempfile
import time

import aioice.stun
import aioice.turn
import pytest

import whep_play
from conftest import seconds
from process import Process
from publishers import Publisher
from server import Server
from test_webrtc import check_video, play

pytestmark = pytest.mark.skipif(shutil.which("turnserver") is None, reason="coturn is not installed")


class TURNServer(Process):
    """`with TURNServer() as turn:` runs coturn on loopback, by a secret and nothing else."""

    def __init__(self) -> None:
        self.port, self.secret = free_udp_port(), secrets.token_hex(16)
        self.folder = tempfile.TemporaryDirectory(prefix="millrace-turn-")
        super().__init__([
            "turnserver", "-n", "--listening-ip=127.0.0.1", "--relay-ip=127.0.0.1", f"--listening-port={self.port}",
            "--use-auth-secret", f"--static-auth-secret={self.secret}", "--realm=millrace.test", "--fingerprint",
            # The node is on loopback here, which coturn keeps from its clients otherwise.
            "--allow-loopback-peers", "--no-cli", "--no-tls", "--no-dtls", "--no-multicast-peers", "--relay-threads=1",
            f"--userdb={self.folder.name}/turndb", f"--pidfile={self.folder.name}/pid", "--log-file=stdout", "--verbose"],
            self._answers, cwd=self.folder.name)

    def __exit__(self, *failure: object) -> None:
        super().__exit__(*failure)
        self.folder.cleanup()

    @property
    def url(self) -> str:
        return f"turn:127.0.0.1:{self.port}?transport=udp"

    def credentials(self, expiry: float, name: str = "millrace", secret: str | None = None) -> tuple[str, str]:
        """As the node makes them."""
        username = f"{int(expiry)}:{name}"
        code = hmac.new((secret or self.secret).encode(), username.encode(), hashlib.sha1).digest()
        return username, base64.b64encode(code).decode()

    def _answers(self) -> bool:
        request = b"\x00\x01\x00\x00\x21\x12\xa4\x42" + os.urandom(12)
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as one:
            one.settimeout(1)
            one.sendto(request, ("127.0.0.1", self.port))
            with contextlib.suppress(OSError):
                return one.recv(2048)[:2] == b"\x01\x01"
        return False


def free_udp_port() -> int:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


@pytest.fixture(scope="module")
def turn():
    with TURNServer() as turn:
        yield turn


@pytest.fixture(scope="module")
def node(binary, turn):
    with Server(WEBRTC_ICE_SERVERS=turn.url, WEBRTC_TURN_SECRET=turn.secret, WEBRTC_TURN_LIFE="60s",
                WEBRTC_PUBLIC_ADDRESSES="127.0.0.1") as node, Publisher("real-time", node.publish_url("cam")):
        node.wait_live("cam")
        yield node


def named(node: Server) -> tuple[str, str, str]:
    """The TURN server of a `Link` field: its URL, the name and the password."""
    async def ask():
        configuration = await whep_play.introduce(node.url("/live/cam/whep"))
        return configuration.iceServers[0]

    server = asyncio.run(ask())
    return server.urls, server.username, server.credential


def allocate(turn: TURNServer, username: str, password: str) -> tuple[int, str] | None:
    """Asks coturn for an address to relay at; its refusal, or nil."""
    async def ask():
        try:
            transport, _ = await aioice.turn.create_turn_endpoint(
                asyncio.DatagramProtocol, ("127.0.0.1", turn.port), username, password)
        except aioice.stun.TransactionFailed as failure:
            return failure.response.attributes["ERROR-CODE"]
        transport.close()
        return None

    return asyncio.run(asyncio.wait_for(ask(), 20))


def test_a_viewer_who_can_only_reach_the_turn_server(node: Server, turn: TURNServer, figures) -> None:
    """Every frame, over coturn and with what the node's `Link` field says."""
    played = play(node, "cam", seconds(6, 60), "--relay")
    check_video(played)
    kinds = {re.search(r" typ (\w+)", line)[1] for line in played["candidates"]}
    assert kinds == {"relay"}, played["candidates"]
    assert re.search(r"peer 127\.0\.0\.1.*lifetime|CREATE_PERMISSION processed, success", turn.log()), turn.log()[-2000:]
    figures(name="WHEP over coturn", first=played["video"]["first"], gap=played["video"]["gap"])


def test_credentials_are_for_a_time_and_as_coturn_wants_them(node: Server, turn: TURNServer) -> None:
    url, username, password = named(node)
    assert url == turn.url
    expiry = int(username.partition(":")[0])
    assert 30 <= expiry - time.time() <= 61, username
    assert (username, password) == turn.credentials(expiry)
    assert allocate(turn, username, password) is None


def test_coturn_refuses_what_is_wrong_or_over(turn: TURNServer) -> None:
    later = time.time() + 600
    good = turn.credentials(later)
    assert allocate(turn, *good) is None
    wrong = [turn.credentials(time.time() - 5), turn.credentials(later, secret="another secret"),
             (good[0], ("B" if good[1][0] == "A" else "A") + good[1][1:]),
             (f"{int(later) + 3600}:millrace", good[1]), ("millrace", good[1])]
    for username, password in wrong:
        refusal = allocate(turn, username, password)
        assert refusal is not None and refusal[0] == 401, (username, refusal)


def test_turn_is_not_named_without_a_secret(binary) -> None:
    """Credentials that everyone knows would make the server everyone's: without a secret only STUN is named."""
    with Server(WEBRTC_ICE_SERVERS="stun:127.0.0.1:3478,turn:127.0.0.1:3478?transport=udp") as node, \
            Publisher("real-time", node.publish_url("cam")):
        node.wait_live("cam")
        status, headers, _ = whep_play.call("POST", node.url("/live/cam/whep"), OFFER, Content_Type="application/sdp")
        assert status == 201 and headers["link"] == '<stun:127.0.0.1:3478>; rel="ice-server"', headers
        status, headers, _ = whep_play.call("OPTIONS", node.url("/live/cam/whep"), Origin="http://elsewhere.test")
        assert status < 300 and "link" not in headers, headers


OFFER = "\r\n".join([
    "v=0", "o=- 1 1 IN IP4 127.0.0.1", "s=-", "t=0 0", "a=group:BUNDLE 0",
    "m=video 9 UDP/TLS/RTP/SAVPF 96", "c=IN IP4 0.0.0.0", "a=mid:0", "a=recvonly", "a=rtcp-mux", "a=ice-ufrag:abcd",
    "a=ice-pwd:0123456789abcdef0123456789", "a=setup:actpass", "a=fingerprint:sha-256 " + ":".join(["AB"] * 32),
    "a=rtpmap:96 H264/90000",
    "a=fmtp:96 level-asymmetry-allowed=1;packetization-mode=1;profile-level-id=42e01f", ""]).encode()
