# SPDX-License-Identifier: Apache-2.0
"""Start, stop and takeover as an operator and an encoder see them."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import time

from lint.findings import Report
from lint.playlist import parse
from publishers import Publisher
from server import BINARY, Server, wait_until


def test_sigterm_ends_with_endlist(binary: str, figures) -> None:
    """SIGTERM: the playlists close, viewers that wait are answered, and the process is gone within 5 s."""
    with Server() as server:
        with Publisher("default", server.publish_url("closing")):
            server.wait_live("closing")
            playlist = parse(server.get("/live/closing/main/media.m3u8")[1], Report())
            msn, _ = playlist.next_part()
            waiting = subprocess.Popen(
                ["curl", "-s", "-m", "20", server.url(f"/live/closing/main/media.m3u8?_HLS_msn={msn + 1}&_HLS_part=2")],
                stdout=subprocess.PIPE, text=True)
            time.sleep(0.3)
            begun = time.monotonic()
            os.kill(server.pid, signal.SIGTERM)
            answer, _ = waiting.communicate(timeout=20)
            server.process.wait(20)
            took = time.monotonic() - begun
        figures(kind="stop", seconds=took)
        assert took <= 5, took
        assert "#EXT-X-ENDLIST" in answer, answer[-600:] or "no answer"
        assert server.process.returncode == 0, server.process.returncode


def test_end_of_publish_ends_the_playlist(binary: str) -> None:
    """After a goodbye and the grace, the playlist ends and keeps its segments."""
    with Server(PUBLISHER_GRACE="2s") as server:
        with Publisher("default", server.publish_url("over")):
            server.wait_live("over")
        wait_until(lambda: b"#EXT-X-ENDLIST" in server.get("/live/over/main/media.m3u8")[1], 12, "ENDLIST")


def test_same_publisher_replaces_itself(server: Server) -> None:
    """A reconnecting encoder does not wait for its own dead connection."""
    url = server.publish_url("twice")
    with Publisher("default", url) as old:
        server.wait_live("twice")
        with Publisher("default", url) as new:
            wait_until(lambda: not old.alive, 10, "the older connection to be closed")
            time.sleep(2)
            assert new.alive, new.log()
            assert server.get("/live/twice/main/media.m3u8")[0] == 200


def test_wrong_setting_stops_the_start(binary: str) -> None:
    """A wrong value is named with its key."""
    environment = {name: value for name, value in os.environ.items() if not name.startswith("MILLRACE_")}
    done = subprocess.run([BINARY, "serve"], env=environment | {"MILLRACE_HTTP_PORT": "ninety"}, capture_output=True,
                          text=True, timeout=10)
    assert done.returncode != 0
    assert "http.port" in done.stdout + done.stderr and "ninety" in done.stdout + done.stderr, done.stderr


def test_connection_rate_of_an_address_is_limited(binary: str) -> None:
    """Of a hundred connections at once from an address that is not trusted some are refused, and the next second is served again."""
    with Server(LIMITS_TRUSTED_ADDRESSES="192.0.2.1") as server:
        served = 0
        for _ in range(100):
            with socket.create_connection(("127.0.0.1", server.http), timeout=5) as connection:
                try:
                    connection.sendall(b"GET /health HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
                    served += connection.recv(100).startswith(b"HTTP/1.1 200")
                except OSError:
                    pass
        assert 1 <= served < 100, served
        wait_until(lambda: served_again(server), 5, "the address to be served again")


def served_again(server: Server) -> bool:
    try:
        return server.get("/health")[0] == 200
    except OSError:
        return False


def test_streams_are_listed(server: Server) -> None:
    """The API says what is live, without keys."""
    with Publisher("default", server.publish_url("listed")):
        server.wait_live("listed")
        streams = server.json("/api/v1/streams")
        entry = next(stream for stream in streams["streams"] if stream["streamKey"] == "listed")
        assert entry["active"] is True and entry["resolution"] == "640x360", entry
