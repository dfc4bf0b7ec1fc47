# SPDX-License-Identifier: Apache-2.0
"""What `kubectl kustomize` makes of our folders, as far as they use it; a word that it does not know is a failure."""

from __future__ import annotations

import copy
import pathlib

import yaml

KNOWN = {"apiVersion", "kind", "namespace", "resources", "patches", "labels", "images", "configMapGenerator",
         "generatorOptions"}


def rendered(folder: pathlib.Path) -> list[dict]:
    """The resources of a folder's kustomization.yaml, in order."""
    described = yaml.safe_load((folder / "kustomization.yaml").read_text())
    assert set(described) <= KNOWN, f"{folder}: {set(described) - KNOWN}"
    resources: list[dict] = []
    for name in described.get("resources", []):
        place = folder / name
        resources += rendered(place) if place.is_dir() else documents(place)
    for one in described.get("configMapGenerator", []):
        resources.append(generated(folder, one, described["generatorOptions"]))
    for patch in described.get("patches", []):
        assert set(patch) == {"path"}
        changes = documents(folder / patch["path"])
        assert len(changes) == 1, f"{patch['path']}: one patch a file"
        target, = [each for each in resources if identity(each) == identity(changes[0])]
        merge(target, changes[0])
    for labels in described.get("labels", []):
        assert not labels["includeSelectors"]
        for each in resources:
            label(each, labels["pairs"], labels.get("includeTemplates", False))
    for image in described.get("images", []):
        for container in containers(resources):
            if container["image"] == image["name"]:
                container["image"] = f"{image['newName']}:{image['newTag']}"
    if namespace := described.get("namespace"):
        for each in resources:
            if each["kind"] != "Namespace":
                each["metadata"]["namespace"] = namespace
    names = [identity(each) for each in resources]
    assert len(set(names)) == len(names), f"twice: {names}"
    return resources


def generated(folder: pathlib.Path, one: dict, options: dict) -> dict:
    """A ConfigMap of files, under its own name."""
    assert set(one) == {"name", "files"} and set(options) == {"disableNameSuffixHash", "labels"}
    assert options["disableNameSuffixHash"]
    files = [folder / name for name in one["files"]]
    return {"apiVersion": "v1", "kind": "ConfigMap",
            "metadata": {"name": one["name"], "labels": dict(options["labels"])},
            "data": {file.name: file.read_text() for file in files}}


def documents(path: pathlib.Path) -> list[dict]:
    return [each for each in yaml.safe_load_all(path.read_text()) if each]


def identity(resource: dict) -> tuple[str, str]:
    return resource["kind"], resource["metadata"]["name"]


def merge(target: dict, changes: dict) -> None:
    """Mappings are merged, all else is put in place: enough while no patch is of a list that has a merge key."""
    for key, value in changes.items():
        assert key not in ("containers", "env", "ports", "volumes") or key == "ports", f"{key} has a merge key"
        if isinstance(value, dict) and isinstance(target.get(key), dict):
            merge(target[key], value)
        else:
            target[key] = copy.deepcopy(value)


def label(resource: dict, pairs: dict[str, str], templates: bool) -> None:
    resource["metadata"].setdefault("labels", {}).update(pairs)
    if templates and "template" in resource.get("spec", {}):
        resource["spec"]["template"]["metadata"].setdefault("labels", {}).update(pairs)


def containers(resources: list[dict]) -> list[dict]:
    return [container for each in resources if "template" in each.get("spec", {})
            for container in each["spec"]["template"]["spec"]["containers"]]
