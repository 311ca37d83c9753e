"""Calls of the client commands to a coordinator, and the options they share (api.md 10)."""

import os
import ssl
import sys
from argparse import ArgumentParser
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NoReturn
from urllib.parse import quote, urlsplit
from uuid import UUID

import requests

DEFAULT_URL = "http://127.0.0.1:9100"
BASE = "/api/v1/cluster/"
CONNECT_TIMEOUT_S = 3.0
TIMEOUT_S = 60.0  # more than a deploy takes whose workers all hang
FAILURE, USAGE, UNREACHABLE = 1, 2, 3
INTERRUPTED = 130

Json = dict[str, Any]


class CallError(Exception):
    """A call that did not work; the text is for people, `exit_code` for scripts."""

    def __init__(self, text: str, exit_code: int = FAILURE) -> None:
        """Keep both."""
        super().__init__(text)
        self.exit_code = exit_code


@dataclass(frozen=True, slots=True)
class Coordinator:
    """Where the coordinator answers, and with what key it is called."""

    url: str
    key: str = field(default="", repr=False)
    ca_cert: str = ""
    timeout_s: float = TIMEOUT_S

    def call(
        self,
        method: str,
        path: str,
        *,
        body: Json | None = None,
        params: Mapping[str, str] | None = None,
    ) -> Json:
        """Return the answer to a call below the base path, or raise CallError."""
        return self.request(method, f"{BASE}{path}", body=body, params=params)

    def request(
        self,
        method: str,
        path: str,
        *,
        body: Json | None = None,
        params: Mapping[str, str] | None = None,
    ) -> Json:
        """Return the answer to a call of a path from the root, or raise CallError."""
        with requests.Session() as session:
            session.trust_env = False  # no proxy of the environment sees the key
            try:
                answer = session.request(
                    method,
                    f"{self.url}{path}",
                    json=body,
                    params=params,
                    headers={"X-API-Key": self.key} if self.key else {},
                    timeout=(CONNECT_TIMEOUT_S, self.timeout_s),
                    verify=self.ca_cert or True,
                    allow_redirects=False,
                )
            except (requests.RequestException, OSError) as error:
                why = "does a coordinator run there? (--url names another)"
                raise no_answer(self.url, error, why) from error
        found = decoded(answer)
        if not answer.ok:
            raise CallError(refusal(answer.status_code, found))
        return found


def no_answer(url: str, error: Exception, otherwise: str) -> CallError:
    """Return the error for a call that failed on the way.

    A certificate nobody trusts is named as such; all else ends with `otherwise`.
    """
    if isinstance(error, requests.exceptions.SSLError):
        found = _found_in(error)
        what = found.verify_message if found is not None else str(error)
        return CallError(
            f"the certificate of {url} is not trusted or not its own, or it speaks no "
            f"TLS ({what}); --tls-ca-cert or VARPULIS_TLS_CA_CERT names the CA to trust",
            UNREACHABLE,
        )
    return CallError(
        f"no answer from {url} ({type(error).__name__}); {otherwise}", UNREACHABLE
    )


def _found_in(error: BaseException) -> ssl.SSLCertVerificationError | None:
    """Return what TLS itself said; requests and urllib3 each wrap it."""
    inner = error.__cause__ or error.__context__
    reason = getattr(error.args[0], "reason", None) if error.args else None
    for cause in (inner, reason):
        if isinstance(cause, ssl.SSLCertVerificationError):
            return cause
        if isinstance(cause, BaseException) and (found := _found_in(cause)):
            return found
    return None


def group_path(selector: str) -> str:
    """Return the path of a group named by its id or its name."""
    try:
        return f"pipeline-groups/{UUID(selector)}"
    except ValueError:
        return f"pipeline-groups/by-name/{quote(selector, safe='')}"


def worker_path(worker_id: str) -> str:
    """Return the path of a worker."""
    return f"workers/{quote(worker_id, safe='')}"


def add_client_options(parser: ArgumentParser) -> None:
    """Give a parser the options that all client commands have."""
    add = parser.add_argument
    add("--url", help=f"of the coordinator ({DEFAULT_URL}) [VARPULIS_URL]")
    add("--key", help="API key; @FILE reads it from a file [VARPULIS_API_KEY]")
    add("--tls-ca-cert", help="CA to trust [VARPULIS_TLS_CA_CERT]")
    add("--timeout", type=float, metavar="SECONDS", default=TIMEOUT_S)
    add("--json", action="store_true", help="print the answer as it came")


def coordinator_of(options: Mapping[str, Any]) -> Coordinator:
    """Return whom the options and the environment name; CallError if they are bad."""
    environ = os.environ
    url = options["url"] or environ.get("VARPULIS_URL", "").strip() or DEFAULT_URL
    parts = urlsplit(url)
    if parts.scheme not in {"http", "https"} or not parts.hostname:
        raise CallError(f"--url must look like {DEFAULT_URL}, not '{url}'", USAGE)
    if not 0 < options["timeout"] < float("inf"):
        raise CallError("--timeout must be a number of seconds above 0", USAGE)
    ca_cert = options["tls_ca_cert"] or environ.get("VARPULIS_TLS_CA_CERT", "")
    if ca_cert and parts.scheme == "https":
        _check_ca(ca_cert)
    return Coordinator(
        url=url.rstrip("/"),
        key=_key(options["key"] or environ.get("VARPULIS_API_KEY", "").strip()),
        ca_cert=ca_cert,
        timeout_s=options["timeout"],
    )


def _check_ca(path: str) -> None:
    """Raise CallError unless `path` holds certificates (a folder: hashed ones)."""
    try:
        if not Path(path).is_dir():
            ssl.create_default_context(cafile=path)
    except OSError as error:  # SSLError too
        why = "it holds no PEM certificate"
        if not isinstance(error, ssl.SSLError):
            why = error.strerror or str(error)
        raise CallError(f"--tls-ca-cert: cannot use {path}: {why}", USAGE) from error


def run_and_leave(name: str, action: Callable[[], None]) -> None:
    """Run a command; an error is one line on standard error and an exit code."""
    try:
        action()
    except CallError as error:
        _leave(f"varpulis {name}: {error}", error.exit_code)
    except KeyboardInterrupt:
        _leave(f"varpulis {name}: interrupted", INTERRUPTED)
    except BrokenPipeError:  # whoever read the output has seen enough
        sys.stdout = None
        sys.exit(FAILURE)


def _leave(sentence: str, code: int) -> NoReturn:
    sys.stderr.write(sentence + "\n")
    raise SystemExit(code)


def _key(given: str) -> str:
    if not given.startswith("@"):
        return given
    try:
        lines = Path(given[1:]).expanduser().read_text(encoding="utf-8").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise CallError(f"--key: cannot read {given[1:]}: {error}", USAGE) from error
    return lines[0].strip() if lines else ""


def decoded(answer: requests.Response) -> Json:
    """Return the JSON object of an answer of any status, or raise CallError."""
    try:
        body = answer.json()
    except ValueError:
        body = None
    if not isinstance(body, dict):
        raise CallError(
            f"{answer.url} answered {answer.status_code} without JSON; "
            "is a coordinator there?"
        )
    return body


def refusal(status: int, body: Json) -> str:
    """Return why a call was refused, for people."""
    details = body.get("details") or {}
    findings = [*details.get("diagnostics", []), *details.get("errors", [])]
    lines = [f"{body.get('error', 'no reason given')} ({status} {body.get('code')})"]
    lines += [
        f"  {item.get('path', '')} {item.get('message', '')}" for item in findings
    ]
    return "\n".join(lines)
