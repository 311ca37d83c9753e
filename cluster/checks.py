"""System checks: settings of the coordinator that cannot be meant."""

import ssl
from ipaddress import ip_network
from typing import Any

from django.core import checks
from django.core.checks import CheckMessage, Error, register

from cluster import conf
from cluster.placement import STRATEGIES
from cluster.worker_trust import trust_context

WELL_KNOWN_KEYS = frozenset({"admin", "test", "changeme"})


@register("cluster")
def check_timings(**_: Any) -> list[CheckMessage]:
    """Find timings under which healthy workers would look dead."""
    settings = conf.current()
    if settings.heartbeat_timeout > 2 * settings.heartbeat_interval:
        return []
    return [
        Error(
            "VARPULIS_HEARTBEAT_TIMEOUT is not even two heartbeat intervals",
            hint="three intervals let one heartbeat be lost",
            id="cluster.E001",
        )
    ]


@register("cluster")
def check_choices(**_: Any) -> list[CheckMessage]:
    """Find settings that name something unknown."""
    settings = conf.current()
    found: list[CheckMessage] = []
    if settings.placement not in STRATEGIES:
        hint = "known: " + ", ".join(STRATEGIES)
        text = f"VARPULIS_PLACEMENT '{settings.placement}' is unknown"
        found.append(Error(text, hint=hint, id="cluster.E002"))
    for network in settings.worker_networks:
        if not _is_network(network):
            text = f"VARPULIS_WORKER_NETWORKS: '{network}' is no network"
            found.append(Error(text, hint="for example 10.4.0.0/16", id="cluster.E003"))
    return found


@register("cluster")
def check_access(**_: Any) -> list[CheckMessage]:
    """Find keys that protect nothing on an address others can reach."""
    settings = conf.current()
    if settings.is_bound_to_loopback:
        return []
    if settings.is_auth_disabled and not settings.insecure:
        return [
            Error(
                f"no VARPULIS_API_KEY is set, but the coordinator binds {settings.bind}",
                hint="set a key, bind 127.0.0.1, or say --insecure",
                id="cluster.E004",
            )
        ]
    if settings.api_key in WELL_KNOWN_KEYS:
        return [
            checks.Warning(
                "VARPULIS_API_KEY is a well-known value on an address others can reach",
                hint="choose a random key",
                id="cluster.W001",
            )
        ]
    return []


@register("cluster")
def check_tls(**_: Any) -> list[CheckMessage]:
    """Find certificates that cannot be used."""
    settings = conf.current()
    if bool(settings.tls_cert) != bool(settings.tls_key):
        return [
            Error(
                "VARPULIS_TLS_CERT and VARPULIS_TLS_KEY must be given together",
                hint="--tls-cert and --tls-key name the two files",
                id="cluster.E005",
            )
        ]
    try:
        if settings.tls_cert:
            context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
            context.load_cert_chain(settings.tls_cert, settings.tls_key)
        trust_context()
    except OSError as error:  # ssl.SSLError is one
        text = f"TLS files cannot be used: {error}"
        hint = "--tls-cert, --tls-key and --tls-ca-cert are PEM files"
        return [Error(text, hint=hint, id="cluster.E006")]
    return []


def _is_network(text: str) -> bool:
    try:
        ip_network(text, strict=False)
    except ValueError:
        return False
    return True
