"""What a person sees on /topology/."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import expect

from tests.browser.conftest import Open
from tests.fake_worker import FakeWorker
from tests.integration.hot.coordinator_process import CoordinatorProcess, route

pytestmark = pytest.mark.browser

AddWorker = Callable[[str], FakeWorker]


@pytest.fixture
def page_url(cluster: CoordinatorProcess) -> str:
    return f"{cluster.url}/topology/"


@pytest.fixture
def parcels(cluster: CoordinatorProcess, add_worker: AddWorker) -> Any:
    add_worker("worker-0")
    add_worker("worker-1")
    return cluster.deploy(
        "parcels",
        {"scan": "worker-0", "late": "worker-1"},
        routes=[route("scan", "Scan*"), route("late", "Late")],
    )


def test_an_empty_cluster_shows_what_to_do_first(
    open_page: Open, page_url: str, cluster: CoordinatorProcess
) -> None:
    watched = open_page(page_url)
    steps = watched.page.locator("[data-first-steps]")
    expect(steps).to_be_visible()
    expect(steps).to_contain_text(f"--coordinator {cluster.url}")
    expect(steps.get_by_role("button", name="Copy")).to_have_count(3)
    expect(watched.page.locator("[data-graph-panel]")).to_be_hidden()
    assert watched.complaints == []


def test_a_worker_that_registers_appears_by_itself(
    open_page: Open, page_url: str, add_worker: AddWorker
) -> None:
    page = open_page(page_url).page
    expect(page.locator("[data-live]")).to_have_attribute("data-live", "on")
    add_worker("worker-7")
    row = page.locator('[data-workers] tr[data-key="worker-7"]')
    expect(row).to_contain_text("ready")
    expect(page.locator('[data-node="w:worker-7"]')).to_be_visible()
    expect(page.locator('[data-tile="workers_ready"]')).to_have_text("1")
    expect(page.locator("[data-first-steps]")).to_be_hidden()
    expect(page.locator("[data-events]")).to_contain_text("worker.joined")


def test_the_graph_leads_from_outside_over_routes_to_pipelines_and_workers(
    open_page: Open, page_url: str, parcels: Any
) -> None:
    watched = open_page(page_url)
    columns = [
        watched.page.locator(f".card-{kind}")
        for kind in ("external", "route", "pipeline", "worker")
    ]
    for cards, count in zip(columns, (1, 2, 2, 2), strict=True):
        expect(cards).to_have_count(count)
    lefts = [cards.first.bounding_box() for cards in columns]
    places = [box["x"] for box in lefts if box]
    assert places == sorted(places)
    assert watched.complaints == []


def test_a_group_that_is_torn_down_leaves_the_page(
    open_page: Open, page_url: str, parcels: Any, cluster: CoordinatorProcess
) -> None:
    page = open_page(page_url).page
    expect(page.locator("[data-groups]")).to_contain_text("parcels")
    cluster.call("DELETE", f"pipeline-groups/{parcels['id']}")
    expect(page.locator("[data-groups]")).not_to_contain_text("parcels")
    expect(page.locator(".card-pipeline")).to_have_count(0)
    expect(page.locator('[data-none="groups"]')).to_be_visible()


def test_a_worker_that_stops_is_told_by_word_and_shape_and_as_a_problem(
    open_page: Open, page_url: str, parcels: Any, cluster: CoordinatorProcess
) -> None:
    page = open_page(page_url).page
    row = page.locator('[data-workers] tr[data-key="worker-1"]')
    expect(row).to_contain_text("ready")
    beat = {"stopping": True}
    cluster.call("POST", "workers/worker-1/heartbeat", beat, key="k-worker-1")
    status = row.locator("[data-status-field]")
    expect(status).to_have_text("unhealthy")
    expect(status).to_have_attribute("data-status", "unhealthy")
    clip = status.locator(".shape").evaluate("e => getComputedStyle(e).clipPath")
    assert "polygon" in clip
    expect(page.locator("[data-problems]")).to_contain_text("worker-1 at http://")


def test_everything_is_there_without_scripts(
    open_page: Open, page_url: str, parcels: Any
) -> None:
    page = open_page(page_url, scripts=False).page
    expect(page.locator("[data-workers] tbody tr")).to_have_count(2)
    expect(page.locator("[data-workers]")).to_contain_text("worker-0")
    groups = page.locator("[data-groups]")
    for text in ("parcels", "running", "scan", "worker-0", "Scan*", "late", "Late"):
        expect(groups).to_contain_text(text)
    expect(page.locator("[data-live]")).to_contain_text("as of")


def test_the_server_and_the_script_write_the_same_tables(
    open_page: Open, page_url: str, parcels: Any
) -> None:
    places = "[data-groups] tbody tr > *:nth-child(-n+4)"
    plain = open_page(page_url, scripts=False).page
    live = open_page(page_url).page
    expect(live.locator("[data-live]")).to_have_attribute("data-live", "on")
    expect(live.locator(".card-worker")).to_have_count(2)
    assert live.locator(places).all_text_contents() == (
        plain.locator(places).all_text_contents()
    )


def test_it_reconnects_when_the_coordinator_comes_back(
    open_page: Open, page_url: str, cluster: CoordinatorProcess, tmp_path: Path
) -> None:
    page = open_page(page_url).page
    live = page.locator("[data-live]")
    expect(live).to_have_attribute("data-live", "on")
    cluster.stop()
    expect(live).to_have_attribute("data-live", "late")
    again = CoordinatorProcess(tmp_path, key="", port=cluster.port)
    expect(live).to_have_attribute("data-live", "on", timeout=20_000)
    again.stop()


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [1280, 390])
def test_nothing_sticks_out_in_any_theme_and_width(
    open_page: Open, page_url: str, parcels: Any, scheme: Any, width: int
) -> None:
    viewport = {"width": width, "height": 800}
    watched = open_page(page_url, viewport=viewport, color_scheme=scheme)
    page = watched.page
    expect(page.locator(".card-worker")).to_have_count(2)
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    dark = page.evaluate(
        "getComputedStyle(document.body).backgroundColor.match(/\\d+/g)[0] < 128"
    )
    assert dark is (scheme == "dark")
    assert watched.complaints == []


def test_the_theme_can_be_chosen_and_is_remembered(
    open_page: Open, page_url: str
) -> None:
    page = open_page(page_url, color_scheme="light").page
    page.get_by_role("button", name="Change between light and dark").click()
    page.reload()
    expect(page.locator("html")).to_have_attribute("data-theme", "dark")


def test_names_are_shown_as_text_whatever_they_hold(
    open_page: Open, page_url: str, cluster: CoordinatorProcess, add_worker: AddWorker
) -> None:
    add_worker("w")
    name = '<img src=x onerror="alert(1)">'
    cluster.deploy(name, {"p": "w"})
    watched = open_page(page_url)
    expect(watched.page.locator("[data-groups] h3")).to_have_text(name)
    expect(watched.page.locator(".card-worker")).to_have_count(1)
    assert watched.complaints == []
