"""Read the fenced code blocks of a document and run them as a reader would.

Words after the language of a fence steer the run and are not shown to readers:
`background=NAME` starts a process that stays, `stop=NAME` interrupts it first, and
`eventually` on a JSON block repeats the command before it until the answer fits.
"""

import json
import os
import re
import shlex
import signal
import socket
import subprocess
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

FENCE = re.compile(r"^```(\w+)([^\n]*)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
TUTORIAL_PORTS = (9100, 9000, 9001, 9002, 9003)
PATIENCE_S = 30.0


@dataclass(frozen=True, slots=True)
class Block:
    """One fenced block: its language, steering words, text and line."""

    language: str
    options: dict[str, str]
    text: str
    line: int


def read_blocks(path: Path) -> list[Block]:
    """Return the fenced blocks of a Markdown file in order."""
    text = path.read_text(encoding="utf-8")
    return [
        Block(m[1], _options(m[2]), m[3], text.count("\n", 0, m.start()) + 1)
        for m in FENCE.finditer(text)
    ]


def _options(words: str) -> dict[str, str]:
    return dict(word.partition("=")[::2] for word in words.split())


def free_ports(count: int) -> list[int]:
    """Return ports that were free a moment ago."""
    sockets = [socket.socket() for _ in range(count)]
    try:
        for sock in sockets:
            sock.bind(("127.0.0.1", 0))
        return [sock.getsockname()[1] for sock in sockets]
    finally:
        for sock in sockets:
            sock.close()


def fits(expected: object, got: object) -> bool:
    """Tell whether `got` has all of `expected`; "..." stands for any value."""
    if expected == "...":
        return got is not None
    if isinstance(expected, dict):
        return isinstance(got, dict) and all(
            key in got and fits(value, got[key]) for key, value in expected.items()
        )
    if isinstance(expected, list):
        return (
            isinstance(got, list)
            and len(expected) == len(got)
            and all(map(fits, expected, got))
        )
    return type(expected) is type(got) and expected == got


def json_values(text: str) -> Iterator[object]:
    """Yield the JSON values of a text that holds one after the other."""
    decoder, position = json.JSONDecoder(), 0
    while position < len(text):
        value, position = decoder.raw_decode(text, position)
        yield value
        position += len(text[position:]) - len(text[position:].lstrip())


class Session:
    """Runs the blocks of one document in a directory of their own."""

    def __init__(self, directory: Path, commands: Path) -> None:
        self.directory = directory
        self.background: dict[str, subprocess.Popen[bytes]] = {}
        self.ports = dict(
            zip(TUTORIAL_PORTS, free_ports(len(TUTORIAL_PORTS)), strict=True)
        )
        self.environment = {
            name: value
            for name, value in os.environ.items()
            if not re.match("VARPULIS_|DJANGO_|(https?|all)_proxy", name, re.IGNORECASE)
        } | {
            "PATH": f"{commands}{os.pathsep}{os.environ['PATH']}",
            "HOME": str(directory),
            "VARPULIS_STATE_DIR": str(directory / "state"),
        }

    def run(self, blocks: list[Block]) -> None:
        """Run all blocks; AssertionError names the line that does not hold."""
        last: Block | None = None
        output, is_own = "", True
        for block in blocks:
            if block.language == "bash":
                last, output, is_own = block, self._bash(block), True
            elif block.language == "evt":
                is_own = False  # outputs of an example follow, not of a command
            elif block.language == "json" and is_own:
                assert last is not None, f"line {block.line}: nothing was run before"
                self._compare(block, last, output)

    def _bash(self, block: Block) -> str:
        if "stop" in block.options:
            self._stop(self.background.pop(block.options["stop"]))
        if "background" in block.options:
            self._start(block)
            return ""
        return self._foreground(block)

    def _script(self, block: Block) -> str:
        text = block.text
        for port, free in self.ports.items():
            text = re.sub(rf"(?<=[ :]){port}\b", str(free), text)
        return text

    def _foreground(self, block: Block) -> str:
        done = subprocess.run(
            ["bash", "-euo", "pipefail", "-c", self._script(block)],
            cwd=self.directory,
            env=self.environment,
            capture_output=True,
            text=True,
            timeout=120,
            check=False,
        )
        return (
            done.stdout
            if done.returncode == 0
            else f"exit {done.returncode}: {done.stderr}"
        )

    def _start(self, block: Block) -> None:
        name = block.options["background"]
        words = shlex.split(self._script(block).replace("\\\n", " "))
        log = (self.directory / f"{name}.log").open("ab")
        with log:
            self.background[name] = subprocess.Popen(
                words, cwd=self.directory, env=self.environment, stdout=log, stderr=log
            )

    def _compare(self, block: Block, command: Block, output: str) -> None:
        expected = list(json_values(block.text))
        deadline = time.monotonic() + PATIENCE_S
        while not self._holds(expected, output):
            patient = "eventually" in block.options and time.monotonic() < deadline
            assert patient, f"line {block.line}: expected {expected}, got {output}"
            time.sleep(0.3)
            output = self._foreground(command)

    def _holds(self, expected: list[object], output: str) -> bool:
        for port, free in self.ports.items():
            output = output.replace(f":{free}", f":{port}")
        try:
            got = list(json_values(output.strip()))
        except ValueError:
            return False
        return fits(expected, got)

    def _stop(self, process: subprocess.Popen[bytes]) -> None:
        process.send_signal(signal.SIGINT)
        assert process.wait(30) == 0, "a process did not end in order"

    def close(self) -> None:
        """Stop what still runs."""
        for process in self.background.values():
            process.terminate()
        for process in self.background.values():
            try:
                process.wait(15)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()
