"""Runs the installed commands as a user would: as processes, on free ports."""

import os
import re
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
EXAMPLES = ROOT / "examples"
VARPULIS = Path(sys.executable).with_name("varpulis")
DEADLINE_S = 90.0


def environment(**more: str) -> dict[str, str]:
    """Return our environment without settings, and with the given ones."""
    kept = {
        name: value
        for name, value in os.environ.items()
        if not re.match("VARPULIS_|DJANGO_|RUST_LOG", name)
    }
    return {**kept, "VARPULIS": str(VARPULIS), "PYTHON": sys.executable, **more}


def finished(
    command: Sequence[str | Path], **more: str
) -> subprocess.CompletedProcess[str]:
    """Run a command to its end."""
    return subprocess.run(
        [str(word) for word in command],
        capture_output=True,
        text=True,
        env=environment(**more),
        timeout=DEADLINE_S,
        check=False,
    )


def ports_in_a_row(count: int) -> int:
    """Return the first of that many free ports that follow each other."""
    for _ in range(200):
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            first = probe.getsockname()[1]
        if first + count < 65_536 and all(map(_free, range(first, first + count))):
            return first
    raise AssertionError("no free ports in a row")


def _free(port: int) -> bool:
    with socket.socket() as probe:
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return False
        return True


class Running:
    """A command that runs on, and what it has printed so far."""

    def __init__(self, process: "subprocess.Popen[str]") -> None:
        self.process = process
        self.lines: list[str] = []
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()

    @property
    def text(self) -> str:
        """All it printed."""
        return "\n".join(self.lines)

    def wait_for(self, words: str) -> str:
        """Return the line with these words as soon as it is printed."""
        end = time.monotonic() + DEADLINE_S
        while time.monotonic() < end:
            found = [line for line in list(self.lines) if words in line]
            if found:
                return found[0]
            if self.process.poll() is not None:
                break
            time.sleep(0.05)
        raise AssertionError(f"{words!r} was not printed:\n{self.text[-3000:]}")

    def stop(self, number: int = signal.SIGINT) -> int:
        """Send a signal, wait, return the exit status."""
        self.process.send_signal(number)
        status = self.process.wait(DEADLINE_S)
        self._reader.join(DEADLINE_S)
        return status

    def _read(self) -> None:
        assert self.process.stdout is not None
        for line in self.process.stdout:
            self.lines.append(line.rstrip("\n"))


@contextmanager
def running(command: Sequence[str | Path], **more: str) -> Iterator[Running]:
    """Run a command while open; it is stopped at the end, whatever happened."""
    process = subprocess.Popen(
        [str(word) for word in command],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        env=environment(**more),
        start_new_session=True,
    )
    try:
        yield Running(process)
    finally:
        if process.poll() is None:
            process.terminate()
            try:
                process.wait(15)
            except subprocess.TimeoutExpired:
                os.killpg(process.pid, signal.SIGKILL)
                process.wait()
        assert process.stdout is not None
        process.stdout.close()


def until(condition: Callable[[], object], what: str) -> None:
    """Wait until the condition holds; fail after a while."""
    end = time.monotonic() + DEADLINE_S
    while not condition():
        assert time.monotonic() < end, f"never came: {what}"
        time.sleep(0.1)
