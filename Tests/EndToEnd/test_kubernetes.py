# SPDX-License-Identifier: Apache-2.0
"""The manifests of Kubernetes, held by its schemas and by the settings that pods would start with."""

from __future__ import annotations

import re

import kubernetes_validate
import pytest
import yaml

import kustomize
from shipped import DEPLOYMENTS, INFRA, complaints

REGIONS = [DEPLOYMENTS / "kubernetes/overlays" / name for name in ("east", "west")]


@pytest.fixture(scope="module", params=REGIONS, ids=lambda folder: folder.name)
def resources(request) -> list[dict]:
    return kustomize.rendered(request.param)


def test_the_schemas_of_kubernetes_hold(resources) -> None:
    for resource in resources:
        kubernetes_validate.validate(resource, desired_version=kubernetes_validate.latest_version(), strict=True)


def test_pods_would_start(resources, binary) -> None:
    places = found(resources, "ConfigMap", "millrace-places")["data"]
    shared = found(resources, "ConfigMap", "millrace")["data"]
    secret = {"MILLRACE_CLUSTER_KEY": "0" * 64, "MILLRACE_ACCESS_SECRET": "x" * 32, "MILLRACE_STORAGE_ACCOUNT": "one",
              "MILLRACE_STORAGE_SECRET": "two"}
    fields = {"metadata.name": "origin-0", "status.podIP": "10.64.0.9", "status.hostIP": "192.0.2.9"}
    roles = set()
    for workload in workloads(resources):
        container, = workload["spec"]["template"]["spec"]["containers"]
        sources = [set(each) for each in container["envFrom"]]
        assert sources == [{"configMapRef"}, {"secretRef"}]
        assert not workload["spec"]["template"]["spec"]["enableServiceLinks"]
        environment = shared | secret
        for each in container["env"]:
            source = each.get("valueFrom", {})
            environment[each["name"]] = (
                each["value"] if "value" in each else fields[source["fieldRef"]["fieldPath"]] if "fieldRef" in source
                else places[source["configMapKeyRef"]["key"]])
        assert not (said := complaints(environment)), f"{workload['metadata']['name']}: {said}"
        roles.add(environment["MILLRACE_ROLES"])
    assert roles == {"origin", "edge", "router"}


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
        deadline = int(found(resources, "ConfigMap", "millrace")["data"]["DRAIN_DEADLINE"])
        assert pod["spec"]["terminationGracePeriodSeconds"] >= deadline + 10 + 5, "killed before it has drained"
        safe = container["securityContext"]
        assert safe["readOnlyRootFilesystem"] and not safe["allowPrivilegeEscalation"] and safe["capabilities"]["drop"] == ["ALL"]
        assert "requests" in container["resources"] and "memory" in container["resources"]["limits"]
        assert all(mount["name"] in {volume["name"] for volume in pod["spec"]["volumes"]}
                   for mount in container["volumeMounts"])


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
                assert all(port["targetPort"] in listening[name] for name in chosen), (resource["metadata"]["name"], port)
        if kind == "PodDisruptionBudget":
            assert len(selected(pods, spec["selector"]["matchLabels"])) == 1
        if kind == "HorizontalPodAutoscaler":
            assert spec["scaleTargetRef"]["name"] in pods and spec["minReplicas"] <= spec["maxReplicas"]
            metric, = [each["pods"]["metric"]["name"] for each in spec["metrics"] if each["type"] == "Pods"]
            adapter = yaml.safe_load((INFRA / "prometheus/adapter.yml").read_text())
            rule, = adapter["rules"]["custom"]
            assert rule["name"]["as"] == metric
            recorded = (INFRA / "prometheus/rules/recording.yml").read_text()
            assert f"record: {rule['seriesQuery'].split('{')[0]}\n" in recorded
        if kind == "NetworkPolicy":
            for rule in spec.get("ingress", []):
                for port in rule["ports"]:
                    assert any((port["port"], port["protocol"]) in each.values() for each in listening.values()), port
    assert found(resources, "Service", found(resources, "StatefulSet", "origin")["spec"]["serviceName"])
    shared = found(resources, "ConfigMap", "millrace")["data"]
    assert found(resources, "Service", shared["MILLRACE_CLUSTER_SEEDS"])["spec"]["publishNotReadyAddresses"]


def test_the_monitor_finds_nodes() -> None:
    service, monitor = kustomize.rendered(DEPLOYMENTS / "kubernetes/monitoring")
    assert monitor["spec"]["selector"]["matchLabels"].items() <= service["metadata"]["labels"].items()
    endpoint, = monitor["spec"]["endpoints"]
    assert endpoint["port"] in {port["name"] for port in service["spec"]["ports"]} and endpoint["path"] == "/metrics"
    pods = {each["metadata"]["name"]: each["spec"]["template"] for each in workloads(kustomize.rendered(REGIONS[0]))}
    assert len(selected(pods, service["spec"]["selector"])) == 3
    label = endpoint["relabelings"][-1]["sourceLabels"][0].removeprefix("__meta_kubernetes_pod_label_")
    assert label in {re.sub(r"[./-]", "_", name) for pod in pods.values() for name in pod["metadata"]["labels"]}
    kubernetes_validate.validate(service, desired_version=kubernetes_validate.latest_version(), strict=True)


def workloads(resources: list[dict]) -> list[dict]:
    return [each for each in resources if "template" in each.get("spec", {})]


def found(resources: list[dict], kind: str, name: str) -> dict:
    return next(each for each in resources if kustomize.identity(each) == (kind, name))


def selected(pods: dict[str, dict], labels: dict[str, str]) -> list[str]:
    return [name for name, pod in pods.items() if labels.items() <= pod["metadata"]["labels"].items()]
