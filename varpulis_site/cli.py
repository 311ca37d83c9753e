"""The console script `varpulis`: every command, each under the settings it needs.

Commands of the engine run under light settings, because a worker has no database and
should start at once. All others are the coordinator's or Django's own. Exit codes:
0 done, 1 failed, 2 wrong usage or configuration, 3 cannot connect.
"""

import os
import sys
from collections.abc import Sequence
from contextlib import ExitStack
from importlib.util import find_spec
from pathlib import Path

from varpulis_site import env

# What only some commands need is imported by the functions that need it: a command of
# the language is done in less time than all of it takes to load.

ENGINE_COMMANDS = frozenset({
    "check", "explain", "format", "lsp", "parse", "run", "server", "simulate",
    "test",
})  # fmt: skip
# `check` is also the name of Django's check of the settings; these say which is meant.
DJANGO_CHECK_FLAGS = ("--deploy", "--tag", "--list-tags", "--fail-level", "--database")
FULL_SETTINGS = "varpulis_site.settings"
LIGHT_SETTINGS = "varpulis_site.settings_light"
# These work on the state of a coordinator, and those begin it.
STATE_COMMANDS = frozenset({"backup", "doctor", "keys", "restore"})
STATE_MAKERS = frozenset({"migrate", "restore"})
COMMAND_ROOMS = {
    "Cluster": "cluster.management",
    "Language and worker": "engine.management",
}
EXIT_USAGE = 2


def main(argv: Sequence[str] | None = None) -> None:
    """Run one command and leave with its exit code."""
    words = list(sys.argv if argv is None else argv)
    command = words[1] if len(words) > 1 else "help"
    if command in {"-V", "--version", "version"}:
        print(f"varpulis {_version()}")  # noqa: T201 - the answer itself
    elif words[1:] in ([], ["help"], ["-h"], ["--help"]):
        print(_overview())  # noqa: T201 - the answer itself
    else:
        sys.exit(_run(command, words))


def _version() -> str:
    from importlib.metadata import version

    return version("varpulis")


def _run(command: str, words: list[str]) -> int:
    """Run the command under its settings; configuration errors are one line."""
    if _is_engine_command(command, words):
        _run_engine_command(command, words)
        return 0
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", FULL_SETTINGS)
    with ExitStack() as until_end:
        try:
            if command == "coordinator":
                _prepare_coordinator(words[2:], until_end)
            elif command in STATE_COMMANDS:
                _write_options(words[2:], of_state=True)
            if command in STATE_MAKERS:
                _keep_secret(_own_folder())
            if not _is_known(command):
                return _unknown(command)
            _run_by_django(words)
        except env.InvalidSettingError as error:
            print(f"varpulis {command}: {error}", file=sys.stderr)  # noqa: T201 - for people
            return EXIT_USAGE
    return 0


def _is_engine_command(command: str, words: list[str]) -> bool:
    is_djangos = command == "check" and any(
        word.startswith(DJANGO_CHECK_FLAGS) for word in words
    )
    return command in ENGINE_COMMANDS and not is_djangos


def _run_engine_command(command: str, words: list[str]) -> None:
    """Run a command that has no use for Django's apps, models and templates.

    `django.setup` would load them all for the sake of a URL prefix.
    """
    os.environ["DJANGO_SETTINGS_MODULE"] = LIGHT_SETTINGS
    from django.core.management import load_command_class

    load_command_class("engine", command).run_from_argv(words)


def _run_by_django(words: list[str]) -> None:
    from django.core.management import execute_from_command_line

    execute_from_command_line(words)


def _prepare_coordinator(arguments: list[str], until_end: ExitStack) -> None:
    """Turn flags into variables and make what settings expect to find.

    Unknown flags are left for the command's own parser to refuse.
    """
    if not _write_options(arguments):
        return
    os.umask(0o077)  # folders 0700, files 0600
    if env.boolean("VARPULIS_EPHEMERAL"):
        import tempfile

        folder = tempfile.TemporaryDirectory(prefix="varpulis-")
        os.environ["VARPULIS_STATE_DIR"] = until_end.enter_context(folder)
    _keep_secret(_own_folder())


def _own_folder() -> Path:
    port = env.integer("VARPULIS_PORT", 9100, most=65535)
    return env.state_folder() / f"coordinator-{port}"


def _write_options(arguments: list[str], *, of_state: bool = False) -> bool:
    """Turn flags into variables; False if the command will only print its help."""
    if {"-h", "--help"} & set(arguments):
        return False
    import argparse

    from cluster.management import coordinator_options as known

    parser = argparse.ArgumentParser(add_help=False, exit_on_error=False)
    (known.add_state_options if of_state else known.add_options)(parser)
    try:
        given, _ = parser.parse_known_args(arguments)
    except argparse.ArgumentError:
        return False
    known.write_environment(given, os.environ)
    return True


def _keep_secret(folder: Path) -> None:
    if env.secret("VARPULIS_SECRET_KEY"):
        return
    from varpulis_site import secret_key

    try:
        secret_key.keep(folder)
    except OSError as error:
        raise env.InvalidSettingError(
            f"cannot keep state in {folder}: {error.strerror};"
            " choose another place with --state-dir"
        ) from error


def _is_known(command: str) -> bool:
    """Look for the module first: Django's own table costs its settings."""
    known = command == "help" or command in _command_files()
    return known or command in _django_commands()


def _django_commands() -> set[str]:
    """Load the apps first: without them Django knows only its core's commands."""
    import django
    from django.core.management import get_commands

    django.setup()
    return {*get_commands()}


def _unknown(command: str) -> int:
    import difflib

    names = sorted({*_command_files(), *_django_commands()})
    near = difflib.get_close_matches(command, names, n=1)
    hint = f"; did you mean {near[0]!r}?" if near else ""
    print(  # noqa: T201 - for people
        f"varpulis: unknown command {command!r}{hint} (`varpulis help` lists them)",
        file=sys.stderr,
    )
    return EXIT_USAGE


def _command_files(
    rooms: Sequence[str] = tuple(COMMAND_ROOMS.values()),
) -> dict[str, Path]:
    """Return the commands of our own, by name, without importing them."""
    found: dict[str, Path] = {}
    for room in rooms:
        spec = find_spec(room)
        for folder in (spec.submodule_search_locations or []) if spec else []:
            for path in sorted((Path(folder) / "commands").glob("[a-z]*.py")):
                found[path.stem] = path
    return found


def _overview() -> str:
    import ast

    lines = [
        "usage: varpulis COMMAND [options]   (varpulis COMMAND --help tells them)",
    ]
    for title, room in COMMAND_ROOMS.items():
        lines += ["", f"{title}:"]
        for name, path in _command_files((room,)).items():
            tree = ast.parse(path.read_text(encoding="utf-8"))
            meaning = (ast.get_docstring(tree) or "").split("\n")[0]
            lines.append(f"  {name:<14}{meaning}")
    lines += [
        "",
        "Django's own commands (migrate, createsuperuser, shell, ..) work too.",
    ]
    return "\n".join(lines)
