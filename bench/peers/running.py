"""Runs peers on the events of a workload."""

import json
import subprocess
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import msgspec

from bench.agreement import agree_unordered
from bench.finding import Contender
from bench.peers.environment import ROOT, Environment
from bench.progress import step
from bench.result import WrongOutputError

TIMEOUT_S = 240.0


@dataclass(frozen=True)
class Peer:
    """Somebody to measure against.

    Attributes:
        module: in bench.peers, with `outputs(task, batches)`.
        package: as pip names it.
        has_outputs: False for one that only reads.
    """

    name: str
    module: str
    package: str
    has_outputs: bool = True
    note: str = ""


SIMDJSON = Peer(
    "simdjson, parsing only",
    "simdjson_scan",
    "pysimdjson",
    has_outputs=False,
    note="makes no Python objects: the floor of reading JSON line by line",
)
BYTEWAX = Peer(
    "bytewax",
    "bytewax_flow",
    "bytewax",
    note="one worker, payloads of 1000 lines decoded by msgspec; windows by fold_window, "
    "other state by stateful_flat_map",
)
CSP = Peer(
    "csp",
    "csp_graph",
    "csp",
    note="replay, payloads of 1000 lines decoded by msgspec and unrolled, a node with a "
    "dict of states",
)
PEERS = (SIMDJSON, BYTEWAX, CSP)


@dataclass(frozen=True)
class Match:
    """A task, its events, and the outputs that every peer must give, in any order."""

    task: str
    lines: Sequence[bytes]
    wanted: Sequence[dict[str, Any]]


def measured(
    matches: Sequence[Match], environment: Environment, repeats: int
) -> dict[str, list[Contender]]:
    """Return the events per second of each peer that is there, by task.

    WrongOutputError if outputs of one differ, or if one does not run.
    """
    found: dict[str, list[Contender]] = {match.task: [] for match in matches}
    with tempfile.TemporaryDirectory(prefix="varpulis-peers-") as folder:
        for match in matches:
            events = Path(folder) / f"{match.task}.ndjson"
            events.write_bytes(b"\n".join(match.lines) + b"\n")
        for peer in PEERS:
            if peer.package in environment.versions:
                step(peer.name)
                command = [str(environment.python), "-m", "bench.peers.child"]
                command += [peer.module, folder, str(repeats)]
                seconds = _run([*command, *found], peer)
                for match in matches:
                    _check(peer, match, Path(folder))
                    each = [len(match.lines) / s for s in seconds[match.task]]
                    found[match.task].append(
                        Contender(peer.name, tuple(each), peer.note)
                    )
    return found


def _check(peer: Peer, match: Match, folder: Path) -> None:
    if peer.has_outputs:
        written = (folder / f"{match.task}.out").read_bytes()
        outputs = msgspec.json.Decoder().decode_lines(written)
        agree_unordered(outputs, match.wanted, f"{peer.name}: {match.task}")


def _run(command: list[str], peer: Peer) -> dict[str, list[float]]:
    try:
        done = subprocess.run(
            command,
            capture_output=True,
            text=True,
            check=False,
            cwd=ROOT,
            timeout=TIMEOUT_S,
        )
    except subprocess.TimeoutExpired as exc:
        message = f"{peer.name} took more than {TIMEOUT_S:.0f} s"
        raise WrongOutputError(message) from exc
    if done.returncode:
        raise WrongOutputError(f"{peer.name}: {done.stderr[-400:]}")
    return dict(json.loads(done.stdout.splitlines()[-1]))
