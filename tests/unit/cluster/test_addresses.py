"""Addresses the coordinator calls (api.md section 2)."""

import pytest

from cluster.addresses import check_worker_address, resolve_host
from cluster.exceptions import BadAddressError


def test_a_name_is_pinned_to_what_it_resolves_to() -> None:
    found = check_worker_address("http://depot:9000/", resolve=lambda _: "10.4.0.17")
    assert (found.url, found.pinned_host) == ("http://depot:9000", "10.4.0.17")
    assert not found.is_loopback


@pytest.mark.parametrize(
    "resolved", ["169.254.169.254", "0.0.0.0", "224.0.0.1", "fe80::1", "::"]
)
def test_a_name_that_leads_nowhere_good_is_refused(resolved: str) -> None:
    with pytest.raises(BadAddressError, match=r"leads to"):
        check_worker_address("http://innocent:80", resolve=lambda _: resolved)


@pytest.mark.parametrize(
    "address", ["http://127.0.0.1:1", "http://[::1]:1", "http://[::ffff:127.0.0.1]:1"]
)
def test_loopback_is_seen_in_every_form(address: str) -> None:
    assert check_worker_address(address).is_loopback


def test_networks_narrow_what_is_allowed() -> None:
    networks = ("10.4.0.0/16", "2001:db8::/32")
    inside = check_worker_address("https://10.4.1.2:9000", networks=networks)
    assert inside.pinned_host == "10.4.1.2"
    with pytest.raises(BadAddressError, match="VARPULIS_WORKER_NETWORKS"):
        check_worker_address("http://10.5.1.2:9000", networks=networks)


def test_a_name_that_does_not_resolve_is_a_bad_address() -> None:
    with pytest.raises(BadAddressError, match="cannot be resolved"):
        resolve_host("no-such-host.invalid")


def test_localhost_resolves_to_this_machine() -> None:
    assert check_worker_address("http://localhost:9000").is_loopback
