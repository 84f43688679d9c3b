"""`ports.releases.Mirror` on apt of this host: which version of a package its sources would install."""

from __future__ import annotations

import re
import subprocess
from collections.abc import Mapping, Sequence

from appserver.errors import BackendError, Invalid

_TIMEOUT_S = 60.0
_PACKAGE = re.compile(r"[a-z0-9][a-z0-9+.-]{1,127}")
_LINE = re.compile(r"^ +Candidate: (\S+)$")


class AptMirror:
    """`options` are further ones of apt-cache, for a host whose sources are elsewhere than apt looks for them."""

    def __init__(self, options: Sequence[str] = ()) -> None:
        self._options = tuple(options)

    def newest(self, packages: Sequence[str]) -> Mapping[str, str]:
        """See `ports.releases.Mirror`.

        Raises:
            BackendError: apt is not there, or refuses.
        """
        for name in packages:
            if not _PACKAGE.fullmatch(name):
                raise Invalid("package", f"{name[:80]!r} is not a Debian package's name")
        if not packages:
            return {}
        argv = ("apt-cache", *self._options, "policy", "--", *packages)
        environment = {"PATH": "/usr/sbin:/usr/bin:/sbin:/bin", "LC_ALL": "C"}
        try:
            done = subprocess.run(
                argv, capture_output=True, text=True, timeout=_TIMEOUT_S, check=False, env=environment
            )
        except (OSError, subprocess.TimeoutExpired) as error:
            raise BackendError(f"apt-cache cannot be run: {error}") from error
        if done.returncode:
            raise BackendError(f"apt-cache: {done.stderr.strip()[-500:]}")
        return _read(done.stdout)


def _read(text: str) -> Mapping[str, str]:
    found: dict[str, str] = {}
    package = ""
    for line in text.splitlines():
        if line.endswith(":") and not line.startswith(" "):
            package = line[:-1]
        elif package and (candidate := _LINE.match(line)) and candidate[1] != "(none)":
            found[package] = candidate[1]
    return found
