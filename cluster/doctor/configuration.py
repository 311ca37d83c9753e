"""What settings alone tell: keys, TLS, hosts, state directory."""

import os
import shutil
import stat
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from urllib.parse import urlsplit

from cryptography import x509
from django.conf import settings
from django.core import checks

from cluster import conf
from cluster.checks import WELL_KNOWN_KEYS
from cluster.doctor.finding import Finding, advice, fine, must

SHORT_KEY = 20  # characters
SOON = timedelta(days=30)
LEAST_ROOM = 1024**3  # bytes free in the state directory
DEFAULT_PASSWORDS = frozenset({"varpulis", "admin", "postgres", "password", "changeme"})
WATCHED_PASSWORDS = ("GRAFANA_PASSWORD", "POSTGRES_PASSWORD", "VARPULIS_WORKER_KEY")


def examine_settings() -> Iterator[Finding]:
    """Repeat what the coordinator itself would refuse or warn of at its start."""
    found = checks.run_checks(tags=["varpulis", "cluster"])
    for message in found:
        judge = must if message.is_serious() else advice
        yield judge("settings", str(message.msg), message.hint or "correct the setting")
    if not found:
        yield fine("settings", "nothing is refused")


def examine_keys() -> Iterator[Finding]:
    """Look at the bootstrap key and the join tokens."""
    values = conf.current()
    judge = advice if values.is_bound_to_loopback else must
    if not values.api_key:
        yield judge(
            "api key",
            "none is set: who reaches the coordinator may do everything",
            "set VARPULIS_API_KEY to a random key",
        )
    elif values.api_key in WELL_KNOWN_KEYS:
        text = "VARPULIS_API_KEY is a value that everybody tries first"
        yield judge(
            "api key", text, "set it to a random key, such as openssl rand -hex 32"
        )
    elif len(values.api_key) < SHORT_KEY:
        text = f"VARPULIS_API_KEY has only {len(values.api_key)} characters"
        yield judge("api key", text, f"use {SHORT_KEY} or more random ones")
    else:
        yield fine("api key", "set")
    if not values.is_bound_to_loopback and not values.join_tokens:
        yield advice(
            "join token",
            "none is set: workers of other machines need a coordinator key to join",
            "set VARPULIS_JOIN_TOKEN here and at the workers",
        )


def examine_passwords() -> Iterator[Finding]:
    """Look for passwords that are still those of examples."""
    given = {name: os.environ.get(name, "") for name in WATCHED_PASSWORDS}
    given["VARPULIS_DATABASE_URL"] = urlsplit(settings.DATABASE_URL).password or ""
    known = DEFAULT_PASSWORDS | WELL_KNOWN_KEYS
    bad = [name for name, value in given.items() if value in known]
    judge = advice if conf.current().is_bound_to_loopback else must
    for name in bad:
        yield judge("passwords", f"{name} is that of an example", "choose another")
    if not bad:
        yield fine("passwords", "none is that of an example")


def examine_tls() -> Iterator[Finding]:
    """Look at certificates, or at their absence where others can listen."""
    values = conf.current()
    if values.tls_cert:
        yield from _examine_certificate(Path(values.tls_cert))
    elif values.is_bound_to_loopback or settings.PRODUCTION:
        where = "a proxy" if settings.PRODUCTION else "this machine"
        yield fine("tls", f"plain HTTP, to be reached through {where} only")
    else:
        text = f"keys cross the network in clear (bound to {values.bind})"
        yield must(
            "tls", text, "give --tls-cert and --tls-key, or put a TLS proxy before it"
        )


def _examine_certificate(path: Path) -> Iterator[Finding]:
    try:
        certificate = x509.load_pem_x509_certificate(path.read_bytes())
    except (OSError, ValueError) as error:
        yield must("tls", f"{path} cannot be read: {error}", "name a PEM certificate")
        return
    left = certificate.not_valid_after_utc - datetime.now(UTC)
    if left <= timedelta():
        yield must("tls", f"{path} has expired", "renew it and start again")
    elif left < SOON:
        yield advice("tls", f"{path} expires in {left.days} days", "renew it")
    else:
        yield fine("tls", f"good for {left.days} days")


def examine_hosts() -> Iterator[Finding]:
    """Look at the names under which the coordinator answers."""
    if "*" in settings.ALLOWED_HOSTS and not conf.current().is_bound_to_loopback:
        yield advice(
            "hosts",
            "the coordinator answers under any host name",
            "list its names in VARPULIS_ALLOWED_HOSTS",
        )
    else:
        yield fine("hosts", ", ".join(settings.ALLOWED_HOSTS))


def examine_state_dir() -> Iterator[Finding]:
    """Look at who may read the state, and whether there is room for more."""
    folder = Path(settings.STATE_DIR)
    if not folder.is_dir():
        text = f"{folder} is not there yet"
        yield advice("state", text, "start the coordinator once; it makes it")
        return
    if stat.S_IMODE(folder.stat().st_mode) & 0o077:
        yield must("state", f"others may look into {folder}", f"chmod 700 {folder}")
    elif not os.access(folder, os.W_OK):
        text = f"{folder} cannot be written to"
        yield must("state", text, "run as its owner, or name another --state-dir")
    else:
        yield fine("state", str(folder))
    free = shutil.disk_usage(folder).free
    if free < LEAST_ROOM:
        text = f"{free // 1024**2} MiB are left where {folder} is"
        yield must("disk", text, "make room: the database needs it")
