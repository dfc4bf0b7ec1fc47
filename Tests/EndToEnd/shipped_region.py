# SPDX-License-Identifier: Apache-2.0
"""A region in a lab behind what is shipped: HAProxy, Redis with sentinels, nginx as a CDN and as a front, coturn, Prometheus,
each by its own file. Only addresses, folders and passwords are put in."""

from __future__ import annotations

import contextlib
import json
import pathlib
import re
import shutil
import signal
import socket
import ssl
import subprocess
import threading
import urllib.parse
import urllib.request
from collections.abc import Callable

import yaml

from clusters import address
from lab import Lab
from lab.lab import HTTP_PORT
from server import ROOT, wait_until
from shipped import INFRA, run, tool

TOPOLOGY = {
    "about": "a region behind what is shipped",
    "regions": ["here"],
    "command": ["millrace", "serve", "--config", "{settings}"],
    "settings": {
        "log.format": "json", "node.name": "{name}", "node.region": "{region}", "node.zone": "{zone}", "roles": "{roles}",
        "cluster.key": "{key}", "node.advertise": "{address}", "cluster.seeds": "{seeds}", "gossip.port": 7946,
        "relay.port": 7947, "access.publish": "open", "access.secret": "0123456789abcdef0123456789abcdef",
        "access.trust_loopback": False, "edge.agent_port": 8101, "node.viewer_url": "http://10.1.0.6",
        "node.publisher_url": "rtmp://10.1.0.6:1935", "router.trusted_proxies": ["10.1.0.0/24"],
        "limits.trusted_addresses": ["10.1.0.0/24", "127.0.0.0/8"], "redis.username": "millrace",
        "redis.password": "password", "redis.sentinels": ["10.1.0.7", "10.1.0.8", "10.1.0.9"],
        "storage.kind": "s3", "storage.endpoint": "http://10.1.0.11:8333", "storage.bucket": "recordings",
        "storage.account": "millrace", "storage.secret": "store-password", "cluster.checked_one_in": 1,
        "cdn.url": "http://10.1.0.10", "cdn.offload": "never", "cdn.signer": "secure_link",
        "cdn.key": "write the secret here", "webrtc.ice_servers": ["turn:10.1.0.15:3478?transport=udp"],
        "webrtc.turn_secret": "another secret, as long as that",
        # Sessions that never connect are there until a test ends them.
        "webrtc.connect_timeout": "1m"},
    "seeds": ["o1", "o2"],
    # Their order is that of their addresses, from 10.1.0.1 on.
    "nodes": {
        # Their control of plain RTP is asked from beside them.
        "o": {"region": "here", "zones": ["a", "b"], "roles": ["origin"], "count": 2,
              "settings": {"access.trust_loopback": True}},
        "e": {"region": "here", "zones": ["a", "b"], "roles": ["edge"], "count": 2},
        "r": {"region": "here", "roles": ["router"]},
        "haproxy": {"region": "here", "command": []},
        "redis": {"region": "here", "command": [], "count": 3},
        "cdn": {"region": "here", "command": []},
        "store": {"region": "here", "command": []},
        "measures": {"region": "here", "command": []},
        "person": {"region": "here", "command": []},
        "front": {"region": "here", "command": []},
        "turn": {"region": "here", "command": []},
    },
}
PASSWORD, REPLICATION = "password", "replication"


class ShippedRegion:
    """`with ShippedRegion(folder) as region:`; all of it ends with the lab."""

    def __init__(self, folder: pathlib.Path) -> None:
        self.folder = folder

    def __enter__(self) -> ShippedRegion:
        with contextlib.ExitStack() as stack:
            self.lab = stack.enter_context(Lab.up(TOPOLOGY, start=False))
            self._redis()
            make_bucket = self._store()
            self._names()
            self._prometheus()
            self._certificate()
            self._haproxy()
            self._coturn()
            self._nginx("cdn", "cdn.conf")
            self._nginx("front", "front.conf")
            self.lab.start()
            self.lab.wait_ready()
            wait_until(make_bucket, 60, "the bucket", every=0.5)
            wait_until(lambda: self.up("edges") == self.up("origins") == 2, 30, "HAProxy to find edges and origins")
            wait_until(self._scrapes, 30, "Prometheus to scrape all nodes")
            self._stack = stack.pop_all()
        return self

    def __exit__(self, *failure: object) -> None:
        if failure[0] is not None:
            for log in sorted(self.folder.glob("*.log")):
                print(f"--- {log.name}\n{log.read_text(errors='replace')[-1500:]}")
        self._stack.close()

    def up(self, backend: str) -> int:
        """How many servers of a backend take viewers now, as HAProxy counts them."""
        return self.counted("haproxy_backend_active_servers", backend)

    def connections(self) -> int:
        """Viewers' connections that HAProxy has open."""
        return self.counted("haproxy_frontend_current_sessions", "viewers")

    def denied(self) -> int:
        """What viewers asked HAProxy for and may not have."""
        return self.counted("haproxy_frontend_requests_denied_total", "viewers")

    def bound(self) -> int:
        """How many WebRTC sessions HAProxy knows the edge of."""
        return self.counted("haproxy_sticktable_used", "edges")

    def began(self) -> int:
        """When HAProxy's process did, in seconds since 1970."""
        return self.counted("haproxy_process_start_time_seconds")

    def counted(self, family: str, proxy: str = "") -> int:
        text = self.ask("haproxy", "http://127.0.0.1:8404/metrics")
        found = re.search(rf'^{family}({{(proxy|name)="{proxy}".*}})? (\d+)', text, re.M)
        return int(found[3]) if found else 0

    def reload(self) -> None:
        """HAProxy, as haproxy.service.conf has it."""
        run(INFRA / "haproxy/save-state", self.folder / "state")
        self.haproxy.send_signal(signal.SIGUSR2)

    def ask(self, place: str, url: str, seconds: float = 10) -> str:
        return self.fetch(place, url, seconds).decode()

    def fetch(self, place: str, url: str, seconds: float = 10) -> bytes:
        with self.lab.inside(place):
            with urllib.request.urlopen(url, timeout=seconds, context=self.trust) as answer:
                return answer.read()

    def query(self, expression: str) -> list[tuple[dict[str, str], float]]:
        """What Prometheus answers: labels and values."""
        said = self.ask("measures", "http://127.0.0.1:9090/api/v1/query?" + urllib.parse.urlencode({"query": expression}))
        answer = json.loads(said)
        assert answer["status"] == "success", said
        return [(each["metric"], float(each["value"][1])) for each in answer["data"]["result"]]

    def spawn(self, place: str, name: str, words: list[str], environment: dict[str, str] | None = None) -> subprocess.Popen:
        return self.lab.popen(place, [tool(words[0]), *words[1:]], stdin=subprocess.DEVNULL,
                              stdout=open(self.folder / f"{name}.log", "ab"), stderr=subprocess.STDOUT, env=environment)

    def _redis(self) -> None:
        (self.folder / "users.acl").write_text(run(INFRA / "redis/make-users", PASSWORD, REPLICATION).stdout)
        (self.folder / "secrets.conf").write_text(f"masteruser replica\nmasterauth {REPLICATION}\n")
        (self.folder / "sentinel-secrets.conf").write_text(
            f"sentinel auth-user mymaster replica\nsentinel auth-pass mymaster {REPLICATION}\n")
        first = address(self.lab, "redis1")
        for number in (1, 2, 3):
            own = self.folder / f"redis{number}"
            own.mkdir()
            for name in ("redis.conf", "sentinel.conf"):
                text = (INFRA / "redis" / name).read_text().replace("/etc/redis/", f"{self.folder}/")
                (own / name).write_text(text.replace("redis-1 6379", f"{first} 6379").replace("dir /tmp", f"dir {own}"))
            words = ["redis-server", str(own / "redis.conf")]
            self.spawn(f"redis{number}", f"redis{number}",
                       words + (["--replicaof", first, "6379"] if number > 1 else []))
            self.spawn(f"redis{number}", f"sentinel{number}", ["redis-sentinel", str(own / "sentinel.conf")])

    def _store(self) -> Callable[[], bool]:
        """SeaweedFS as the compose file starts it; what is given back makes the bucket, when it is there."""
        services = yaml.safe_load((ROOT / "deployments/compose/region.yml").read_text())["services"]
        own, place = self.folder / "objects", address(self.lab, "store")
        own.mkdir()
        (self.folder / "s3.json").write_text(json.dumps({"identities": [
            {"name": "millrace", "actions": ["Admin", "Read", "Write", "List"],
             "credentials": [{"accessKey": "millrace", "secretKey": "store-password"}]}]}))
        words = [word.replace("/data", str(own)).replace("/etc/seaweedfs", str(self.folder)).replace("-ip=store", f"-ip={place}")
                 for word in services["store"]["command"]]
        self.spawn("store", "store", ["weed", *words])
        making = services["bucket"]["command"][0].replace("=store:", f"={place}:").replace("weed", tool("weed"))

        def made() -> bool:
            with contextlib.suppress(OSError):
                self.ask("store", f"http://{place}:8888/")
                return self.lab.run("store", [*services["bucket"]["entrypoint"], making], timeout=30).returncode == 0
            return False

        return made

    def _names(self) -> None:
        """The network's names, as its resolver would answer, while `names_answer` is set."""
        known = {"edges.": ["e1", "e2"], "origins.": ["o1", "o2"]}
        addresses = {name: [address(self.lab, node) for node in nodes] for name, nodes in known.items()}
        with self.lab.inside("haproxy"):
            resolver = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
            resolver.bind(("127.0.0.1", 5353))
        self.names_answer = threading.Event()
        self.names_answer.set()
        threading.Thread(target=resolve, args=(resolver, addresses, self.names_answer), daemon=True).start()

    def _certificate(self) -> None:
        """One for the addresses of both fronts, which its viewers trust."""
        both = self.folder / "certificates"
        both.mkdir()
        names = ",".join(f"IP:{address(self.lab, place)}" for place in ("haproxy", "front"))
        run("openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "1",
            "-subj", "/CN=millrace", "-addext", f"subjectAltName={names}", "-keyout", self.folder / "key",
            "-out", self.folder / "chain")
        (both / "millrace.pem").write_text((self.folder / "chain").read_text() + (self.folder / "key").read_text())
        self.trust = ssl.create_default_context(cafile=str(self.folder / "chain"))

    def _haproxy(self) -> None:
        """Before viewers who speak plain HTTP, as the load's do."""
        self.haproxy = self.balancer("haproxy", "state", PLAIN_HTTP="1")

        def listens() -> bool:
            assert self.haproxy.poll() is None, (self.folder / "haproxy.log").read_text()
            with contextlib.suppress(OSError):
                return "haproxy_process" in self.ask("haproxy", "http://127.0.0.1:8404/metrics")
            return False

        wait_until(listens, 20, "HAProxy")

    def balancer(self, place: str, state: str, **environment: str) -> subprocess.Popen:
        """HAProxy at a place, with a folder of its own."""
        (self.folder / state).mkdir()
        return self.spawn(place, place, ["haproxy", "-W", "-db", "-f", str(INFRA / "haproxy/haproxy.cfg")], {
            "DNS": "127.0.0.1:5353", "EDGES": "edges", "ORIGINS": "origins", "STATE": str(self.folder / state),
            "CERTIFICATES": str(self.folder / "certificates"), **environment})

    def _coturn(self) -> None:
        """Nodes are in a private network here, so they are let through as the compose file does it."""
        text = (INFRA / "coturn/turnserver.conf").read_text().replace("/tmp/turnserver.pid", f"{self.folder}/turnserver.pid")
        (self.folder / "turnserver.conf").write_text(text)
        allowed = [f"--allowed-peer-ip={address(self.lab, node)}" for node in ("e1", "e2")]
        self.spawn("turn", "turn", ["turnserver", "-c", str(self.folder / "turnserver.conf"), f"--userdb={self.folder}/turndb",
                                    f"--static-auth-secret={TOPOLOGY['settings']['webrtc.turn_secret']}", *allowed])

    def _nginx(self, place: str, site: str) -> None:
        """One of the sites as it would lie in /etc/nginx, with the nodes' addresses."""
        own = self.folder / place
        shutil.copytree(INFRA / "nginx", own)
        for file in own.iterdir():
            text = file.read_text().replace("/etc/letsencrypt/live/millrace/fullchain.pem", f"{self.folder}/chain")
            text = text.replace("/etc/letsencrypt/live/millrace/privkey.pem", f"{self.folder}/key")
            text = text.replace("/etc/nginx/", f"{own}/").replace("/var/", f"{own}/var/")
            for name in ("edge-1", "edge-2", "origin-1", "origin-2"):
                text = text.replace(f"{name}.internal", address(self.lab, name[0] + name[-1]))
            file.write_text(text)
        for folder in ("var/cache/nginx", "var/log/nginx"):
            (own / folder).mkdir(parents=True)
        temporary = "".join(f"{each}_temp_path {own}/{each}; " for each in ("client_body", "proxy", "fastcgi", "uwsgi", "scgi"))
        (own / "nginx.conf").write_text(
            f"daemon off; master_process off; error_log {own}/error.log; pid {own}/pid; events {{}} http {{ {temporary} "
            f"access_log off; include {own}/upstreams.conf; include {own}/secret.conf.example; include {own}/{site}; }}")
        self.spawn(place, place, ["nginx", "-c", str(own / "nginx.conf"), "-e", str(own / "error.log")])

    def _prometheus(self) -> None:
        own = self.folder / "prometheus"
        shutil.copytree(INFRA / "prometheus", own)
        (own / "targets").mkdir()
        nodes = [f"{address(self.lab, node)}:{HTTP_PORT}" for node in ("o1", "o2", "e1", "e2", "r")]
        (own / "targets/millrace.yml").write_text(yaml.safe_dump([{"targets": nodes, "labels": {"region": "here"}}]))
        (own / "targets/haproxy.yml").write_text(yaml.safe_dump(
            [{"targets": [address(self.lab, "haproxy") + ":8404"], "labels": {"region": "here"}}]))
        self.spawn("measures", "prometheus", [
            "prometheus", f"--config.file={own}/prometheus.yml", f"--storage.tsdb.path={own}/data", "--web.listen-address=:9090"])

    def _scrapes(self) -> bool:
        with contextlib.suppress(OSError):
            return sum(value for _, value in self.query('up{job="millrace"}')) == 5
        return False


def resolve(resolver: socket.socket, addresses: dict[str, list[str]], answers: threading.Event) -> None:
    """Answers questions for A records (RFC 1035 §4) while `answers` is set; all other questions have no answer."""
    while True:
        question, asker = resolver.recvfrom(4096)
        if not answers.is_set():
            continue
        at, labels = 12, []
        while question[at]:
            labels.append(question[at + 1:at + 1 + question[at]].decode().lower())
            at += 1 + question[at]
        asked = question[12:at + 5]
        found = addresses.get(".".join(labels) + ".", []) if asked[-4:] == b"\0\1\0\1" else []
        records = b"".join(b"\xc0\x0c\0\1\0\1\0\0\0\1\0\4" + socket.inet_aton(each) for each in found)
        resolver.sendto(question[:2] + b"\x85\x80\0\1" + len(found).to_bytes(2, "big") + bytes(4) + asked + records, asker)
