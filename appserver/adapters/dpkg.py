"""`ports.Packages` on dpkg's own query program; a host without it has no packages."""

from __future__ import annotations

import subprocess
from collections.abc import Mapping
from pathlib import Path

from appserver.errors import BackendError

_TIMEOUT_S = 30.0
_FORMAT = "${db:Status-Status}\t${Package}\t${Architecture}\t${Version}\n"


class Dpkg:
    """One process for a look, and none while the database has not been written."""

    def __init__(self, database: Path = Path("/var/lib/dpkg")) -> None:
        self._database = database

    def stamp(self) -> int:
        """See `ports.Packages`. Nanoseconds of the last write."""
        try:
            return (self._database / "status").stat().st_mtime_ns
        except OSError:
            return 0

    def installed(self) -> Mapping[str, str]:
        """See `ports.Packages`. Of a package installed for two architectures, the version of the first."""
        if not self.stamp():
            return {}
        argv = ("dpkg-query", f"--admindir={self._database}", "-W", "-f", _FORMAT)
        try:
            done = subprocess.run(argv, capture_output=True, text=True, timeout=_TIMEOUT_S, check=False)
        except (OSError, subprocess.TimeoutExpired) as error:
            raise BackendError(f"dpkg-query cannot be run: {error}") from error
        if done.returncode:
            raise BackendError(f"dpkg-query: {done.stderr.strip()[-500:]}")
        found: dict[str, str] = {}
        for line in done.stdout.splitlines():
            status, package, _, version = line.split("\t")
            if status == "installed":
                found.setdefault(package, version)
        return found
