"""What client commands say about connections and options that do not work."""

import ssl
from pathlib import Path
from typing import Any

import pytest
import requests

from cluster.management.coordinator_calls import (
    CallError,
    coordinator_of,
    no_answer,
    run_and_leave,
)


def options(**given: Any) -> dict[str, Any]:
    usual = {"url": "https://127.0.0.1:9", "key": "k", "tls_ca_cert": "", "timeout": 1}
    return usual | given


@pytest.mark.parametrize("seconds", [0.0, -1.0, float("nan"), float("inf")])
def test_a_timeout_that_is_none_is_wrong_usage(seconds: float) -> None:
    with pytest.raises(CallError, match="--timeout must be") as caught:
        coordinator_of(options(timeout=seconds))
    assert caught.value.exit_code == 2


@pytest.mark.parametrize("text", [None, "no certificate"])
def test_a_ca_that_cannot_be_read_is_wrong_usage(
    tmp_path: Path, text: str | None
) -> None:
    path = tmp_path / "ca.pem"
    if text is not None:
        path.write_text(text)
    with pytest.raises(CallError, match="--tls-ca-cert: cannot use") as caught:
        coordinator_of(options(tls_ca_cert=str(path)))
    assert caught.value.exit_code == 2


def test_a_certificate_nobody_trusts_is_named_with_the_option_to_give() -> None:
    inner = ssl.SSLCertVerificationError(1, "failed")
    inner.verify_message = "self-signed certificate"
    outer = requests.exceptions.SSLError("wrapped")
    outer.__cause__ = inner
    error = no_answer("https://far", outer, "is it up?")
    assert error.exit_code == 3
    assert "self-signed certificate" in str(error)
    assert "--tls-ca-cert" in str(error)
    assert "is it up?" not in str(error)


def test_an_early_ctrl_c_is_one_line(capsys: pytest.CaptureFixture[str]) -> None:
    def interrupt() -> None:
        raise KeyboardInterrupt

    with pytest.raises(SystemExit) as caught:
        run_and_leave("groups", interrupt)
    assert caught.value.code == 130
    assert capsys.readouterr().err == "varpulis groups: interrupted\n"
