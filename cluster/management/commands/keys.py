"""List, create, rotate and revoke API keys."""

from typing import Any

from django.core.management.base import BaseCommand, CommandParser

from cluster.management.coordinator_calls import (
    CallError,
    Json,
    add_client_options,
    coordinator_of,
    run_and_leave,
)
from cluster.management.coordinator_options import add_state_options
from cluster.management.key_store import (
    ApiKeyStore,
    DatabaseKeyStore,
    KeyStore,
    find_key,
)
from cluster.management.tables import print_json, print_table

ROLES = ("viewer", "operator", "admin", "worker")


class Command(BaseCommand):
    """`varpulis keys list|create|rotate|revoke`."""

    help = (
        "List, create, rotate and revoke API keys, in the database of the coordinator"
        " on this machine or, with --url, over its API."
    )
    requires_system_checks: list[str] = []

    def add_arguments(self, parser: CommandParser) -> None:
        """Declare one subcommand per action."""
        actions = parser.add_subparsers(dest="action", required=True, metavar="ACTION")
        listing = actions.add_parser("list", help="all keys, without their secrets")
        create = actions.add_parser("create", help="a new key; it is shown once")
        create.add_argument("name", metavar="NAME", help="what the key is for")
        create.add_argument("--role", choices=ROLES, required=True)
        create.add_argument("--expires", metavar="TIME", help="2027-03-01T00:00:00Z")
        rotate = actions.add_parser("rotate", help="a new secret for a key")
        rotate.add_argument(
            "--overlap",
            type=float,
            default=3600.0,
            metavar="SECONDS",
            help="how long the old secret stays good (3600)",
        )
        revoke = actions.add_parser("revoke", help="end a key at once")
        for one in (rotate, revoke):
            one.add_argument("key_name", metavar="KEY", help="name, prefix or id")
        for one in (listing, create, rotate, revoke):
            add_client_options(one)
            add_state_options(one)

    def handle(self, *_: Any, **options: Any) -> None:
        """Run it; exits 1 if refused, 2 on wrong usage, 3 without a connection."""
        run = {"list": _list, "create": _create, "rotate": _rotate, "revoke": _revoke}
        action = run[options["action"]]
        run_and_leave("keys", lambda: action(_store(options), options))


def _store(options: Json) -> KeyStore:
    if options["url"]:
        return ApiKeyStore(coordinator_of(options))
    return _database()


def _database() -> KeyStore:
    # Here, not above: with --url no database is looked at.
    from django.conf import settings
    from django.db import DatabaseError

    from cluster.models import ApiKey

    try:
        ApiKey.objects.exists()
    except DatabaseError as error:
        where = settings.DATABASES["default"]["HOST"] or settings.STATE_DIR
        raise CallError(
            f"no database of a coordinator at {where} ({error}); start the coordinator"
            " once, name its --state-dir, --port or --database, or use --url"
        ) from error
    return DatabaseKeyStore()


def _list(store: KeyStore, options: Json) -> None:
    keys = store.list()
    if options["json"]:
        print_json({"keys": keys, "total": len(keys)})
        return
    columns = ("NAME", "ROLE", "KEY", "STATUS", "EXPIRES", "LAST USED")
    names = ("name", "role", "prefix", "status", "expires_at", "last_used_at")
    print_table(columns, [[key[name] for name in names] for key in keys])


def _create(store: KeyStore, options: Json) -> None:
    made = store.create(options["name"], options["role"], options["expires"])
    _print_secret(made, options)


def _rotate(store: KeyStore, options: Json) -> None:
    key = find_key(store.list(), options["key_name"])
    _print_secret(store.rotate(key["id"], options["overlap"]), options)


def _revoke(store: KeyStore, options: Json) -> None:
    key = find_key(store.list(), options["key_name"])
    store.revoke(key["id"])
    if options["json"]:
        print_json({"revoked": True})
    else:
        print(f"key '{key['name']}' ({key['prefix']}) is revoked")


def _print_secret(made: Json, options: Json) -> None:
    """Print the secret alone on its line, so that a script can take it."""
    if options["json"]:
        print_json(made)
        return
    print(made["key"])
