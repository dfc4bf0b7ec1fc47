# SPDX-License-Identifier: Apache-2.0
"""The shipped Alertmanager tells people what they need to hear, and somebody elsewhere that it lives."""

from __future__ import annotations

import contextlib
import http.server
import json
import pathlib
import re
import shutil
import threading
import time
import urllib.request
from collections.abc import Iterator

import yaml

from process import Process, wait_until
from server import free_port
from shipped import DEPLOYMENTS, INFRA, tool

RUNBOOK = "https://runbook.example.org"


class People:
    """`with People() as people:`; what was told to the pager, the chat and the watchdog's service."""

    def __enter__(self) -> People:
        self.told: dict[str, list[tuple[float, dict]]] = {"pager": [], "chat": [], "watchdog": []}
        told = self.told

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
                told[self.path[1:]].append((time.monotonic(), body))
                self.send_response(200)
                self.send_header("Content-Length", "0")
                self.end_headers()

            def log_message(self, *_: object) -> None:
                pass

        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_port}"
        threading.Thread(target=self.server.serve_forever, daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        self.server.shutdown()
        self.server.server_close()

    def heard(self, who: str) -> str:
        """All that somebody was told."""
        return json.dumps([body for _, body in self.told[who]])


def test_the_watchdog_beats_each_minute() -> None:
    """What was sent at one look is a little younger at the next than the time between: where that is also the time after
    which it is sent again, it is sent at every second look."""
    config = yaml.safe_load((INFRA / "alertmanager/alertmanager.yml").read_text())
    beat = next(route for route in config["route"]["routes"] if route["receiver"] == "watchdog")
    look, again = (int(beat[name].removesuffix("s")) for name in ("group_interval", "repeat_interval"))
    assert again % look != 0 and -(-again // look) * look == 60


@contextlib.contextmanager
def alertmanager(folder: pathlib.Path, people: People) -> Iterator[int]:
    """By the shipped file, with waits of a second; its port."""
    (folder / "secrets").mkdir()
    (folder / "secrets/pager").write_text("a key\n")
    for name in ("chat", "watchdog"):
        (folder / "secrets" / name).write_text(f"{people.url}/{name}\n")
    text = (INFRA / "alertmanager/alertmanager.yml").read_text().replace("/etc/alertmanager/", f"{folder}/")
    text = re.sub(r"\b(group_wait|group_interval|repeat_interval): \w+", r"\1: 1s", text)
    text = text.replace("\nglobal:\n", f"\nglobal:\n  pagerduty_url: {people.url}/pager\n")
    (folder / "alertmanager.yml").write_text(text)
    port = free_port()
    words = [f"--config.file={folder}/alertmanager.yml", f"--storage.path={folder}/alerts", "--cluster.listen-address=",
             f"--web.listen-address=127.0.0.1:{port}"]
    with Process([tool("prometheus-alertmanager"), *words], lambda: answers(f"http://127.0.0.1:{port}/-/ready"), seconds=30):
        yield port


def answers(url: str) -> bool:
    with contextlib.suppress(OSError), urllib.request.urlopen(url, timeout=2) as answer:
        return answer.status == 200
    return False


def alerts(port: int) -> list[dict]:
    with urllib.request.urlopen(f"http://127.0.0.1:{port}/api/v2/alerts", timeout=5) as answer:
        return json.load(answer)


def tell(port: int, *told: dict[str, str]) -> None:
    """Alerts with these labels, as Prometheus sends them."""
    body = [{"labels": labels, "annotations": {
        "summary": f"this is {labels['alertname']}", "runbook_url": f"{RUNBOOK}#{labels['alertname'].lower()}"}}
        for labels in told]
    request = urllib.request.Request(f"http://127.0.0.1:{port}/api/v2/alerts", json.dumps(body).encode(),
                                     {"Content-Type": "application/json"})
    urllib.request.urlopen(request, timeout=5).close()


def test_nobody_is_told_twice_of_one_fault(tmp_path) -> None:
    """A node that is down is no ticket of those that miss it, in its region alone; the page links to the runbook."""
    with People() as people, alertmanager(tmp_path, people) as port:
        down = {"alertname": "MillraceNodeDown", "severity": "page", "region": "east", "instance": "one:8080"}
        dead = {"alertname": "MillraceMemberDead", "severity": "ticket"}
        away = {"alertname": "MillraceRedisAway", "severity": "ticket", "region": "east"}
        fenced = {"alertname": "MillraceFenced", "severity": "page", "region": "east", "instance": "two:8080"}
        tell(port, down, fenced, dead | {"region": "east"}, dead | {"region": "west"}, away | {"instance": "two:8080"},
             away | {"instance": "three:8080"})
        wait_until(lambda: len(alerts(port)) == 6, 10, "all alerts")
        silent = {(each["labels"]["alertname"], each["labels"]["region"], each["labels"].get("instance"))
                  for each in alerts(port) if each["status"]["state"] == "suppressed"}
        assert silent == {("MillraceMemberDead", "east", None), ("MillraceRedisAway", "east", "two:8080")}
        wait_until(lambda: min(len(people.told["pager"]), len(people.told["chat"])) >= 2, 20, "the pager and the chat")
        paged = next(body for _, body in people.told["pager"] if "NodeDown" in body["payload"]["summary"])
        assert paged["links"] == [{"href": f"{RUNBOOK}#millracenodedown", "text": "runbook"}]
        assert f"{RUNBOOK}#millracememberdead" in people.heard("chat")
        assert "NodeDown" not in people.heard("chat") and "MemberDead" not in people.heard("pager")


def test_silence_says_that_prometheus_is_dead(tmp_path) -> None:
    """The watchdog is heard again and again, through the shipped files of both, until Prometheus is killed; and at one
    place alone."""
    with People() as people, alertmanager(tmp_path, people) as port, prometheus(tmp_path, port) as process:
        beats = people.told["watchdog"]
        wait_until(lambda: len(beats) >= 4, 40, "the watchdog")
        told, = (each for each in alerts(port) if each["labels"]["alertname"] == "MillraceWatchdog")
        assert told["labels"] == {"alertname": "MillraceWatchdog", "severity": "ticket"}
        shipped = yaml.safe_load((INFRA / "prometheus/prometheus.yml").read_text())
        place = shipped["global"]["external_labels"]["runbooks"]
        assert place.startswith("https://") and told["annotations"]["runbook_url"] == f"{place}#millracewatchdog"
        process.kill()
        wait_until(lambda: time.monotonic() - beats[-1][0] > 6, 40, "silence")
        assert "Watchdog" not in people.heard("pager") + people.heard("chat")


def prometheus(folder: pathlib.Path, manager: int) -> Process:
    """By the shipped files, which asks and tells each second."""
    shutil.copytree(INFRA / "prometheus", folder / "prometheus")
    shutil.copytree(DEPLOYMENTS / "compose/targets", folder / "prometheus/targets")
    file, port = folder / "prometheus/prometheus.yml", free_port()
    text = file.read_text().replace("alertmanager:9093", f"127.0.0.1:{manager}")
    text = text.replace("localhost:9090", f"127.0.0.1:{port}")
    file.write_text(text.replace("evaluation_interval: 5s", "evaluation_interval: 1s"))
    return Process([tool("prometheus"), f"--config.file={file}", f"--storage.tsdb.path={folder}/data",
                    f"--web.listen-address=127.0.0.1:{port}", "--rules.alert.resend-delay=1s"])


def test_alertmanager_has_its_secrets(tmp_path) -> None:
    """Each file that it reads is one that make-secrets makes for the compose file."""
    used = set(re.findall(r"/etc/alertmanager/(secrets/\w+)", (INFRA / "alertmanager/alertmanager.yml").read_text()))
    made = set(re.findall(r"^keep alertmanager/(\w+) ", (DEPLOYMENTS / "compose/make-secrets").read_text(), re.M))
    assert used == {f"secrets/{name}" for name in made}
