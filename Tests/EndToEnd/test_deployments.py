# SPDX-License-Identifier: Apache-2.0
"""What is shipped, held by real tools: the image, the compose files, systemd."""

from __future__ import annotations

import os
import pathlib
import re
import subprocess

import pytest
import yaml

from server import ROOT
from shipped import DEPLOYMENTS, INFRA, complaints, filled, run

DOCKERFILE = DEPLOYMENTS / "docker/Dockerfile"
COMPOSE = [DEPLOYMENTS / "compose" / name for name in ("single.yml", "region.yml", "two-regions.yml")]
# What an image may add to its base, without ffmpeg.
LARGEST_IMAGE = 150 * 1000**2


# Docker.

def test_the_dockerfile_is_as_it_should_be() -> None:
    run("hadolint", DOCKERFILE)


def test_what_the_dockerfile_copies_is_there() -> None:
    ignored = (DOCKERFILE.parent / "Dockerfile.dockerignore").read_text().split()
    text = DOCKERFILE.read_text()
    wanted = re.findall(r"^COPY (?!--from)(\S+)", text, re.M) + re.findall(r"cp (?:-\w+ )*((?:[\w./-]+ )+)/program", text)
    for place in " ".join(wanted).split():
        if place == ".tools/hls/hls.js":
            continue  # scripts/setup page has put it there.
        assert (ROOT / place).exists(), place
        assert place.split("/")[0] not in ignored and place not in ignored, f"{place} is kept from the build"


def test_the_image_has_the_libraries_of_the_program(binary) -> None:
    wanted = packages_of(binary) - base_packages()
    listed = set(re.search(r"ca-certificates ([^\\\n]+)", DOCKERFILE.read_text())[1].split())
    assert listed - base_packages() == wanted


def test_the_image_is_small(binary, tmp_path, figures) -> None:
    """The program without symbols, and the packages that it adds to its base, with the documents that the image leaves out."""
    run("strip", "--strip-all", "-o", tmp_path / "millrace", binary)
    program = (tmp_path / "millrace").stat().st_size
    listed = set(re.search(r"--no-install-recommends \\\n\s+(ca-certificates [^\\\n]+)", DOCKERFILE.read_text())[1].split())
    added = installed_size(closure(listed) - base_packages())
    figures(kind="image", program=program, packages=added)
    assert program + added < LARGEST_IMAGE, f"{program:,} and {added:,} bytes"


def packages_of(program: str) -> set[str]:
    """The packages of the libraries that a program names itself."""
    needed = re.findall(r"\(NEEDED\).*\[(.+)\]", run("readelf", "-d", program).stdout)
    places = dict(re.findall(r"(\S+) => (\S+)", run("ldd", program).stdout))
    owners = set()
    for library in needed:
        if library in places:
            real = os.path.realpath(places[library])
            owner = run("dpkg-query", "--search", f"*{real.removeprefix('/usr')}").stdout
            owners.add(owner.split(":")[0])
    return owners


def base_packages() -> set[str]:
    """What every Debian has: the essential packages, those without which none can be installed, and what they need."""
    rows = run("dpkg-query", "--show", "--showformat=${Package} ${Essential} ${Priority}\n").stdout.splitlines()
    roots = {row.split()[0] for row in rows if row.split()[1] == "yes" or row.split()[-1] == "required"}
    return closure(roots | {"apt"})


def closure(roots: set[str]) -> set[str]:
    rows = run("dpkg-query", "--show", "--showformat=${Package}\t${Pre-Depends}, ${Depends}\t${Provides}\n").stdout
    needs, provides = {}, {}
    for row in rows.splitlines():
        name, depends, provided = row.split("\t")
        needs[name] = [[re.split(r"[ (:]", each.strip())[0] for each in part.split("|")]
                       for part in depends.split(",") if part.strip()]
        for each in provided.split(","):
            provides.setdefault(re.split(r"[ (:]", each.strip())[0], name)
    found, waiting = set(), list(roots)
    while waiting:
        name = waiting.pop()
        if name in found or name not in needs:
            continue
        found.add(name)
        for choice in needs[name]:
            there = [each if each in needs else provides.get(each) for each in choice]
            waiting += [each for each in there if each][:1]
    return found


def installed_size(names: set[str]) -> int:
    rows = run("dpkg-query", "--show", "--showformat=${Installed-Size}\n", *sorted(names)).stdout
    return sum(map(int, rows.split())) * 1024


# Compose.

@pytest.fixture(scope="module")
def secrets(tmp_path_factory) -> pathlib.Path:
    """The folder of the compose files as it is after `make-secrets`."""
    copy = tmp_path_factory.mktemp("ship") / "deployments/compose"
    copy.parent.mkdir()
    subprocess.run(["cp", "-r", DEPLOYMENTS / "compose", copy], check=True)
    (copy.parent.parent / "infra").symlink_to(INFRA)
    (copy.parent / "docker").symlink_to(DEPLOYMENTS / "docker")
    subprocess.run(["rm", "-rf", copy / "secrets", copy / ".env"], check=True)
    (copy / ".env").write_text((copy / ".env.example").read_text())
    run(copy / "make-secrets")
    first = {path: path.read_bytes() for path in (copy / "secrets").rglob("*") if path.is_file()}
    run(copy / "make-secrets")
    assert first == {path: path.read_bytes() for path in first}, "made anew what was there"
    assert (copy / "secrets").stat().st_mode & 0o077 == 0
    return copy


@pytest.mark.parametrize("file", COMPOSE, ids=lambda file: file.stem)
def test_compose_takes_it(file, secrets) -> None:
    run("docker-compose", "--file", secrets / file.name, "config", "--quiet", cwd=secrets)


@pytest.mark.parametrize("file", COMPOSE, ids=lambda file: file.stem)
def test_the_services_fit_together(file, secrets, binary) -> None:
    """Each node would start with what it is given, each name is a service, each port is listened on, each mount is there."""
    services = composed(secrets / file.name)
    for name, service in services.items():
        environment = service.get("environment", {})
        assert re.fullmatch(r"[^:]+(:\d+)?/?[^:]*:[\w.-]*\d[\w.-]*", service["image"]), f"{name}: which {service['image']}?"
        for mount in service.get("volumes", []):
            source = mount.split(":")[0]
            assert not source.startswith(".") or (secrets / source).exists(), f"{name}: {source}"
        assert set(service.get("depends_on", [])) <= set(services), name
        if "MILLRACE_NODE_NAME" not in environment:
            continue
        whole = secret_settings(secrets / "secrets/millrace.env") | environment
        assert not (said := complaints(whole)), f"{name}: {said}"
        listens = listened(whole)
        for port in service.get("ports", []):
            inner = port.rpartition(":")[2]
            assert (inner if "/" in inner else inner + "/tcp") in listens, f"{name} does not listen on {inner}"
        for host in hosts(environment):
            assert host in names(services), f"{name}: no service {host}"
    nodes = [each["environment"] for each in services.values() if "MILLRACE_NODE_NAME" in each.get("environment", {})]
    assert len({each["MILLRACE_NODE_NAME"] for each in nodes}) == len(nodes)


def test_what_stands_around_the_region_is_found(secrets) -> None:
    """HAProxy's names, Prometheus' targets, the sentinels' first server and the bucket are those of the services."""
    services = composed(secrets / "region.yml")
    known = names(services)
    proxy = services["haproxy"]["environment"]
    assert proxy["EDGES"] in known and proxy["ORIGINS"] in known
    used = set(re.findall(r'"?\$\{(\w+)\}', (INFRA / "haproxy/haproxy.cfg").read_text()))
    # A container has its user from its image.
    assert used == set(proxy) | {"RUN_AS"}
    for file in (secrets / "targets").glob("*.yml"):
        for group in yaml.safe_load(file.read_text()):
            assert {target.split(":")[0] for target in group["targets"]} <= known
    assert re.search(r"^sentinel monitor (\S+) (\S+) (\d+) 2$", (INFRA / "redis/sentinel.conf").read_text(), re.M)[2] in known
    prometheus = yaml.safe_load((INFRA / "prometheus/prometheus.yml").read_text())
    static = [target for job in prometheus["scrape_configs"] + prometheus["alerting"]["alertmanagers"]
              for each in job.get("static_configs", []) for target in each["targets"]]
    assert {target.split(":")[0] for target in static} <= known | {"localhost"}
    bucket = services["origin-1"]["environment"]["MILLRACE_STORAGE_BUCKET"]
    assert f"-name {bucket}'" in services["bucket"]["command"][0]
    agent = services["edge-1"]["environment"]["MILLRACE_EDGE_AGENT_PORT"]
    assert set(re.findall(r"agent-port (\d+)", (INFRA / "haproxy/haproxy.cfg").read_text())) == {agent}


@pytest.mark.parametrize("ends", ["well", "unbuilt", "ill"])
def test_an_upgrade_drains_before_it_makes_anew(ends, tmp_path) -> None:
    """One node after the other, edges first; each container is kept from being started again, drained, and only then
    made anew, of an image that was built before. Where the image can not be built, or a cluster does not become well,
    no other node is touched."""
    stub, log = tmp_path / "docker", tmp_path / "log"
    stub.write_text(STUB)
    stub.chmod(0o755)
    done = run(DEPLOYMENTS / "compose/upgrade", check=False, env={
        "PATH": f"{tmp_path}:/usr/bin:/bin", "FOLDER": str(tmp_path), "ENDS": ends,
        "PATIENCE": "0" if ends == "ill" else "60"})
    assert (done.returncode == 0) == (ends == "well"), done.stderr
    said = [line.split(" ", 1) for line in log.read_text().splitlines()]
    assert {file for file, _ in said} == {"region.yml"}
    nodes = ["edge-1", "edge-2", "origin-1", "origin-2"]
    wanted = ["compose build " + " ".join(nodes)]
    for node in {"well": nodes, "ill": nodes[:1], "unbuilt": []}[ends]:
        wanted += [f"compose ps --quiet {node}", f"update --restart=no id-{node}",
                   f"compose exec -T {node} /usr/lib/millrace/drain 60",
                   f"compose up --detach --no-deps --force-recreate --wait {node}"]
        wanted += [f"compose exec -T {node} sh"] * (2 if ends == "well" else 1)
    assert [words.split(" -c ")[0] for _, words in said] == wanted
    services = yaml.safe_load((DEPLOYMENTS / "compose/region.yml").read_text())["services"]
    assert set(nodes) == {name for name, each in services.items()
                          if "MILLRACE_NODE_NAME" in each.get("environment", {})}


# Docker, as it was asked; a drained node takes its container and the command with it, and finds its cluster well at the
# second question.
STUB = """#!/bin/sh
echo "$COMPOSE_FILE $*" >>"$FOLDER/log"
case "$ENDS $*" in
    "unbuilt compose build "*) exit 1 ;;
    *" compose ps --quiet "*) echo "id-$4" ;;
    *" compose exec -T "*" /usr/lib/millrace/drain 60") exit 137 ;;
    "ill compose exec "*) exit 1 ;;
    "well compose exec "*) [ -e "$FOLDER/$4" ] || { touch "$FOLDER/$4"; exit 1; } ;;
esac
"""


def composed(file: pathlib.Path) -> dict[str, dict]:
    values = dict(line.split("=", 1) for line in (file.parent / ".env").read_text().splitlines()
                  if line and not line.startswith("#"))
    return yaml.safe_load(filled(file.read_text(), values))["services"]


def names(services: dict[str, dict]) -> set[str]:
    networks = [each for service in services.values() for each in [service.get("networks")] if isinstance(each, dict)]
    return set(services) | {alias for network in networks for each in network.values() for alias in each.get("aliases", [])}


def secret_settings(file: pathlib.Path) -> dict[str, str]:
    return dict(line.split("=", 1) for line in file.read_text().splitlines() if line)


def listened(environment: dict[str, str]) -> set[str]:
    def port(name: str, default: int, kind: str) -> str:
        return f"{environment.get(name, default)}/{kind}"
    return {port("MILLRACE_HTTP_PORT", 8080, "tcp"), port("MILLRACE_RTMP_PORT", 1935, "tcp"),
            port("MILLRACE_WEBRTC_PORT", 8000, "udp")}


def hosts(environment: dict[str, str]) -> set[str]:
    """The hosts that a node is told to find others by."""
    found = set()
    for name in ("MILLRACE_CLUSTER_SEEDS", "MILLRACE_CLUSTER_REMOTE_SEEDS", "MILLRACE_REDIS_SENTINELS"):
        found |= {each for each in environment.get(name, "").split(",") if each}
    if endpoint := environment.get("MILLRACE_STORAGE_ENDPOINT"):
        found.add(re.match(r"https?://([^:/]+)", endpoint)[1])
    return found


# systemd.

def test_systemd_takes_the_unit(tmp_path, binary) -> None:
    unit = (DEPLOYMENTS / "systemd/millrace.service").read_text()
    drop_in = tmp_path / "millrace.service.d"
    drop_in.mkdir()
    (drop_in / "limits.conf").write_text((DEPLOYMENTS / "systemd/limits.conf").read_text())
    # Where the programs are on this machine, and a user that it has.
    there = unit.replace("/usr/bin/millrace", binary).replace("/usr/lib/millrace/drain", str(DEPLOYMENTS / "systemd/drain"))
    there = re.sub(r"^(User|Group)=millrace$", r"\1=daemon", there, flags=re.M)
    (tmp_path / "millrace.service").write_text(there)
    done = run("systemd-analyze", "verify", "--man=no", tmp_path / "millrace.service")
    assert "millrace" not in done.stderr, done.stderr
    # Out of 100: what somebody who has taken over the node could do to the machine.
    run("systemd-analyze", "security", "--offline=true", "--threshold=20", "--no-pager", tmp_path / "millrace.service")


def test_the_kernel_has_what_is_set() -> None:
    for line in (DEPLOYMENTS / "systemd/sysctl.conf").read_text().splitlines():
        if line and not line.startswith("#"):
            name, _, value = line.partition(" = ")
            assert value.isdigit() and (pathlib.Path("/proc/sys") / name.replace(".", "/")).exists(), line


def test_users_and_scripts_are_as_they_should_be(tmp_path) -> None:
    (tmp_path / "etc").mkdir()
    run("systemd-sysusers", f"--root={tmp_path}", DEPLOYMENTS / "systemd/sysusers.conf")
    assert "millrace:" in (tmp_path / "etc/passwd").read_text()
    for script in [*(DEPLOYMENTS / "debian").glob("p*"), DEPLOYMENTS / "systemd/drain", INFRA / "redis/make-users"]:
        run("sh", "-n", script)
    for script in (ROOT / "scripts/package", DEPLOYMENTS / "compose/make-secrets", DEPLOYMENTS / "compose/upgrade"):
        run("bash", "-n", script)
