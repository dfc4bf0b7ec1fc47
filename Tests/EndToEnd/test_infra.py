# SPDX-License-Identifier: Apache-2.0
"""What stands around nodes, held by the programs that read it: started where that is quick, else checked by them."""

from __future__ import annotations

import contextlib
import ipaddress
import json
import pathlib
import re
import shutil
import socket
import subprocess
import sys
import time

import pytest
import yaml

from process import Process, wait_until
from server import ROOT, Server
from shipped import INFRA, OPERATIONS, complete, every, metrics, run, tool
from stores import low_port

SECRET = "0123456789abcdef0123456789abcdef"


# HAProxy and nginx.

@pytest.fixture(scope="module")
def certificate(tmp_path_factory) -> pathlib.Path:
    """A certificate with its key in one file."""
    folder = tmp_path_factory.mktemp("certificates")
    run("openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "1", "-subj",
        "/CN=millrace", "-keyout", folder / "key", "-out", folder / "chain")
    both = folder / "pem"
    both.mkdir()
    (both / "millrace.pem").write_text((folder / "chain").read_text() + (folder / "key").read_text())
    return folder


@pytest.mark.parametrize("more", [{}, {"PLAIN_HTTP": "1"}, {"RUN_AS": "haproxy"}])
def test_haproxy_takes_its_file(more, certificate, tmp_path) -> None:
    (tmp_path / "servers").write_text("1\n# what save-state writes of no servers\n")
    done = run("haproxy", "-c", "-f", INFRA / "haproxy/haproxy.cfg", env=more | {
        "DNS": "127.0.0.1:53", "EDGES": "edges", "ORIGINS": "origins", "CERTIFICATES": str(certificate / "pem"),
        "STATE": str(tmp_path)})
    assert "[WARNING]" not in done.stdout + done.stderr, done.stderr


def test_haproxy_is_reloaded_as_debian_does_it() -> None:
    """With one line more, which writes down what the next process is to know, before that begins."""
    def reloads(text: str) -> list[str]:
        return re.findall(r"^ExecReload=(.*)$", text, re.M)
    clean, check, save, signal = reloads((INFRA / "haproxy/haproxy.service.conf").read_text())
    assert clean == "" and save == "-/etc/haproxy/save-state"
    assert [check, signal] == reloads(pathlib.Path("/lib/systemd/system/haproxy.service").read_text())
    # What it says is what the file reads.
    file = (INFRA / "haproxy/haproxy.cfg").read_text()
    assert '"${STATE}/admin.sock"' in file and 'server-state-file "${STATE}/servers"' in file
    done = run(INFRA / "haproxy/save-state", "/nowhere", check=False)
    assert done.returncode != 0


@pytest.mark.parametrize("path", ["haproxy/haproxy.cfg", "nginx/front.conf", "nginx/cdn.conf"])
def test_viewers_come_by_both_families(path) -> None:
    """Whatever listens for viewers and publishers does so by IPv4 and IPv6."""
    text = (INFRA / path).read_text()
    listened = re.findall(r"^ +(?:bind|listen) (.+)$", text.partition("frontend operator")[0], re.M)
    four = {found[1] for each in listened for found in [re.match(r":?(\d+)\b", each)] if found}
    six = {found[1] for each in listened for found in [re.search(r"\[::\]:(\d+)\b", each)] if found}
    assert four == six and four, listened


def test_nginx_closes_idle_connections_before_nodes_do() -> None:
    """Else a request is on its way where the node has just closed."""
    longest = yaml.safe_load((ROOT / "millrace.yml").read_text())["http"]["idle_timeout"]
    upstreams = re.findall(r"^upstream (\S+) \{(.*?)\}", (INFRA / "nginx/upstreams.conf").read_text(), re.M | re.S)
    assert len(upstreams) == 4
    for name, text in upstreams:
        assert int(re.search(r"keepalive_timeout (\d+)s;", text)[1]) < seconds_of(longest), name


def seconds_of(duration: str) -> int:
    number, unit = re.fullmatch(r"(\d+)(s|m|h)", duration).groups()
    return int(number) * {"s": 1, "m": 60, "h": 3600}[unit]


@pytest.mark.parametrize("site", ["cdn.conf", "front.conf"])
def test_nginx_takes_its_files(site, certificate, tmp_path) -> None:
    """As they would lie in /etc/nginx, with a certificate of ours and names that can be looked up here."""
    shutil.copytree(INFRA / "nginx", tmp_path / "nginx")
    for file in (tmp_path / "nginx").iterdir():
        text = file.read_text().replace("/etc/letsencrypt/live/millrace/fullchain.pem", str(certificate / "chain"))
        text = text.replace("/etc/letsencrypt/live/millrace/privkey.pem", str(certificate / "key"))
        text = text.replace("/etc/nginx/", f"{tmp_path}/nginx/").replace("/var/", f"{tmp_path}/")
        file.write_text(re.sub(r"(edge|origin)-\d\.internal", "127.0.0.1", text))
    (tmp_path / "cache/nginx").mkdir(parents=True)
    (tmp_path / "log/nginx").mkdir(parents=True)
    (tmp_path / "nginx.conf").write_text(
        f"error_log {tmp_path}/error.log; pid {tmp_path}/pid; events {{}} http {{ include {tmp_path}/nginx/upstreams.conf; "
        f"include {tmp_path}/nginx/secret.conf.example; include {tmp_path}/nginx/{site}; }}")
    run("nginx", "-t", "-q", "-c", tmp_path / "nginx.conf", "-e", tmp_path / "error.log")


# Redis.

class RedisSet:
    """Three servers and three sentinels by the shipped files, on ports of their own."""

    def __init__(self, folder: pathlib.Path) -> None:
        self.folder, self.stack = folder, contextlib.ExitStack()
        self.processes: dict[str, Process] = {}
        self.servers, self.sentinels = [low_port() for _ in range(3)], [low_port() for _ in range(3)]
        (folder / "users.acl").write_text(run(INFRA / "redis/make-users", "password", "replication").stdout)
        (folder / "secrets.conf").write_text("masteruser replica\nmasterauth replication\n")
        (folder / "sentinel-secrets.conf").write_text(
            "sentinel auth-user mymaster replica\nsentinel auth-pass mymaster replication\n")

    def __enter__(self) -> RedisSet:
        for number in range(3):
            self.start(number)
        for number, port in enumerate(self.sentinels):
            text = self.placed("sentinel.conf").replace("port 26379", f"port {port}")
            text = text.replace("redis-1 6379", f"127.0.0.1 {self.servers[0]}")
            path = self.folder / f"sentinel-{number}.conf"
            path.write_text(text)
            self.spawn(f"sentinel-{number}", ["redis-sentinel", str(path)])
        try:
            wait_until(lambda: all("slaves=2,sentinels=3" in self.ask(port, "INFO", "sentinel") for port in self.sentinels), 30,
                       "the sentinels to find each other and two replicas")
        except BaseException:
            self.stack.close()
            raise
        return self

    def __exit__(self, *failure: object) -> None:
        self.stack.__exit__(*failure)

    def placed(self, name: str) -> str:
        text = (INFRA / "redis" / name).read_text().replace("/etc/redis/", f"{self.folder}/")
        # Loopback alone, and files of its own.
        return text.replace("bind * -::*", "bind 127.0.0.1").replace("dir /tmp", f"dir {self.folder}")

    def start(self, number: int) -> None:
        path = self.folder / "redis.conf"
        path.write_text(self.placed("redis.conf"))
        words = ["redis-server", str(path), "--port", str(self.servers[number])]
        self.spawn(f"redis-{number}", words + (["--replicaof", "127.0.0.1", str(self.servers[0])] if number else []))

    def spawn(self, name: str, words: list[str]) -> None:
        self.processes[name] = self.stack.enter_context(Process([tool(words[0]), *words[1:]], name=name, patience=0))

    def kill(self, *names: str) -> None:
        for name in names:
            self.processes[name].kill()

    def ask(self, port: int, *words: str, user: str = "", password: str = "") -> str:
        credentials = ["--user", user, "--pass", password, "--no-auth-warning"] if user else []
        return run("redis-cli", "-p", port, *credentials, *words, check=False).stdout.strip()

    def master(self) -> int:
        said = self.ask(self.sentinels[-1], "SENTINEL", "get-master-addr-by-name", "mymaster").split()
        return int(said[1]) if len(said) == 2 else 0


def test_redis_fails_over(tmp_path, binary, figures) -> None:
    """The machine of the master and of one sentinel dies: a replica takes over, and a node that asks the sentinels goes on.
    Only who has a password may anything, and a node no more than it needs."""
    with RedisSet(tmp_path) as redis:
        first = redis.servers[0]
        assert redis.master() == first
        assert "NOAUTH" in redis.ask(first, "PING")
        assert "NOPERM" in redis.ask(first, "FLUSHALL", user="millrace", password="password")
        assert "NOPERM" in redis.ask(first, "SET", "other", "1", user="millrace", password="password")
        with Server(CLUSTER_KEY="0" * 64, NODE_ADVERTISE="127.0.0.1", GOSSIP_HOST="127.0.0.1", GOSSIP_PORT=low_port(),
                    RELAY_HOST="127.0.0.1", RELAY_PORT=low_port(), REDIS_USERNAME="millrace", REDIS_PASSWORD="password",
                    REDIS_SENTINELS=",".join(f"127.0.0.1:{port}" for port in redis.sentinels)) as node:
            wait_until(lambda: node.metric("millrace_redis_up") == 1, 20, "the node to reach Redis")
            redis.kill("redis-0", "sentinel-0")
            begun = time.monotonic()
            wait_until(lambda: redis.master() in redis.servers[1:], 30, "a replica to take over")
            wait_until(lambda: node.metric("millrace_redis_up") == 1 and "role:master" in redis.ask(
                redis.master(), "INFO", "replication", user="replica", password="replication"), 30, "the node to follow")
            figures(kind="redis", took=time.monotonic() - begun)
        # Back, it takes itself for the master until the sentinels tell it otherwise; nobody writes to it meanwhile.
        redis.start(0)
        wait_until(lambda: "PONG" in redis.ask(first, "PING", user="replica", password="replication"), 20, "its return")
        assert "NOREPLICAS" in redis.ask(first, "SET", "millrace:x", "1", user="millrace", password="password")


# coturn.

def test_coturn_relays_for_those_with_credentials(tmp_path) -> None:
    """Credentials made from the secret get a relay; without they get none, and nobody gets to where a peer is denied."""
    port = low_port()
    # Debian's own programs ask for a relay to a peer on this machine.
    text = (INFRA / "coturn/turnserver.conf").read_text().replace("listening-port=3478", f"listening-port={port}")
    text = re.sub(r"^pidfile=.*\n", "", text, flags=re.M)
    (tmp_path / "turnserver.conf").write_text(text)
    common = [tool("turnserver"), "-c", str(tmp_path / "turnserver.conf"), "--listening-ip=127.0.0.1", "--relay-ip=127.0.0.1",
              f"--static-auth-secret={SECRET}", f"--pidfile={tmp_path}/pid", f"--userdb={tmp_path}/db"]
    with started(common + ["--allow-loopback-peers", "--allowed-peer-ip=127.0.0.1"], port):
        assert relayed(port, SECRET)
        assert not relayed(port, "another secret, as long as that")
    with started(common, port):
        assert not relayed(port, SECRET), "reached a peer that is denied"


def test_coturn_reaches_no_private_network() -> None:
    """Nor what is this machine's or the provider's, in whichever clothes: the special addresses of RFC 6890 and its kin."""
    denied = [tuple(map(ipaddress.ip_address, (each.split("-") * 2)[:2])) for each in
              re.findall(r"^denied-peer-ip=(\S+)$", (INFRA / "coturn/turnserver.conf").read_text(), re.M)]

    def refused(address: str) -> bool:
        peer = ipaddress.ip_address(address)
        return any(first <= peer <= last for first, last in denied if first.version == peer.version)
    for network in ("0.0.0.0/8 10.0.0.0/8 100.64.0.0/10 127.0.0.0/8 169.254.0.0/16 172.16.0.0/12 192.0.0.0/24 192.168.0.0/16 "
                    "198.18.0.0/15 ::1/128 ::ffff:0:0/96 64:ff9b::/96 fc00::/7 fe80::/10").split():
        every_address = ipaddress.ip_network(network)
        assert refused(str(every_address[0])) and refused(str(every_address[-1])), network
    assert not any(map(refused, ("192.0.1.0", "198.20.0.0", "203.0.113.7", "11.0.0.1", "2001:4860:4860::8888")))


def started(command: list[str], port: int) -> Process:
    """A server that listens on a UDP port, until the end of the block."""
    def answers() -> bool:
        """A STUN binding request (RFC 8489 §5) is answered."""
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as one:
            one.settimeout(0.3)
            one.sendto(b"\x00\x01\x00\x00\x21\x12\xa4\x42" + bytes(range(12)), ("127.0.0.1", port))
            try:
                return one.recv(2048)[:2] == b"\x01\x01"
            except OSError:
                return False
    return Process(command, answers)


def relayed(port: int, secret: str) -> bool:
    """Whether turnutils_uclient gets packets to itself and back through the server."""
    try:
        done = run("turnutils_uclient", "-y", "-c", "-n", "2", "-m", "1", "-W", secret, "-u", "viewer", "-p", port, "-e",
                   "127.0.0.1", "127.0.0.1", check=False, timeout=8)
    except subprocess.TimeoutExpired:
        return False
    received = re.findall(r"tot_recv_msgs=(\d+)", done.stdout)
    return done.returncode == 0 and bool(received) and int(received[-1]) > 0


# WireGuard and Headscale.

def test_the_mesh_can_be_made(tmp_path) -> None:
    """Each machine's file is one that WireGuard takes, says who the others are, and is the same when it is made again."""
    for _ in range(2):
        run(sys.executable, INFRA / "wireguard/make_mesh.py", tmp_path)
        files = {path.stem: path.read_text() for path in tmp_path.glob("*.conf")}
    machines = yaml.safe_load((INFRA / "wireguard/mesh.yml").read_text())["machines"]
    assert set(files) == set(machines) and all(path.stat().st_mode & 0o077 == 0 for path in tmp_path.rglob("*.*"))
    public = {name: run("wg", "pubkey", input=(tmp_path / f"keys/{name}.key").read_text(), stdin=None).stdout.strip()
              for name in machines}
    for name, text in files.items():
        run("wg-quick", "strip", tmp_path / f"{name}.conf")
        peers = set(re.findall(r"^PublicKey = (.+)$", text, re.M))
        assert peers == {public[other] for other in machines if other != name}
        assert ("ListenPort" in text) == ("endpoint" in machines[name])
    wrong = tmp_path / "wrong.yml"
    wrong.write_text("network: 10.77.0.0/16\nport: 1\nmtu: 1420\nmachines: {one: {address: 10.78.0.1, endpoint: 192.0.2.1}}\n")
    assert run(sys.executable, INFRA / "wireguard/make_mesh.py", wrong, tmp_path, check=False).returncode == 65


# What Headscale 0.26 reads, of what we set; see its config-example.yaml.
HEADSCALE = """server_url listen_addr metrics_listen_addr grpc_listen_addr grpc_allow_insecure noise.private_key_path prefixes.v4
prefixes.v6 prefixes.allocation derp.server.enabled derp.server.region_id derp.server.region_code derp.server.region_name
derp.server.stun_listen_addr derp.server.private_key_path derp.server.automatically_add_embedded_derp_region
derp.server.ipv4 derp.server.ipv6 derp.urls derp.paths derp.auto_update_enabled derp.update_frequency disable_check_updates
ephemeral_node_inactivity_timeout database.type database.debug database.sqlite.path database.sqlite.write_ahead_log
log.format log.level policy.mode policy.path dns.magic_dns dns.base_domain dns.override_local_dns dns.nameservers.global
dns.nameservers.split dns.search_domains dns.extra_records unix_socket unix_socket_permission logtail.enabled
randomize_client_port""".split()


def test_headscale_knows_what_is_set() -> None:
    written = yaml.safe_load((INFRA / "headscale/config.yaml").read_text())
    for path in leaves(written):
        assert path in HEADSCALE, path
    assert ipaddress.ip_network(written["prefixes"]["v4"]).subnet_of(ipaddress.ip_network("100.64.0.0/10"))
    assert ipaddress.ip_network(written["prefixes"]["v6"]).subnet_of(ipaddress.ip_network("fd7a:115c:a1e0::/48"))
    # Its relay of last resort needs TLS, and its base domain must not be that of the server.
    assert written["server_url"].startswith("https://") and written["dns"]["base_domain"] not in written["server_url"]
    assert written["dns"]["nameservers"]["global"] or not written["dns"]["override_local_dns"]
    policy = json.loads((INFRA / "headscale/policy.json").read_text())
    known = set(policy["tagOwners"]) | set(policy["groups"]) | {"*"}
    for rule in policy["acls"]:
        assert set(rule["src"]) <= known, rule
        for target in rule["dst"]:
            place, _, port = target.rpartition(":")
            assert place in known and (port == "*" or port in ("7946", "7947", "8080")), target
    assert {owner for owners in policy["tagOwners"].values() for owner in owners} <= set(policy["groups"])


def leaves(tree: dict, path: str = "") -> list[str]:
    found = []
    for key, value in tree.items():
        found += leaves(value, f"{path}{key}.") if isinstance(value, dict) and value else [path + key]
    return found


# Prometheus, Alertmanager and Grafana.

def test_prometheus_takes_its_files(tmp_path) -> None:
    shutil.copytree(INFRA / "prometheus", tmp_path / "prometheus")
    targets = tmp_path / "prometheus/targets"
    shutil.copytree(ROOT / "deployments/compose/targets", targets)
    run("promtool", "check", "config", tmp_path / "prometheus/prometheus.yml")
    run(sys.executable, INFRA / "prometheus/make_alerts.py", "--check")


def test_every_alert_fires_and_clears() -> None:
    """Each by the series of its fault, and not before nor after."""
    run("promtool", "test", "rules", INFRA / "prometheus/tests/alerts.yml")


def test_rules_and_dashboards_ask_for_what_there_is(binary) -> None:
    """Each metric is one that we declare, and each label has one of the values that a node gives it."""
    with complete() as whole:
        node = list(whole.metrics())
    recorded = set(re.findall(r"record: (\S+)", (INFRA / "prometheus/rules/recording.yml").read_text()))
    expressions = [rule["expr"] for file in ("alerts", "recording") for group in
                   yaml.safe_load((INFRA / f"prometheus/rules/{file}.yml").read_text())["groups"] for rule in group["rules"]]
    expressions += [expression for _, _, expression in panels()]
    for expression in expressions:
        for name, matchers in re.findall(r"\b((?:millrace|haproxy)[_:][a-z0-9_:]+)(?:\{([^}]*)\})?", expression):
            if name.startswith("haproxy") or name in recorded:
                continue
            assert name in metrics(), f"{name} in {expression}"
            for label, operator, value in re.findall(r'(\w+)(=~|!=|=)"([^"]*)"', matchers):
                if label in ("region", "instance", "job") or operator == "!=":
                    continue
                for each in value.split("|") if operator == "=~" else [value]:
                    assert any(line.startswith(name + "{") and f'{label}="{each}"' in line for line in node), \
                        f"{name} has no {label} {each}"


def test_alertmanager_tells_the_right_people() -> None:
    file = INFRA / "alertmanager/alertmanager.yml"
    run("amtool", "check-config", file)
    for severity, receiver in (("page", "pager"), ("ticket", "chat")):
        done = run("amtool", "config", "routes", "test", f"--config.file={file}", f"severity={severity}", "region=east")
        assert done.stdout.strip() == receiver
    described = yaml.safe_load((INFRA / "prometheus/alerts.yml").read_text())
    known = {alert["alert"] for alerts in described.values() for alert in alerts}
    named = {name for each in every(yaml.safe_load(file.read_text())) if isinstance(each, str)
             for name in re.findall(r'alertname="(\w+)"', each)}
    assert named <= known
    assert {alert["severity"] for alerts in described.values() for alert in alerts} == {"page", "ticket"}


def test_every_alert_has_its_page() -> None:
    """And every page its alert."""
    pages = re.findall(r"^## (Millrace\w+)$", (OPERATIONS / "runbook.md").read_text(), re.M)
    described = yaml.safe_load((INFRA / "prometheus/alerts.yml").read_text())
    assert pages == [alert["alert"] for alerts in described.values() for alert in alerts]


def test_dashboards_are_what_is_described() -> None:
    run(sys.executable, INFRA / "grafana/make_dashboards.py", "--check")
    provider, = yaml.safe_load((INFRA / "grafana/provisioning/dashboards/millrace.yml").read_text())["providers"]
    mounts = yaml.safe_load((ROOT / "deployments/compose/region.yml").read_text())["services"]["grafana"]["volumes"]
    assert f"../../infra/grafana/dashboards:{provider['options']['path']}:ro" in mounts
    titles = [json.loads(path.read_text())["title"] for path in (INFRA / "grafana/dashboards").glob("*.json")]
    assert len(set(titles)) == len(titles) == 8


def panels() -> list[tuple[str, str, str]]:
    """Dashboard, panel and expression of every query."""
    return [(path.stem, panel["title"], target["expr"]) for path in sorted((INFRA / "grafana/dashboards").glob("*.json"))
            for panel in json.loads(path.read_text())["panels"] for target in panel.get("targets", [])]
