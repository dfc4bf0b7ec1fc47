# SPDX-License-Identifier: Apache-2.0
"""`millrace doctor` looks at real machines, well and ill; commands speak HTTPS; a program finds its script by itself."""

from __future__ import annotations

import contextlib
import json
import os
import pathlib
import shutil
import socket
import ssl
import subprocess
import sys
import urllib.request

import pytest

from process import Process, listens
from redis_server import Redis
from server import BINARY, ROOT, Server, free_port
from shipped import PATH, run
from stores import ACCESS, BUCKET, SECRET, STUB, refusing
from test_infra import RedisSet


@pytest.fixture(scope="module")
def certificates(tmp_path_factory) -> pathlib.Path:
    """An authority, and a certificate of localhost that it signed for thirty days."""
    folder = tmp_path_factory.mktemp("certificates")
    make = ["openssl", "req", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-subj"]
    run(*make, "/CN=authority", "-x509", "-days", 30, "-keyout", folder / "authority.key", "-out", folder / "authority.pem")
    run(*make, "/CN=localhost", "-keyout", folder / "key.pem", "-out", folder / "request.pem")
    (folder / "names").write_text("subjectAltName=DNS:localhost\n")
    for name, days in (("chain", 30), ("old", 1)):
        run("openssl", "x509", "-req", "-days", days, "-in", folder / "request.pem", "-CA", folder / "authority.pem", "-CAkey",
            folder / "authority.key", "-CAcreateserial", "-extfile", folder / "names", "-out", folder / f"{name}.pem")
    return folder


# Within what any machine of a test may have open.
FEW = {"HTTP_MAX_CONNECTIONS": 1000, "LIMITS_VIEWERS": 1000, "RTMP_MAX_CONNECTIONS": 500}


def settings(**changes: object) -> dict[str, str]:
    """The environment of a small node on ports that nobody has."""
    ports = {name: free_port() for name in ("HTTP_PORT", "RTMP_PORT", "RTP_PORT", "GRPC_PORT", "WEBRTC_PORT")}
    return {f"MILLRACE_{name}": str(value) for name, value in (FEW | ports | changes).items()}


def doctor(environment: dict[str, str]) -> tuple[int, dict[str, dict]]:
    """The exit status, and the findings by what was looked at."""
    done = subprocess.run([BINARY, "doctor", "--json"], env=environment | {"PATH": PATH}, stdin=subprocess.DEVNULL,
                          capture_output=True, text=True, timeout=60)
    assert not done.stderr, done.stderr
    answer = json.loads(done.stdout)
    findings = {each["check"]: each for each in answer["findings"]}
    assert len(findings) == len(answer["findings"])
    assert (answer["verdict"] == "fail") == (done.returncode == 1)
    return done.returncode, findings


def judged(findings: dict[str, dict], check: str) -> str:
    return findings[check]["verdict"]


def test_a_machine_is_fit_for_a_node_alone(binary) -> None:
    environment = settings()
    status, findings = doctor(environment)
    # How this machine's kernel is set is not ours to say; nothing else may be missing here.
    ill = {check for check, finding in findings.items() if finding["verdict"] == "fail"}
    assert status == 0 and not ill, ill
    for name in ("http.port", "rtmp.port", "grpc.port"):
        port = environment[f"MILLRACE_{name.upper().replace('.', '_')}"]
        assert findings[f"{name} {port}/tcp"] == {
            "check": f"{name} {port}/tcp", "verdict": "ok", "found": "free", "mend": None,
            "needed": "a port that nobody else listens at"}
    for name, wanted, rule in (("net.core.somaxconn", 16384, int.__ge__), ("net.ipv4.tcp_slow_start_after_idle", 0, int.__eq__)):
        path = pathlib.Path("/proc/sys") / name.replace(".", "/")
        if path.exists():
            assert judged(findings, name) == ("ok" if rule(int(path.read_text()), wanted) else "warn")
    # What is not used is not looked at.
    assert not [check for check in findings if check.startswith(("redis", "storage", "seed", "relay", "http.tls", "gossip"))]
    lines = run(binary, "doctor", env=environment | {"PATH": PATH}).stdout.splitlines()
    assert len(lines) == len(findings) and all(line.startswith(("ok    ", "warn  ")) and "; needed: " in line for line in lines)


def test_ports_are_a_nodes_or_a_strangers(binary) -> None:
    with Server(WEBRTC_PORT=free_port(), **FEW) as node:
        environment = {f"MILLRACE_{name}": str(value) for name, value in node.settings.items()}
        status, findings = doctor(environment)
        held = [finding for check, finding in findings.items() if ".port" in check]
        assert status == 0 and len(held) == 5
        assert all(finding["found"] == f"held by millrace (process {node.pid})" for finding in held), held
    with socket.create_server(("127.0.0.1", 0)) as other:
        status, findings = doctor(settings(HTTP_PORT=other.getsockname()[1], HTTP_HOST="127.0.0.1", RTMP_HOST="192.0.2.1"))
        http = next(finding for check, finding in findings.items() if check.startswith("http.port"))
        rtmp = next(finding for check, finding in findings.items() if check.startswith("rtmp.port"))
        assert status == 1 and http["verdict"] == rtmp["verdict"] == "fail"
        assert f"(process {os.getpid()})" in http["found"] and "assign" in rtmp["found"]


def test_limits_must_carry_what_is_set(binary) -> None:
    words, large = f"ulimit -n 4096; exec {BINARY} doctor", settings(
        LIMITS_VIEWERS=30000, HTTP_MAX_CONNECTIONS=20000, RTMP_MAX_CONNECTIONS=2000)
    done = subprocess.run(["sh", "-c", words], env=large | {"PATH": PATH}, capture_output=True, text=True,
                          stdin=subprocess.DEVNULL)
    lines = {line[6:].partition(":")[0]: line for line in done.stdout.splitlines()}
    assert done.returncode == 1
    assert lines["open files"].startswith("fail  open files: at most 4096; needed: 23024,")
    assert "; mend: ulimit -n 23024" in lines["open files"]
    assert lines["http.max_connections"].endswith("mend: http.max_connections: 30000")


def test_certificates_are_read(binary, certificates) -> None:
    def judge(chain: str, key: str = "key.pem", **changes: object) -> dict:
        _, findings = doctor(settings(HTTP_TLS_CERTIFICATE=certificates / chain, HTTP_TLS_KEY=certificates / key, **changes))
        return findings["http.tls.certificate"]
    assert judge("chain.pem")["verdict"] == "ok"
    assert judge("chain.pem", NODE_VIEWER_URL="https://localhost:8443")["verdict"] == "ok"
    foreign = judge("chain.pem", NODE_VIEWER_URL="https://127.0.0.1:8443")
    assert foreign["verdict"] == "warn" and "127.0.0.1" in foreign["found"]
    assert judge("old.pem")["verdict"] == "warn"
    assert judge("chain.pem", "authority.key")["verdict"] == "fail"
    assert judge("names")["verdict"] == "fail"


def test_redis_is_asked(binary, tmp_path) -> None:
    key = {"CLUSTER_KEY": "0" * 64, "GOSSIP_PORT": free_port(), "RELAY_PORT": free_port()}

    def judge(**changes: object) -> dict:
        return doctor(settings(**key, **changes))[1]["redis"]
    with Redis() as redis:
        assert judge(REDIS_URL=redis.url)["verdict"] == "ok"
        refused = judge(REDIS_URL=redis.url, REDIS_PASSWORD="password")
        assert refused["verdict"] == "fail" and "AUTH" in refused["found"], refused
    assert judge(REDIS_URL=redis.url)["verdict"] == "fail"
    with RedisSet(tmp_path) as several:
        sentinels = ",".join(f"127.0.0.1:{port}" for port in several.sentinels)
        right = {"REDIS_SENTINELS": sentinels, "REDIS_USERNAME": "millrace"}
        assert judge(REDIS_PASSWORD="password", **right)["verdict"] == "ok"
        assert judge(REDIS_PASSWORD="wrong", **right)["verdict"] == "fail"
        replica = judge(REDIS_URL=f"redis://127.0.0.1:{several.servers[1]}", REDIS_USERNAME="millrace", REDIS_PASSWORD="password")
        assert replica["verdict"] == "fail" and replica["found"] == "a slave answers"


def test_the_store_is_tried(binary, tmp_path) -> None:
    port = free_port()
    account = {"STORAGE_KIND": "gcs", "STORAGE_ENDPOINT": f"http://127.0.0.1:{port}", "STORAGE_BUCKET": BUCKET,
               "STORAGE_ACCOUNT": ACCESS, "STORAGE_SECRET": SECRET}
    with google(port):
        status, findings = doctor(settings(**account))
        assert status == 0 and judged(findings, "storage.kind gcs") == "ok", findings
        status, findings = doctor(settings(**account | {"STORAGE_SECRET": "another"}))
        assert status == 1 and findings["storage.kind gcs"]["found"] == "put: wrong_credentials"
        assert "storage.secret" in findings["storage.kind gcs"]["mend"]
    assert doctor(settings(**account))[1]["storage.kind gcs"]["found"] == "put: unreachable"
    with refusing(port, 404, "NoSuchBucket"):
        findings = doctor(settings(**account))[1]
        assert findings["storage.kind gcs"]["found"] == "put: no_bucket"
        # Its clock is this machine's.
        assert "0 s from that of the store" in findings["clock"]["found"] and judged(findings, "clock") == "ok"
    folder = tmp_path / "recordings"
    folder.mkdir()
    status, findings = doctor(settings(STORAGE_KIND="file", STORAGE_PATH=folder))
    assert status == 0 and judged(findings, "storage.kind file") == "ok"
    left = [path for path in folder.rglob("*") if path.is_file() and ".millrace-store" not in path.parts]
    assert not left, "it leaves something behind"


def google(port: int) -> Process:
    """A store that takes nobody without a signature."""
    return Process([sys.executable, STUB, "google", port], lambda: listens(port), name="the store")


def test_names_and_seeds_are_looked_for(binary) -> None:
    with Server(CLUSTER_KEY="0" * 64, NODE_ADVERTISE="127.0.0.1", GOSSIP_HOST="127.0.0.1", GOSSIP_PORT=free_port(),
                RELAY_HOST="127.0.0.1", RELAY_PORT=free_port()) as node:
        there, nobody = f"127.0.0.1:{node.settings['GOSSIP_PORT']}", f"127.0.0.1:{free_port()}"
        status, findings = doctor(settings(
            CLUSTER_KEY="0" * 64, CLUSTER_SEEDS=f"{there},{nobody},nowhere.invalid", REDIS_URL="redis://redis.invalid",
            GOSSIP_PORT=free_port(), RELAY_PORT=free_port()))
    assert status == 1
    assert [judged(findings, f"seed {seed}") for seed in (there, nobody, "nowhere.invalid")] == ["ok", "warn", "fail"]
    assert judged(findings, "name redis.invalid") == "fail"


def test_wrong_settings_are_told_as_everywhere(binary) -> None:
    done = run(binary, "doctor", check=False, env={"PATH": PATH, "MILLRACE_HTTP_PORT": "one"})
    assert done.returncode == 78 and "http.port" in done.stderr


def test_the_shipped_file_is_what_it_prints(binary) -> None:
    assert run(binary, "doctor", "--sysctl").stdout == (ROOT / "deployments/systemd/sysctl.conf").read_text()


# HTTPS.

class SecuredServer(Server):
    """Speaks TLS on its HTTP port."""

    def __init__(self, certificates: pathlib.Path) -> None:
        super().__init__(HTTP_TLS_CERTIFICATE=certificates / "chain.pem", HTTP_TLS_KEY=certificates / "key.pem", RTMP_TLS_PORT=0)
        self.trust = ssl.create_default_context(cafile=str(certificates / "authority.pem"))

    def _ready(self) -> bool:
        assert self.process.poll() is None, self.log()
        with contextlib.suppress(OSError):
            with urllib.request.urlopen(f"https://localhost:{self.http}/ready", timeout=2, context=self.trust) as answer:
                return answer.status == 200
        return False


def test_commands_speak_https(binary, certificates) -> None:
    def ask(*words: str) -> subprocess.CompletedProcess:
        return run(binary, *words, check=False, env={"PATH": PATH})
    with SecuredServer(certificates) as node:
        place, believed = f"https://localhost:{node.http}", ["--cacert", str(certificates / "authority.pem")]
        done = ask("status", "--node", place, *believed)
        assert done.returncode == 0 and done.stdout == "healthy: yes\nready: yes\n", done
        assert ", alone\n" in ask("cluster", "--node", place, *believed).stdout
        # Its own certificate is as good as who signed it.
        assert ask("streams", "--node", place, "--cacert", str(certificates / "chain.pem")).returncode == 0
        assert ask("status", "--node", f"https://127.0.0.1:{node.http}", "--insecure").returncode == 0
        for words in (["--node", place], ["--node", f"https://127.0.0.1:{node.http}", *believed]):
            done = ask("status", *words)
            assert done.returncode == 69 and "is not believed to be the node" in done.stderr, done
        assert "is it https://?" in ask("status", "--node", f"http://localhost:{node.http}").stderr
        # A token of the running node, of the settings that it has.
        environment = {f"MILLRACE_{name}": str(value) for name, value in node.settings.items()}
        done = run(binary, "token", "publish", "live/show", env=environment | {"PATH": PATH})
        assert len(done.stdout.strip()) > 20
        # The package's stop asks it, too, and finds that it has nobody to hand over to.
        programs = {"PATH": f"{pathlib.Path(binary).parent}:{PATH}", "MAINPID": str(node.pid)}
        done = run(ROOT / "deployments/systemd/drain", "5", env=environment | programs)
        assert done.stderr.strip().endswith("is alone"), done.stderr
    with Server() as plain:
        done = ask("status", "--node", f"https://127.0.0.1:{plain.http}", "--insecure")
        assert done.returncode == 69 and "is it http://?" in done.stderr, done


def test_the_page_has_its_script_however_the_program_is_called(binary, tmp_path) -> None:
    """By PATH, from a folder that has nothing to do with it."""
    (tmp_path / "bin").mkdir()
    (tmp_path / "share/millrace").mkdir(parents=True)
    shutil.copy(binary, tmp_path / "bin/millrace")
    (tmp_path / "share/millrace/hls.js").write_text("// the script\n")
    (tmp_path / "elsewhere").mkdir()
    environment = settings() | {"PATH": f"{tmp_path}/bin:{PATH}"}
    port = environment["MILLRACE_HTTP_PORT"]

    def is_there() -> bool:
        with contextlib.suppress(OSError), urllib.request.urlopen(f"http://127.0.0.1:{port}/player/hls.js", timeout=2) as answer:
            return answer.read() == b"// the script\n"
        return False
    with Process(["millrace", "serve"], is_there, env=environment, cwd=tmp_path / "elsewhere"):
        pass
