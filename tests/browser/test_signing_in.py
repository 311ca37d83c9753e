"""Pages of a coordinator that has a key."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import expect

from tests.browser.conftest import Open
from tests.integration.hot.coordinator_process import KEY, CoordinatorProcess

pytestmark = pytest.mark.browser


@pytest.fixture(scope="module")
def locked(
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[CoordinatorProcess]:
    folder: Path = tmp_path_factory.mktemp("locked")
    running = CoordinatorProcess(folder)
    yield running
    running.stop()


def test_a_stranger_is_asked_for_the_key_and_then_led_on(
    open_page: Open, locked: CoordinatorProcess
) -> None:
    watched = open_page(f"{locked.url}/topology/")
    page = watched.page
    page.get_by_label("API key").fill(KEY)
    page.get_by_role("button", name="Sign in").click()
    expect(page).to_have_url(f"{locked.url}/topology/")
    expect(page.locator("[data-live]")).to_have_attribute("data-live", "on")
    page.get_by_role("button", name="Sign out").click()
    expect(page).to_have_url(f"{locked.url}/login/")
    assert watched.complaints == []


def test_a_wrong_key_says_so(open_page: Open, locked: CoordinatorProcess) -> None:
    page = open_page(f"{locked.url}/login/").page
    page.get_by_label("API key").fill("wrong")
    page.get_by_role("button", name="Sign in").click()
    expect(page.get_by_role("alert")).to_contain_text("known here")


def test_nobody_is_led_to_another_site(
    open_page: Open, locked: CoordinatorProcess
) -> None:
    page = open_page(f"{locked.url}/login/?next=//evil.example/").page
    page.get_by_label("API key").fill(KEY)
    page.get_by_role("button", name="Sign in").click()
    expect(page).to_have_url(f"{locked.url}/topology/")


@pytest.mark.parametrize("path", ["/api/docs/", "/api/v1/cluster", "/admin/", "/none"])
def test_no_page_breaks_its_own_policy(
    open_page: Open, locked: CoordinatorProcess, path: str
) -> None:
    watched = open_page(f"{locked.url}/login/")
    page = watched.page
    page.get_by_label("API key").fill(KEY)
    page.get_by_role("button", name="Sign in").click()
    expect(page).to_have_url(f"{locked.url}/topology/")
    page.goto(f"{locked.url}{path}", wait_until="networkidle")
    assert [text for text in watched.complaints if "Policy" in text] == []
