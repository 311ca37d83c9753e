"""Alerts and dashboards: they are valid, tested, and name only what is exported."""

import importlib.util
import json
import re
import subprocess
import sys
from pathlib import Path

import pytest
import requests
import yaml
from prometheus_client.parser import text_string_to_metric_families

from cluster.demo.local_cluster import ThrowawayCluster
from tests.acceptance.real_commands import until

ROOT = Path(__file__).resolve().parents[2]
PROMETHEUS = ROOT / "deploy" / "prometheus"
GRAFANA = ROOT / "deploy" / "grafana"
PROMTOOL = Path(sys.prefix) / "share" / "prometheus" / "promtool"
NAME = re.compile(r"\b(?:varpulis|process)_[a-z_]+\b")
SUFFIX = re.compile(r"_(bucket|sum|count)$")
PROGRAM = """connector C = mqtt (url: "mqtt://127.0.0.1:1")
stream S = E .emit(n: n)
stream T = E .where(n > 100) .emit(n: n).to(C, topic: "t")"""


def promtool(*words):
    return subprocess.run(
        [str(PROMTOOL), *words],
        capture_output=True,
        text=True,
        check=False,
        cwd=PROMETHEUS,
        timeout=60,
    )


@pytest.mark.parametrize(
    "words",
    [
        ("check", "config", "prometheus.yml"),
        ("check", "rules", "alerts.yml"),
        ("test", "rules", "alerts_test.yml"),
    ],
    ids=" ".join,
)
def test_promtool_is_content(words):
    told = promtool(*words)
    assert told.returncode == 0, told.stdout + told.stderr


def rules():
    groups = yaml.safe_load((PROMETHEUS / "alerts.yml").read_text("utf-8"))["groups"]
    return [rule for group in groups for rule in group["rules"]]


def test_every_alert_says_what_to_do_and_is_tested():
    tested = (PROMETHEUS / "alerts_test.yml").read_text("utf-8")
    for rule in rules():
        assert set(rule["annotations"]) == {"summary", "action"}
        assert f"alertname: {rule['alert']}\n        exp_alerts:\n" in tested


@pytest.fixture(scope="module")
def dashboards():
    path = GRAFANA / "make_dashboards.py"
    spec = importlib.util.spec_from_file_location("make_dashboards", path)
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    yield module
    del sys.modules[spec.name]


@pytest.mark.parametrize("name", ["cluster", "pipelines"])
def test_dashboards_are_what_their_script_writes(dashboards, name):
    path = GRAFANA / "dashboards" / f"{name}.json"
    assert path.read_text("utf-8") == dashboards.dashboard(name)


def test_the_provisioned_source_is_the_one_dashboards_ask(dashboards):
    path = GRAFANA / "provisioning" / "datasources" / "prometheus.yml"
    [source] = yaml.safe_load(path.read_text("utf-8"))["datasources"]
    assert source["uid"] == dashboards.SOURCE["uid"]


def asked():
    """Return every metric that an alert or a dashboard names."""
    texts = [rule["expr"] for rule in rules()]
    for path in (GRAFANA / "dashboards").glob("*.json"):
        for panel in json.loads(path.read_text("utf-8"))["panels"]:
            texts += [target["expr"] for target in panel["targets"]]
    return {SUFFIX.sub("", name) for text in texts for name in NAME.findall(text)}


def exported(url, key):
    answer = requests.get(f"{url}/metrics", headers={"X-API-Key": key}, timeout=10)
    families = text_string_to_metric_families(answer.text)
    return {
        name
        for family in families
        for name in (family.name, f"{family.name}_total")
        if family.type == "counter" or name == family.name
    }


@pytest.mark.process
def test_every_metric_they_name_is_exported():
    with ThrowawayCluster(1) as running:
        layout = running.layout
        client = running.client()
        client.deploy({
            "name": "watched",
            "pipelines": [{"name": "p", "source": PROGRAM}],
            "routes": [],
        })
        known = set()

        def all_there():
            known.update(exported(layout.url, layout.api_key))
            for port in layout.worker_ports:
                url = f"http://127.0.0.1:{port}"
                known.update(exported(url, layout.worker_key))
            return asked() <= known

        try:
            until(all_there, "all of them")
        except AssertionError:
            pytest.fail(f"not exported: {sorted(asked() - known)}")
        finally:
            client.close()
