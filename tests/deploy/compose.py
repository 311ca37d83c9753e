"""The Compose file as a test sees it: its services, and the same as local processes."""

import os
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import yaml

ROOT = Path(__file__).resolve().parents[2]
FILE = ROOT / "deploy" / "docker" / "docker-compose.cluster.yml"
VARPULIS = Path(sys.executable).with_name("varpulis")
VARIABLE = re.compile(r"\$\{(\w+)(?::-([^}]*))?\}")


def read() -> dict[str, Any]:
    """Return the file with anchors resolved and variables as they are written."""
    loaded: dict[str, Any] = yaml.safe_load(FILE.read_text(encoding="utf-8"))
    return loaded


def filled(text: str, values: dict[str, str]) -> str:
    """Return a text with its variables replaced, as Compose does."""
    return VARIABLE.sub(lambda found: values.get(found[1], found[2] or ""), text)


def defaults() -> dict[str, str]:
    """Return all variables of the file with their defaults."""
    return {
        found[1]: found[2] or ""
        for found in VARIABLE.finditer(FILE.read_text(encoding="utf-8"))
    }


def is_ours(service: dict[str, Any]) -> bool:
    """Tell whether a service runs `varpulis`."""
    return "varpulis" in service["image"]


class LocalService:
    """A service of the file as a process: same command, same environment.

    `places` maps `host:port` of the file to where that is on this machine; what is
    published stays, but for the port.
    """

    def __init__(
        self, name: str, places: dict[str, str], folder: Path, **more: str
    ) -> None:
        self.service = read()["services"][name]
        self._places = places
        own = {**self._environment(), "VARPULIS_STATE_DIR": str(folder / name), **more}
        kept = {k: v for k, v in os.environ.items() if not re.match("VARPULIS_", k)}
        self.log = folder / f"{name}.log"
        with self.log.open("wb") as log:
            self.process = subprocess.Popen(
                [str(VARPULIS), *self._command(name)],
                env={**kept, **own},
                stdout=log,
                stderr=subprocess.STDOUT,
                stdin=subprocess.DEVNULL,
                cwd=folder,
            )

    def _environment(self) -> dict[str, str]:
        return {
            name: self._placed(filled(str(value), {}))
            for name, value in self.service["environment"].items()
        }

    def _command(self, name: str) -> list[str]:
        words = [self._placed(str(word)) for word in self.service["command"]]
        port = words.index("--port") + 1
        words[port] = self._places[f"{name}:{words[port]}"].rpartition(":")[2]
        return words

    def _placed(self, text: str) -> str:
        for place, here in self._places.items():
            text = text.replace(place, here)
        return text

    def probe(self) -> int:
        """Run the health check of the file and return its exit code."""
        words = [str(word) for word in self.service["healthcheck"]["test"][1:]]
        name = next(
            place
            for place in self._places
            if f":{place.rpartition(':')[2]}/" in words[2]
        )
        port = self._places[name].rpartition(":")[2]
        words[2] = words[2].replace(f":{name.rpartition(':')[2]}/", f":{port}/")
        return subprocess.run(
            [sys.executable, *words[1:]], capture_output=True, check=False, timeout=30
        ).returncode

    def stop(self) -> int:
        """End it as Compose does, and return its exit code."""
        self.process.terminate()
        return self.process.wait(60)
