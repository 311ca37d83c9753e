"""Combinations of settings that would only seem to work."""

from pathlib import Path
from typing import Any

import pytest
from django.core import checks


def ids() -> list[str | None]:
    return [message.id for message in checks.run_checks(tags=["varpulis"])]


def test_one_process_needs_nothing(settings: Any) -> None:
    settings.BROKER_URL = ""
    settings.VARPULIS = settings.VARPULIS | {"BROKER": False}
    assert ids() == []


def test_a_broker_beside_the_in_memory_layer_is_refused(
    settings: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings.BROKER_URL = "redis://h"
    settings.VARPULIS = settings.VARPULIS | {"BROKER": True}
    monkeypatch.setenv("VARPULIS_SECRET_KEY", "s" * 50)
    assert ids() == ["varpulis.E001"]


def test_a_broker_with_redis_needs_a_common_secret(
    settings: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings.BROKER_URL = "redis://h"
    settings.STATE_DIR = tmp_path
    settings.CHANNEL_LAYERS = {"default": {"BACKEND": "channels_redis.core.X"}}
    monkeypatch.delenv("VARPULIS_SECRET_KEY", raising=False)
    assert ids() == ["varpulis.E002"]
    (tmp_path / "secret.key").write_text("kept")
    assert ids() == []
