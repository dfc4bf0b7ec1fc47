# SPDX-License-Identifier: Apache-2.0
"""The shipped HAProxy before edges that are made up: what it asks twice, and where it sends what belongs to one of them."""

from __future__ import annotations

import contextlib
import http.client
import http.server
import pathlib
import re
import socketserver
import threading

import pytest

from process import Process, wait_until
from shipped import INFRA, tool
from stores import low_port


class Edge(http.server.BaseHTTPRequestHandler):
    """Knows the sessions that it made, and says nothing where it is asked for /gone."""

    protocol_version = "HTTP/1.1"

    def log_message(self, *_: object) -> None:
        pass

    def handle_any(self) -> None:
        self.rfile.read(int(self.headers.get("Content-Length", 0)))
        node = self.server.node
        node.asked.append((self.command, self.path))
        if self.path == "/gone":
            self.close_connection = True
        elif self.command == "POST":
            path = f"/live/x/whep/{node.port}-{len(node.sessions)}"
            node.sessions.add(path)
            self.answer(201, path)
        elif self.command == "DELETE":
            self.answer(200 if self.path in node.sessions else 404)
        else:
            self.answer(503 if node.drains and self.path == "/ready" else 200)

    do_GET = do_POST = do_DELETE = handle_any

    def answer(self, status: int, location: str = "") -> None:
        self.send_response(status)
        self.send_header("Content-Length", "0")
        if location:
            self.send_header("Location", f"http://edges.test{location}")
        self.end_headers()


class Node:
    """`with Node() as node:` is an edge with its agent."""

    def __init__(self) -> None:
        self.port, self.agent, self.drains = low_port(), low_port(), False
        self.asked: list[tuple[str, str]] = []
        self.sessions: set[str] = set()
        self.servers = [http.server.ThreadingHTTPServer(("127.0.0.1", self.port), Edge),
                        socketserver.ThreadingTCPServer(("127.0.0.1", self.agent), Agent)]
        for server in self.servers:
            server.node, server.daemon_threads = self, True
            # Checks end their connections as they please.
            server.handle_error = lambda *_: None

    def __enter__(self) -> Node:
        for server in self.servers:
            threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        for server in self.servers:
            server.shutdown()
            server.server_close()

    def checks(self) -> int:
        return len([path for _, path in self.asked if path in ("/health", "/ready")])


class Agent(socketserver.BaseRequestHandler):
    def handle(self) -> None:
        self.request.sendall(b"drain\n" if self.server.node.drains else b"up ready 90%\n")


class Balancer(Process):
    """`with Balancer(nodes, folder) as balancer:` is HAProxy on ports of its own, without TLS and names."""

    def __init__(self, nodes: list[Node], folder: pathlib.Path) -> None:
        self.port, self.operator = low_port(), low_port()
        own = {80: self.port, 1935: low_port(), 8404: self.operator}
        text = (INFRA / "haproxy/haproxy.cfg").read_text()
        text = re.sub(r"^ +bind :\d+\S* (v6only )?ssl .*\n", "", text, flags=re.M)
        text = re.sub(r",\[::\]:\d+ v6only| peers reload$", "", text, flags=re.M)
        text = re.sub(r"bind :(\d+)", lambda found: f"bind 127.0.0.1:{own[int(found[1])]}", text)
        text = re.sub(r"^resolvers .*?(?=^frontend)", "", text, flags=re.M | re.S)
        text = re.sub(r"^ +(default-server resolvers|server-template origin) .*\n", "", text, flags=re.M)
        edges = "".join(f"    server edge{number} 127.0.0.1:{node.port} agent-port {node.agent}\n"
                        for number, node in enumerate(nodes))
        text = re.sub(r"^ +server-template edge .*\n", edges, text, flags=re.M)
        (folder / "haproxy.cfg").write_text(text)
        super().__init__([tool("haproxy"), "-db", "-f", folder / "haproxy.cfg"], lambda: self.active() == len(nodes),
                         env={"STATE": str(folder), "PLAIN_HTTP": "1"})

    def ask(self, method: str, path: str, port: int = 0) -> tuple[int, str, str]:
        """Status, location and body."""
        with contextlib.closing(http.client.HTTPConnection("127.0.0.1", port or self.port, timeout=10)) as connection:
            connection.request(method, path, b"x" if method == "POST" else None)
            answer = connection.getresponse()
            return answer.status, answer.headers.get("Location", ""), answer.read().decode()

    def active(self) -> int:
        with contextlib.suppress(OSError):
            metrics = self.ask("GET", "/metrics", self.operator)[2]
            return int(re.search(r'^haproxy_backend_active_servers{proxy="edges"} (\d+)', metrics, re.M)[1])
        return 0


@pytest.fixture
def edges(tmp_path):
    with Node() as one, Node() as other, Balancer([one, other], tmp_path) as balancer:
        yield [one, other], balancer


def test_only_what_can_be_asked_twice_is(edges) -> None:
    """An edge that ends without an answer may have done what it was asked for."""
    nodes, balancer = edges
    for method, times in (("GET", range(2, 10)), ("POST", [1]), ("DELETE", [1])):
        assert balancer.ask(method, "/gone")[0] == 502
        assert sum(node.asked.count((method, "/gone")) for node in nodes) in times, method


def test_an_edge_that_drains_keeps_its_sessions(edges) -> None:
    """And gets no new ones: that it is not ready does not make it dead."""
    nodes, balancer = edges
    sessions = [balancer.ask("POST", "/live/x/whep")[1].removeprefix("http://edges.test") for _ in range(6)]
    nodes[0].drains = True
    wait_until(lambda: balancer.active() == 1, 10, "HAProxy to take the edge out")
    checked, mine = nodes[0].checks(), len(nodes[0].sessions)
    assert 0 < mine < 6
    wait_until(lambda: nodes[0].checks() >= checked + 4, 20, "more checks than a dead edge gets")
    assert [balancer.ask("POST", "/live/x/whep")[0] for _ in range(4)] == [201] * 4 and len(nodes[0].sessions) == mine
    assert [balancer.ask("DELETE", session)[0] for session in sessions] == [200] * 6
