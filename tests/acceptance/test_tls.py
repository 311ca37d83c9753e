"""Coordinator, workers and commands that speak TLS and believe a private CA."""

import subprocess
from contextlib import ExitStack, contextmanager

import pytest
import requests

from tests.acceptance.private_ca import PrivateCa
from tests.acceptance.real_commands import (
    VARPULIS,
    finished,
    ports_in_a_row,
    running,
    until,
)

pytestmark = pytest.mark.process

GROUP = {
    "name": "sealed",
    "pipelines": [{"name": "a", "source": "stream S = A .emit(n: n)"}],
    "routes": [
        {"from_pipeline": "_external", "to_pipeline": "a", "event_types": ["A"]}
    ],
}


@pytest.fixture
def ca(tmp_path):
    return PrivateCa(tmp_path)


class Cluster:
    """A coordinator with a certificate, on a free port."""

    def __init__(self, state, ca, trusted, stack):
        self.port = ports_in_a_row(2)
        self.url = f"https://127.0.0.1:{self.port}"
        self._ca = ca
        self._stack = stack
        self.coordinator = stack.enter_context(
            running([
                VARPULIS,
                "coordinator",
                "--port",
                str(self.port),
                "--api-key",
                "admin",
                "--state-dir",
                state,
                "--tls-ca-cert",
                trusted,
                *ca.sign("coordinator"),
            ])
        )
        self.coordinator.wait_for("UI:")

    def worker(self, ca, trusted):
        return self._stack.enter_context(
            running([
                VARPULIS,
                "server",
                "--port",
                str(self.port + 1),
                "--api-key",
                "test",
                "--coordinator",
                self.url,
                "--worker-id",
                "sealed-0",
                "--tls-ca-cert",
                trusted,
                *ca.sign("worker"),
            ])
        )

    def call(self, method, path, body=None):
        return requests.request(
            method,
            f"{self.url}/api/v1/cluster/{path}",
            json=body,
            headers={"X-API-Key": "admin"},
            verify=str(self._ca.file),
            timeout=30,
        )

    def is_ready(self):
        listed = self.call("GET", "workers").json()["workers"]
        return [worker["status"] for worker in listed] == ["ready"]


@pytest.fixture
def cluster(tmp_path):
    @contextmanager
    def made(ca, trusted):
        with ExitStack() as stack:
            yield Cluster(tmp_path / "state", ca, trusted, stack)

    return made


def test_a_cluster_works_over_tls(ca, cluster):
    with cluster(ca, ca.file) as sealed:
        assert f"API:       {sealed.url}/" in sealed.coordinator.text
        sealed.worker(ca, ca.file)
        until(sealed.is_ready, "a worker over TLS")
        deployed = sealed.call("POST", "pipeline-groups", GROUP)
        assert deployed.status_code == 201, deployed.text
        event = {"event_type": "A", "fields": {"n": 7}}
        group_id = deployed.json()["id"]
        for _ in range(3):
            answer = sealed.call("POST", f"pipeline-groups/{group_id}/inject", event)
            outputs = answer.json()["worker_response"]["output_events"]
            assert outputs == [{"event_type": "S", "n": 7}]
        told = finished([
            VARPULIS, "workers", "list", "--url", sealed.url, "--key", "admin",
            "--tls-ca-cert", ca.file,
        ])  # fmt: skip
        assert f"https://127.0.0.1:{sealed.port + 1}" in told.stdout, told.stderr


def test_a_command_without_the_ca_says_which_option_to_give(ca, cluster):
    with cluster(ca, ca.file) as sealed:
        told = subprocess.run(
            [VARPULIS, "groups", "list", "--url", sealed.url, "--key", "admin"],
            capture_output=True,
            text=True,
            check=False,
            timeout=60,
        )
        assert told.returncode == 3
        assert f"the certificate of {sealed.url} is not trusted" in told.stderr
        assert "unable to get local issuer certificate" in told.stderr
        assert "--tls-ca-cert" in told.stderr


def test_a_browser_gets_cookies_for_tls_only(ca, cluster):
    with cluster(ca, ca.file) as sealed:
        page = requests.get(f"{sealed.url}/login/", verify=str(ca.file), timeout=30)
        assert page.status_code == 200
        assert "Secure" in page.headers["Set-Cookie"]


def test_a_worker_whose_certificate_is_not_believed_gets_no_work(ca, cluster, tmp_path):
    other = PrivateCa(tmp_path, "other-ca")
    with cluster(ca, ca.file) as sealed:
        sealed.worker(other, ca.file)
        until(sealed.is_ready, "a worker that registered")
        refused = sealed.call("POST", "pipeline-groups", GROUP)
        assert refused.status_code == 502
        assert "certificate that is not trusted" in refused.text
        assert "--tls-ca-cert" in refused.text


def test_a_worker_does_not_register_with_a_coordinator_it_cannot_believe(
    ca, cluster, tmp_path
):
    other = PrivateCa(tmp_path, "other-ca")
    with cluster(ca, ca.file) as sealed:
        worker = sealed.worker(ca, other.file)
        worker.wait_for("certificate")
        assert sealed.call("GET", "workers").json()["total"] == 0


@pytest.mark.parametrize("half", [0, 2])
def test_half_a_pair_is_refused(ca, tmp_path, half):
    options = ca.sign("half")[half : half + 2]
    for command in ("coordinator", "server"):
        told = subprocess.run(
            [VARPULIS, command, "--port", "0", "--state-dir", tmp_path / "s", *options],
            capture_output=True,
            text=True,
            check=False,
            timeout=60,
        )
        assert told.returncode == 2
        assert "must be given together" in told.stderr
