"""A real browser before a real coordinator.

Debian's Chromium is used, because that is what `make test` installs; without it these
tests fail rather than being passed over.
"""

import os
import shutil
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, Page, sync_playwright

from tests.fake_worker import FakeWorker
from tests.integration.hot.coordinator_process import CoordinatorProcess

WIDE = {"width": 1280, "height": 800}


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """Run a browser for one module: its event loop must be gone before the next one.

    Tests of other rooms run loops of their own in this process.
    """
    found = shutil.which("chromium") or shutil.which("chromium-browser")
    assert found, "no Chromium: apt-get install chromium"
    options = ["--no-sandbox"] if os.geteuid() == 0 else []
    with sync_playwright() as playwright:
        running = playwright.chromium.launch(executable_path=found, args=options)
        yield running
        running.close()


@dataclass
class Watched:
    """A page, and everything its console had to say against it."""

    page: Page
    complaints: list[str] = field(default_factory=list)


Open = Callable[..., Watched]


@pytest.fixture
def open_page(browser: Browser) -> Iterator[Open]:
    """Open a page in a fresh profile; broken policies and scripts are collected."""
    contexts: list[Any] = []

    def start(url: str, *, scripts: bool = True, **options: Any) -> Watched:
        context = browser.new_context(
            **{"viewport": WIDE, "java_script_enabled": scripts} | options
        )
        contexts.append(context)
        page = context.new_page()
        watched = Watched(page)
        page.on(
            "console",
            lambda message: (
                watched.complaints.append(message.text)
                if message.type in {"error", "warning"}
                else None
            ),
        )
        page.on("pageerror", lambda error: watched.complaints.append(str(error)))
        page.goto(url)
        return watched

    yield start
    for context in contexts:
        context.close()


@pytest.fixture
def cluster(tmp_path: Path) -> Iterator[CoordinatorProcess]:
    """A coordinator without a key, as somebody tries it for the first time."""
    running = CoordinatorProcess(tmp_path, key="")
    yield running
    running.stop()


@pytest.fixture
def add_worker(cluster: CoordinatorProcess) -> Iterator[Callable[[str], FakeWorker]]:
    running: list[FakeWorker] = []

    def start(worker_id: str) -> FakeWorker:
        worker = FakeWorker(f"k-{worker_id}")
        running.append(worker)
        assert cluster.register(worker_id, worker.address, worker.key).status == 201
        return worker

    yield start
    for worker in running:
        worker.stop()
