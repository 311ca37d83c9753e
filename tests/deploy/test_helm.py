"""The Helm chart: it renders to valid manifests that start what our commands take."""

import base64
from itertools import chain
from pathlib import Path

import helm_python as helm
import kubernetes_validate
import pytest
import yaml

from cluster.management.coordinator_options import OPTIONS as COORDINATOR_OPTIONS
from engine.worker.options import OPTIONS as WORKER_OPTIONS

CHART = Path(__file__).parents[2] / "deploy" / "helm" / "varpulis-cluster"
KUBERNETES = ("1.27", "1.31", "1.34")
TUTORIAL = {
    "coordinator": {"apiKey": "my-secret"},
    "workers": {"replicas": 4, "apiKey": "worker-secret"},
}
BUNDLED = {
    "coordinator": {"replicas": 2},
    "postgresql": {"enabled": True},
    "redis": {"enabled": True},
}
VALUES = {
    "defaults": {},
    "tutorial": TUTORIAL,
    "mqtt": {"mqtt": {"enabled": True}},
    "bundled": BUNDLED,
    "external": {
        "coordinator": {"replicas": 3},
        "externalDatabase": {"url": "postgresql://u:p@db/varpulis"},
        "externalRedis": {"url": "redis://cache:6379/0"},
    },
    "tls": {
        "tls": {"secretName": "certificates"},
        "serviceMonitor": {"enabled": True, "labels": {"release": "prometheus"}},
        "externalDatabase": {"existingSecret": "database"},
    },
    "small": {
        "coordinator": {"persistence": {"enabled": False}},
        "workers": {
            "replicas": 0,
            "persistence": {"enabled": False},
            "podDisruptionBudget": {"enabled": False},
            "env": {"VARPULIS_CONNECTOR_NETWORKS": "10.0.0.0/8"},
        },
        "networkPolicy": {"enabled": False},
    },
    "tuned": {
        "image": {"repository": "registry.example/varpulis", "tag": "2.0"},
        "imagePullSecrets": [{"name": "pull"}],
        "nodeSelector": {"pool": "streams"},
        "tolerations": [{"key": "streams", "operator": "Exists"}],
        "podAnnotations": {"team": "data"},
        "networkPolicy": {"coordinatorFrom": [{"namespaceSelector": {}}]},
        "workers": {"persistence": {"storageClass": "fast"}},
    },
}


def rendered(values):
    """Return the manifests by kind and name."""
    with helm.Chart.load(str(CHART)) as chart:
        files = chart.render(values, name="my-cluster", namespace="prod")
    texts = (text for path, text in files.items() if path.endswith(".yaml"))
    found = chain.from_iterable(yaml.safe_load_all(text) for text in texts)
    return {(item["kind"], item["metadata"]["name"]): item for item in found if item}


@pytest.fixture(params=VALUES, scope="module")
def manifests(request):
    return rendered(VALUES[request.param])


def pods(manifests):
    return {
        name: item["spec"]["template"]["spec"]
        for (kind, name), item in manifests.items()
        if kind in {"Deployment", "StatefulSet"}
    }


def test_the_chart_is_without_faults():
    assert helm.lint(str(CHART))["errors"] == []


@pytest.mark.parametrize("version", KUBERNETES)
def test_kubernetes_takes_every_manifest(manifests, version):
    for (kind, _), item in manifests.items():
        if kind != "ServiceMonitor":  # of the Prometheus operator, not of Kubernetes
            kubernetes_validate.validate(item, version, strict=True)


def test_pods_have_no_rights_they_do_not_need(manifests):
    for name, pod in pods(manifests).items():
        assert pod["automountServiceAccountToken"] is False, name
        assert pod["securityContext"]["runAsNonRoot"] is True
        for container in pod["containers"]:
            security = container["securityContext"]
            assert security["readOnlyRootFilesystem"] is True
            assert security["allowPrivilegeEscalation"] is False
            assert security["capabilities"] == {"drop": ["ALL"]}
            assert "memory" in container["resources"]["requests"]


@pytest.mark.parametrize(
    ("name", "options"),
    [
        ("my-cluster-coordinator", {f for o in COORDINATOR_OPTIONS for f in o.flags}),
        ("my-cluster-worker", {f"--{option.name}" for option in WORKER_OPTIONS}),
    ],
)
def test_our_commands_take_every_option(manifests, name, options):
    [container] = pods(manifests)[name]["containers"]
    given = {word for word in container["args"] if word.startswith("--")}
    assert given <= options | {"--log-level", "--log-format"}


def test_every_variable_is_read(manifests):
    settings = (CHART.parents[2] / "varpulis_site" / "settings.py").read_text("utf-8")
    known = {option.variable for option in COORDINATOR_OPTIONS}
    known |= {variable for option in WORKER_OPTIONS for variable in option.variables}
    for name in ("my-cluster-coordinator", "my-cluster-worker"):
        [container] = pods(manifests)[name]["containers"]
        for variable in (item["name"] for item in container["env"]):
            if variable.startswith("VARPULIS_"):
                assert variable in known or f'"{variable}"' in settings, variable


def test_probes_ask_paths_that_answer(manifests):
    for name in ("my-cluster-coordinator", "my-cluster-worker"):
        [container] = pods(manifests)[name]["containers"]
        assert container["livenessProbe"]["httpGet"]["path"] == "/health"
        assert container["readinessProbe"]["httpGet"]["path"] == "/ready"


def test_keys_stand_in_the_secret_only(manifests):
    for pod in pods(manifests).values():
        for container in pod["containers"]:
            for item in container.get("env", ()):
                if "KEY" in item["name"] or "TOKEN" in item["name"]:
                    is_path = item.get("value", "").startswith("/etc/varpulis/tls/")
                    assert is_path or "secretKeyRef" in item["valueFrom"], item


def test_the_values_of_the_tutorial_do_what_it_says():
    manifests = rendered(TUTORIAL)
    workers = manifests["StatefulSet", "my-cluster-worker"]["spec"]
    assert workers["replicas"] == 4
    assert manifests["Service", workers["serviceName"]]["spec"]["clusterIP"] == "None"
    [container] = workers["template"]["spec"]["containers"]
    words = container["args"]
    assert words[words.index("--worker-id") + 1] == "$(POD_NAME)"
    advertised = words[words.index("--advertise-address") + 1]
    assert (
        advertised == "http://$(POD_NAME).my-cluster-worker.$(POD_NAMESPACE).svc:9000"
    )
    kept = manifests["Secret", "my-cluster-keys"]["data"]
    shown = {name: base64.b64decode(value).decode() for name, value in kept.items()}
    assert shown["coordinator-api-key"] == "my-secret"
    assert shown["worker-api-key"] == "worker-secret"
    assert len(shown["join-token"]) == len(shown["secret-key"]) == 40


def test_keys_that_are_not_given_are_random():
    kept = [rendered({})["Secret", "my-cluster-keys"]["data"] for _ in range(2)]
    assert kept[0].keys() == kept[1].keys()
    assert not set(kept[0].values()) & set(kept[1].values())


def test_several_coordinators_need_a_database_and_redis():
    for missing in ("postgresql", "redis"):
        values = {**BUNDLED, missing: {"enabled": False}}
        with pytest.raises(helm.HelmError, match="needs a database"):
            rendered(values)
    deployment = rendered(BUNDLED)["Deployment", "my-cluster-coordinator"]["spec"]
    assert deployment["strategy"]["type"] == "RollingUpdate"


def test_a_database_of_its_own_is_one_file_of_one_coordinator():
    manifests = rendered({})
    deployment = manifests["Deployment", "my-cluster-coordinator"]["spec"]
    assert (deployment["replicas"], deployment["strategy"]) == (1, {"type": "Recreate"})
    assert ("PersistentVolumeClaim", "my-cluster-coordinator") in manifests


def test_more_workers_do_not_restart_the_others():
    few, many = (
        rendered({"workers": {"replicas": count}})["StatefulSet", "my-cluster-worker"]
        for count in (2, 8)
    )
    assert few["spec"]["template"] == many["spec"]["template"]


@pytest.mark.parametrize(
    "values",
    [
        {"workers": {"replicas": -1}},
        {"workers": {"replicas": "four"}},
        {"coordinator": {"replicas": 0}},
        {"mqtt": {"enabled": "yes"}},
        {"coordinator": {"logLevel": "loud"}},
    ],
)
def test_values_that_cannot_be_meant_are_refused(values):
    with pytest.raises(helm.HelmError):
        rendered(values)
