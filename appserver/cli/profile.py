"""Where a person's app server is and by which token they are known: `~/.config/moorage/profile.toml`, mode 0600."""

from __future__ import annotations

import json
import os
import stat
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path

from appserver.errors import Invalid, NotFound

FIELDS = ("server", "token", "ca")


@dataclass(frozen=True, slots=True)
class Profile:
    """`ca` is a PEM file, for a server whose certificate this machine does not trust by itself."""

    server: str
    token: str = field(default="", repr=False)
    ca: str = ""


def path(environ: Mapping[str, str]) -> Path:
    """The file, whether it is there or not."""
    if told := environ.get("MOORAGE_PROFILE"):
        return Path(told)
    home = environ.get("XDG_CONFIG_HOME") or Path(environ.get("HOME") or "~").expanduser() / ".config"
    return Path(home) / "moorage" / "profile.toml"


def load(environ: Mapping[str, str]) -> Profile:
    """The file, with `MOORAGE_SERVER`, `MOORAGE_TOKEN` and `MOORAGE_CA` before it.

    Raises:
        NotFound: neither says where the server is.
        Invalid: the file is not a profile, or others could read the token in it.
    """
    where = path(environ)
    found = read(where) if where.exists() else Profile("")
    told = {name: environ[variable] for name in FIELDS if environ.get(variable := f"MOORAGE_{name.upper()}")}
    if told.get("server", found.server) != found.server:
        found = Profile("")  # a token is never sent to another server than the one that gave it
    profile = replace(found, **told)
    if not profile.server:
        raise NotFound("no app server is known here: run `moorage login http://HOST:8080`")
    return profile


def read(where: Path) -> Profile:
    """
    Raises:
        Invalid: not a profile, or others could read the token in it.
    """
    try:
        mode = where.stat().st_mode
        if stat.S_IMODE(mode) & 0o077:
            raise Invalid(str(where), "others may read the token in it: run `chmod 600` on it")
        found = tomllib.loads(where.read_text(encoding="utf-8"))
    except OSError as error:
        raise Invalid(str(where), f"cannot be read: {error.strerror}") from error
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise Invalid(str(where), f"is not TOML: {error}; run `moorage login` again") from error
    for name, value in found.items():
        if name not in FIELDS or not isinstance(value, str):
            raise Invalid(f"{where}: {name}", f"a profile holds texts by the names {', '.join(FIELDS)}")
    return Profile(found.get("server", ""), found.get("token", ""), found.get("ca", ""))


def save(profile: Profile, where: Path) -> None:
    """Write it in one go, readable by its owner alone."""
    where.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    lines = [f"{name} = {json.dumps(value)}\n" for name in FIELDS if (value := getattr(profile, name))]
    fresh = where.with_name(f".{where.name}.{os.getpid()}")
    with os.fdopen(os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w", encoding="utf-8") as file:
        file.writelines(lines)
    fresh.replace(where)
