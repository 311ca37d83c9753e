"""A `varpulis` process that this one starts, listens to and stops."""

import contextlib
import os
import signal
import subprocess
import sys
import threading
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from typing import IO

LineSink = Callable[[str, str], None]  # name of the process, line without its end

_KEPT_LINES = 40
_STOP_TIMEOUT_S = 10.0
# The console script, and on Linux a request to be stopped when the parent is gone
# (prctl PR_SET_PDEATHSIG): a killed parent leaves no children on their ports.
_LAUNCH = """
import ctypes, os, signal, sys
parent = int(sys.argv.pop(1))
if sys.platform == "linux":
    ctypes.CDLL(None).prctl(1, signal.SIGTERM)
    if os.getppid() != parent:
        sys.exit(1)
sys.argv[0] = "varpulis"
from varpulis_site.cli import main
sys.exit(main())
"""


class Child:
    """One process of its own session, so that Ctrl+C reaches it through us only.

    Its lines go to `on_line` from a thread of their own; the last ones are kept.
    """

    def __init__(
        self,
        name: str,
        arguments: Sequence[str],
        *,
        on_line: LineSink,
        environment: Mapping[str, str],
    ) -> None:
        self.name = name
        self._lines: deque[str] = deque(maxlen=_KEPT_LINES)
        self._on_line = on_line
        self._asked = False
        self._process = subprocess.Popen(  # noqa: S603 -- our own command, no shell
            [sys.executable, "-P", "-c", _LAUNCH, str(os.getpid()), *arguments],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            start_new_session=True,
            env={**environment, "PYTHONUNBUFFERED": "1"},
            text=True,
            encoding="utf-8",
            errors="replace",
        )
        self._reader = threading.Thread(target=self._relay, daemon=True)
        self._reader.start()

    @property
    def pid(self) -> int:
        """Process id."""
        return self._process.pid

    @property
    def alive(self) -> bool:
        """Whether the process still runs."""
        return self._process.poll() is None

    @property
    def exit_status(self) -> int | None:
        """Exit status, negative for a signal, None while it runs."""
        return self._process.poll()

    def last_lines(self, count: int = 8) -> list[str]:
        """Return the last lines it wrote."""
        return list(self._lines)[-count:]

    def ask_to_stop(self) -> None:
        """Send SIGTERM, once: a second one would cut the goodbye short."""
        if self.alive and not self._asked:
            self._asked = True
            self._process.send_signal(signal.SIGTERM)

    def stop(self, timeout_s: float = _STOP_TIMEOUT_S) -> None:
        """Stop it: SIGTERM, and SIGKILL if it does not end in time."""
        self.ask_to_stop()
        try:
            self._process.wait(timeout_s)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        self._reader.join(1.0)
        self._output.close()

    @property
    def _output(self) -> IO[str]:
        assert self._process.stdout is not None
        return self._process.stdout

    def _relay(self) -> None:
        # The pipe is closed under us when the process had to be killed.
        with contextlib.suppress(ValueError):
            for line in self._output:
                text = line.rstrip("\n")
                self._lines.append(text)
                self._on_line(self.name, text)
