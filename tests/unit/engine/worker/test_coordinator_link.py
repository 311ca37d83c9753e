"""The link does what its state machine decides; client and sleep are the test's."""

import pytest

from engine.connectors.fake import RecordingSinks
from engine.worker.config import WorkerConfig
from engine.worker.coordinator_client import CoordinatorUnreachableError
from engine.worker.coordinator_link import CoordinatorLink, registration_headers
from engine.worker.deployment import Deployment
from engine.worker.host import PipelineHost
from engine.worker.identity import make_identity
from engine.worker.launcher import Launcher
from engine.worker.link_state import Answer

ECHO = "stream S = X .emit(v: v)"
OUT = Answer(404, {"code": "worker_deregistered", "error": "gone"})
JOINED = Answer(201, {"heartbeat_interval_seconds": 5})


class ScriptedClient:
    """Answers in order, then says `worker_deregistered`, which ends the link."""

    def __init__(self, *answers) -> None:
        self.answers = list(answers)
        self.calls = []
        self.closed = False

    async def post(self, url, body, headers):
        self.calls.append((url, body, headers))
        answer = self.answers.pop(0) if self.answers else OUT
        if isinstance(answer, Exception):
            raise answer
        return answer

    async def close(self):
        self.closed = True


@pytest.fixture
def host():
    return PipelineHost(
        Launcher(make_sink=RecordingSinks()), max_pipelines=9, queue_limit=9
    )


@pytest.fixture
def make_link(host):
    slept = []

    async def sleep(seconds):
        slept.append(seconds)

    def make(*answers):
        config = WorkerConfig(api_key="k", coordinators=("http://co:9100",))
        identity = make_identity(config, ("127.0.0.1", 9000), "depot 7")
        client = ScriptedClient(*answers)
        link = CoordinatorLink(
            config, identity, host, client=client, sleep=sleep, random=lambda: 0.5
        )
        return link, client, slept

    return make


async def deploy(host, name, group_id=None):
    hosted, _ = await host.deploy(Deployment(name=name, source=ECHO, group_id=group_id))
    return hosted.id


def names(host):
    return [hosted.name for hosted in host.all()]


async def test_it_registers_and_then_beats_at_its_interval(make_link):
    link, client, slept = make_link(JOINED, Answer(200, {"acknowledged": True}))
    await link.run()
    assert [url for url, *_ in client.calls] == [
        "http://co:9100/api/v1/cluster/workers/register",
        "http://co:9100/api/v1/cluster/workers/depot%207/heartbeat",
        "http://co:9100/api/v1/cluster/workers/depot%207/heartbeat",
    ]
    assert slept == [5, 5]
    assert client.calls[1][2] == {"x-api-key": "k"}


async def test_an_unreachable_coordinator_is_a_warning(make_link, caplog):
    link, _, slept = make_link(CoordinatorUnreachableError("connection refused"))
    await link.run()
    assert slept == [0.75]
    (record, *_) = caplog.records
    assert (record.levelname, record.name) == ("WARNING", "varpulis_cluster")
    assert "connection refused" in record.getMessage()


async def test_a_percent_sign_in_an_error_is_only_text(make_link, caplog):
    link, *_ = make_link(CoordinatorUnreachableError("100 %s wrong %d"))
    await link.run()
    assert "100 %s wrong %d" in caplog.text


async def test_status_tells_what_health_shows(make_link):
    link, *_ = make_link(JOINED)
    assert link.status() == {
        "registered": False,
        "url": "http://co:9100",
        "last_ok_seconds": None,
    }
    await link.run()
    assert link.status()["last_ok_seconds"] >= 0
    assert not link.is_registered


async def test_actions_remove_cluster_pipelines_only(make_link, host):
    ids = [await deploy(host, "theirs", "g"), await deploy(host, "own"), "never-there"]
    actions = [{"action": "remove_pipeline", "pipeline_id": i} for i in ids]
    actions.append({"action": "dance"})
    link, *_ = make_link(Answer(201, {"actions": actions}))
    await link.run()
    assert names(host) == ["own"]


async def test_a_replaced_worker_lets_go_of_the_cluster(make_link, host):
    await deploy(host, "theirs", "g")
    await deploy(host, "own")
    link, *_ = make_link(JOINED, Answer(409, {"code": "worker_replaced"}))
    await link.run()
    assert names(host) == ["own"]


async def test_deregistering_removes_what_it_names(make_link, host):
    pipeline_id = await deploy(host, "theirs", "g")
    await deploy(host, "kept", "g")
    gone = Answer(
        404,
        {
            "code": "worker_deregistered",
            "details": {"remove_pipelines": [pipeline_id]},
        },
    )
    link, *_ = make_link(JOINED, gone)
    await link.run()
    assert names(host) == ["kept"]


async def test_goodbye_is_said_by_registered_workers_only(make_link):
    link, client, _ = make_link()
    await link.say_goodbye()
    assert (client.calls, client.closed) == ([], True)


async def test_goodbye_is_a_heartbeat_that_says_stopping(make_link, monkeypatch):
    link, client, _ = make_link(JOINED)
    monkeypatch.setattr(type(link), "is_registered", True)
    await link.say_goodbye()
    _, body, headers = client.calls[0]
    assert body["stopping"] is True
    assert headers == {"x-api-key": "k"}


async def test_a_lost_goodbye_is_only_a_warning(make_link, monkeypatch, caplog):
    link, client, _ = make_link(CoordinatorUnreachableError("refused"))
    monkeypatch.setattr(type(link), "is_registered", True)
    await link.say_goodbye()
    assert "refused" in caplog.text
    assert client.closed


def test_the_workers_own_key_is_never_a_credential():
    assert registration_headers(WorkerConfig(api_key="own")) == {}
    config = WorkerConfig(api_key="own", coordinator_api_key="c", join_token="j")
    assert registration_headers(config) == {"x-api-key": "c", "x-join-token": "j"}
