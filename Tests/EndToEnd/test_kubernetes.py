# SPDX-License-Identifier: Apache-2.0
"""The manifests of Kubernetes, held by its schemas and by the settings that pods would start with."""

from __future__ import annotations

import json
import re
import urllib.parse

import kubernetes_validate
import pytest
import yaml

import kustomize
from server import ROOT
from shipped import DEPLOYMENTS, INFRA, OPERATIONS, complaints, run

REGIONS = [DEPLOYMENTS / "kubernetes/overlays" / name for name in ("east", "west")]
# The setting of each port that a container names.
PORTS = {"http": "http.port", "rtmp": "rtmp.port", "rtmps": "rtmp.tls_port", "webrtc": "webrtc.port",
         "gossip": "gossip.port", "gossip-udp": "gossip.port", "relay": "relay.port"}


@pytest.fixture(scope="module", params=REGIONS, ids=lambda folder: folder.name)
def resources(request) -> list[dict]:
    return kustomize.rendered(request.param)


@pytest.fixture(scope="module")
def monitoring() -> list[dict]:
    return kustomize.rendered(DEPLOYMENTS / "kubernetes/monitoring")


def test_the_schemas_of_kubernetes_hold(resources) -> None:
    for resource in resources:
        kubernetes_validate.validate(resource, desired_version=kubernetes_validate.latest_version(), strict=True)


@pytest.mark.parametrize("zone", ["", "northamerica-northeast1-a"])
def test_pods_would_start(resources, zone, binary) -> None:
    """Where Kubernetes tells pods of their zone, and where it does not."""
    secret = {"MILLRACE_CLUSTER_KEY": "0" * 64, "MILLRACE_ACCESS_SECRET": "x" * 32, "MILLRACE_STORAGE_ACCOUNT": "one",
              "MILLRACE_STORAGE_SECRET": "two"}
    roles = set()
    for workload in workloads(resources):
        container, = workload["spec"]["template"]["spec"]["containers"]
        assert [set(each) for each in container["envFrom"]] == [{"configMapRef"}, {"secretRef"}]
        assert not workload["spec"]["template"]["spec"]["enableServiceLinks"]
        given = environment(resources, workload, zone)
        assert given["MILLRACE_NODE_ZONE"] == f"z-{zone}"
        assert not (said := complaints(secret | given)), f"{workload['metadata']['name']}: {said}"
        roles.add(given["MILLRACE_ROLES"])
    assert roles == {"origin", "edge", "router"}


def test_names_of_nodes_are_of_one_region() -> None:
    """Pods of one name are in every region; nodes of one name would keep each other out."""
    given = []
    for region in REGIONS:
        rendered = kustomize.rendered(region)
        names = [environment(rendered, each)["MILLRACE_NODE_NAME"] for each in workloads(rendered)]
        assert all(re.fullmatch(r"[\w.-]{1,63}", name, re.A) for name in names), names
        given += names
    assert len(set(given)) == len(given) == 8, given


def test_pods_are_found_probed_and_drained(resources, server) -> None:
    for workload in workloads(resources):
        name, pod = workload["metadata"]["name"], workload["spec"]["template"]
        container, = pod["spec"]["containers"]
        ports = {port["name"] for port in container["ports"]}
        assert workload["spec"]["selector"]["matchLabels"].items() <= pod["metadata"]["labels"].items(), name
        assert pod["metadata"]["labels"]["topology.millrace.dev/region"]
        for probe in ("startupProbe", "readinessProbe", "livenessProbe"):
            asked = container[probe]["httpGet"]
            assert asked["port"] in ports and server.get(asked["path"])[0] == 200, f"{name}: {probe}"
        assert container["lifecycle"]["preStop"]["exec"]["command"] == ["/usr/lib/millrace/drain"]
        deadline, delay = (int(found(resources, "ConfigMap", "millrace")["data"][f"DRAIN_{each}"]) for each in ("DEADLINE", "DELAY"))
        assert delay >= 30, "gone before the cloud's balancer knows"
        assert pod["spec"]["terminationGracePeriodSeconds"] >= delay + deadline + 10 + 5, "killed before it has drained"
        safe = container["securityContext"]
        assert safe["readOnlyRootFilesystem"] and not safe["allowPrivilegeEscalation"]
        assert safe["capabilities"]["drop"] == ["ALL"]
        assert "requests" in container["resources"] and "memory" in container["resources"]["limits"]
        assert all(mount["name"] in {volume["name"] for volume in pod["spec"]["volumes"]}
                   for mount in container["volumeMounts"])


def test_nodes_speak_what_they_are_asked_in(resources) -> None:
    """The certificate is there, probes come by HTTPS, and each port is one that the settings open."""
    defaults = yaml.safe_load((ROOT / "millrace.yml").read_text())
    for workload in workloads(resources):
        given, pod = environment(resources, workload), workload["spec"]["template"]["spec"]
        container, = pod["containers"]
        secrets = {each["name"]: each["secret"]["secretName"] for each in pod["volumes"] if "secret" in each}
        files = [f"{mount['mountPath']}/{file}" for mount in container["volumeMounts"] if mount["name"] in secrets
                 for file in ("tls.crt", "tls.key")]
        assert files == [given["MILLRACE_HTTP_TLS_CERTIFICATE"], given["MILLRACE_HTTP_TLS_KEY"]]
        probes = [container[f"{kind}Probe"]["httpGet"] for kind in ("startup", "readiness", "liveness")]
        assert {probe["scheme"] for probe in probes} == {"HTTPS"}
        for port in container["ports"]:
            group, name = PORTS[port["name"]].split(".")
            assert port["containerPort"] == defaults[group][name], port
            assert port["name"] != "webrtc" or given.get("MILLRACE_WEBRTC_ENABLED") != "false"


def test_the_world_reaches_what_it_is_told_of(resources) -> None:
    """Each URL leads to a port of its Service, at which pods speak that protocol."""
    spoken = {"https": ("http", 443), "rtmp": ("rtmp", 1935), "rtmps": ("rtmps", 443)}
    services = {"edges": "edges", "origins": "origins", "publishers": "origins", "routers": "routers"}
    places = found(resources, "ConfigMap", "millrace-places")["data"]
    assert set(places) == set(services)
    for place, url in places.items():
        parts = urllib.parse.urlsplit(url)
        target, usual = spoken[parts.scheme]
        ports = found(resources, "Service", services[place])["spec"]["ports"]
        assert [each["targetPort"] for each in ports if each["port"] == (parts.port or usual)] == [target], url


def test_services_policies_and_scaling_mean_pods(resources) -> None:
    pods = {each["metadata"]["name"]: each["spec"]["template"] for each in workloads(resources)}
    listening = {name: {port["name"]: (port["containerPort"], port.get("protocol", "TCP"))
                        for port in pod["spec"]["containers"][0]["ports"]} for name, pod in pods.items()}
    for resource in resources:
        kind, spec = resource["kind"], resource.get("spec", {})
        if kind == "Service":
            chosen = selected(pods, spec["selector"])
            assert chosen, resource["metadata"]["name"]
            for port in spec["ports"]:
                for name in chosen:
                    assert port["targetPort"] in listening[name], (resource["metadata"]["name"], port)
        if kind == "PodDisruptionBudget":
            assert len(selected(pods, spec["selector"]["matchLabels"])) == 1
        if kind == "HorizontalPodAutoscaler":
            assert spec["scaleTargetRef"]["name"] in pods and spec["minReplicas"] <= spec["maxReplicas"]
            metric, = [each["pods"]["metric"]["name"] for each in spec["metrics"] if each["type"] == "Pods"]
            assert adapter()["name"]["as"] == metric
        if kind == "NetworkPolicy":
            for rule in spec.get("ingress", []):
                for port in rule["ports"]:
                    assert any((port["port"], port["protocol"]) in each.values() for each in listening.values()), port
    assert found(resources, "Service", found(resources, "StatefulSet", "origin")["spec"]["serviceName"])
    shared = found(resources, "ConfigMap", "millrace")["data"]
    assert found(resources, "Service", shared["MILLRACE_CLUSTER_SEEDS"])["spec"]["publishNotReadyAddresses"]
    # A viewer whose edge drains comes to another.
    assert "sessionAffinity" not in found(resources, "Service", "edges")["spec"]


def test_a_region_has_shields(resources) -> None:
    """Two, to which no Service leads from outside, and of which one at most is away."""
    pods = {each["metadata"]["name"]: each["spec"]["template"] for each in workloads(resources)}
    shields = [each for each in workloads(resources)
               if environment(resources, each).get("MILLRACE_EDGE_SHIELD") == "true"]
    assert [(each["metadata"]["name"], each["spec"]["replicas"]) for each in shields] == [("shield", 2)]
    for each in resources:
        if each["kind"] == "Service" and each["spec"].get("type") == "LoadBalancer":
            assert "shield" not in selected(pods, each["spec"]["selector"])
    budget = found(resources, "PodDisruptionBudget", "shield")["spec"]
    assert selected(pods, budget["selector"]["matchLabels"]) == ["shield"] and budget["maxUnavailable"] == 1


def test_memory_is_what_sizing_says(resources) -> None:
    """Origins hold what they are gateway and standby of, with room for twice the bit rate; a shield half of the
    region's streams, with room for all."""
    page = (OPERATIONS / "sizing.md").read_text()
    idle = float(re.search(r"^\| a node that does nothing \| ([\d.]+) MiB", page, re.M)[1])
    each = float(re.search(r"^\| a stream of 1 Mbit/s.*?([\d.]+) MiB", page, re.M)[1])
    origin, shield = found(resources, "StatefulSet", "origin"), found(resources, "Deployment", "shield")
    text = (DEPLOYMENTS / "kubernetes/base/origins.yaml").read_text()
    streams = int(re.search(r"# (\d+) streams of 1 Mbit/s", text)[1])
    region = origin["spec"]["replicas"] * streams
    for workload, needed, most in ((origin, 2 * streams, 4 * streams), (shield, region / 2, region)):
        container, = workload["spec"]["template"]["spec"]["containers"]
        said = container["resources"]
        assert mebibytes(said["requests"]["memory"]) >= idle + needed * each, workload["metadata"]["name"]
        assert mebibytes(said["limits"]["memory"]) >= idle + most * each, workload["metadata"]["name"]


def test_regions_find_each_other() -> None:
    """The seeds that a region is given are names that another region gives to its origins."""
    made, wanted = {}, {}
    for folder in REGIONS:
        rendered = kustomize.rendered(folder)
        pods = {each["metadata"]["name"]: each["spec"]["template"] for each in workloads(rendered)}
        for each in rendered:
            name = each["metadata"].get("annotations", {}).get("external-dns.alpha.kubernetes.io/hostname")
            if each["kind"] == "Service" and name:
                assert each["spec"]["clusterIP"] == "None" and selected(pods, each["spec"]["selector"]) == ["origin"]
                made[folder.name] = name
        wanted[folder.name] = found(rendered, "ConfigMap", "millrace")["data"]["MILLRACE_CLUSTER_REMOTE_SEEDS"]
    assert wanted == {"east": made["west"], "west": made["east"]}


def test_the_monitor_finds_nodes(monitoring) -> None:
    service, monitor = found(monitoring, "Service", "metrics"), found(monitoring, "ServiceMonitor", "millrace")
    assert monitor["spec"]["selector"]["matchLabels"].items() <= service["metadata"]["labels"].items()
    endpoint, = monitor["spec"]["endpoints"]
    assert endpoint["port"] in {port["name"] for port in service["spec"]["ports"]} and endpoint["path"] == "/metrics"
    pods = {each["metadata"]["name"]: each["spec"]["template"] for each in workloads(kustomize.rendered(REGIONS[0]))}
    assert set(selected(pods, service["spec"]["selector"])) == set(pods)
    assert endpoint["scheme"] == "https"
    known = {re.sub(r"[./-]", "_", name) for pod in pods.values() for name in pod["metadata"]["labels"]}
    for rule in endpoint["relabelings"]:
        # What the operator sets is not taken away: the autoscaler asks by `namespace` and `pod`.
        assert rule["targetLabel"] in ("job", "instance", "region")
        for label in rule.get("sourceLabels", []):
            assert label == "__meta_kubernetes_pod_name" or label.removeprefix("__meta_kubernetes_pod_label_") in known
    kubernetes_validate.validate(service, desired_version=kubernetes_validate.latest_version(), strict=True)


def test_the_autoscaler_gets_an_answer(monitoring, tmp_path) -> None:
    """The adapter's questions, as it writes them out, over the shipped rules and nodes as the operator labels them."""
    (tmp_path / "rules.yml").write_text(yaml.safe_dump(found(monitoring, "PrometheusRule", "millrace")["spec"]))
    run("promtool", "check", "rules", tmp_path / "rules.yml")
    rule = adapter()
    series = rule["seriesQuery"].split("{")[0]
    asked = rule["metricsQuery"].replace("<<.Series>>", series).replace("<<.GroupBy>>", "pod").replace(
        "<<.LabelMatchers>>", 'namespace="millrace",pod=~"edge-a|edge-b"')
    assert "<<" not in asked

    def sent(family: str, pod: str, rate: int, namespace: str = "millrace") -> dict:
        labels = {"job": "millrace", "region": "east", "instance": f"east-{pod}", "namespace": namespace, "pod": pod,
                  "container": "millrace", "service": "metrics", "endpoint": "http"}
        return {"series": family + "{" + ", ".join(f'{name}="{value}"' for name, value in labels.items()) + "}",
                "values": f"0+{5 * rate}x60"}

    (tmp_path / "test.yml").write_text(yaml.safe_dump({
        "rule_files": ["rules.yml"], "evaluation_interval": "5s", "tests": [{
            "interval": "5s", "input_series": [
                sent("millrace_http_media_sent_bytes_total", "edge-a", 1000),
                sent("millrace_webrtc_sent_bytes_total", "edge-a", 500),
                sent("millrace_http_media_sent_bytes_total", "edge-b", 250),
                sent("millrace_http_media_sent_bytes_total", "edge-a", 9000, namespace="another")],
            "promql_expr_test": [
                {"expr": asked, "eval_time": "4m",
                 "exp_samples": [{"labels": f'{{pod="{pod}"}}', "value": bits}
                                 for pod, bits in (("edge-a", 12000), ("edge-b", 2000))]},
                {"expr": f"count({rule['seriesQuery']})", "eval_time": "4m",
                 "exp_samples": [{"labels": "{}", "value": 3}]}]}]}))
    run("promtool", "test", "rules", tmp_path / "test.yml")


def test_every_dashboard_is_there(monitoring) -> None:
    """Each once, under a label by which Grafana's sidecar finds it, and small enough to be applied."""
    maps = [each for each in monitoring if each["kind"] == "ConfigMap"]
    assert all(each["metadata"]["labels"]["grafana_dashboard"] == "1" for each in maps)
    assert {name: json.loads(text) for each in maps for name, text in each["data"].items()} == {
        path.name: json.loads(path.read_text()) for path in (INFRA / "grafana/dashboards").glob("*.json")}
    # kubectl apply writes the whole resource into an annotation, of which there may be 256 KiB.
    assert all(len(json.dumps(each)) < 200 * 1024 for each in maps)


def environment(resources: list[dict], workload: dict, zone: str = "") -> dict[str, str]:
    """What a pod's container starts with, but for secrets: a name in $() is of a variable that stands before it."""
    maps = {each["metadata"]["name"]: each["data"] for each in resources if each["kind"] == "ConfigMap"}
    fields = {"metadata.name": f"{workload['metadata']['name']}-0",
              "status.podIP": "10.64.0.9", "status.hostIP": "192.0.2.9",
              "metadata.labels['topology.kubernetes.io/zone']": zone}
    container, = workload["spec"]["template"]["spec"]["containers"]
    own: dict[str, str] = {}
    for each in container["env"]:
        source = each.get("valueFrom", {})
        if "fieldRef" in source:
            own[each["name"]] = fields[source["fieldRef"]["fieldPath"]]
        elif "configMapKeyRef" in source:
            own[each["name"]] = maps[source["configMapKeyRef"]["name"]][source["configMapKeyRef"]["key"]]
        else:
            own[each["name"]] = re.sub(r"\$\((\w+)\)", lambda found: own[found[1]], each["value"])
    return maps["millrace"] | own


def adapter() -> dict:
    """The one rule of the autoscaler's adapter."""
    rule, = yaml.safe_load((INFRA / "prometheus/adapter.yml").read_text())["rules"]["custom"]
    return rule


def mebibytes(text: str) -> int:
    assert text.endswith("Gi"), text
    return int(text.removesuffix("Gi")) * 1024


def workloads(resources: list[dict]) -> list[dict]:
    return [each for each in resources if "template" in each.get("spec", {})]


def found(resources: list[dict], kind: str, name: str) -> dict:
    return next(each for each in resources if kustomize.identity(each) == (kind, name))


def selected(pods: dict[str, dict], labels: dict[str, str]) -> list[str]:
    return [name for name, pod in pods.items() if labels.items() <= pod["metadata"]["labels"].items()]
