"""An application as somebody is writing it: the form's fields, which may be wrong yet, and what they ask for."""

from __future__ import annotations

import json
import zlib
from base64 import urlsafe_b64encode
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, replace
from hashlib import sha256

from cryptography.fernet import Fernet, InvalidToken
from werkzeug.datastructures import MultiDict

from appserver.core.deployment import DeployRequest
from appserver.core.entities import AppKey, ProjectFiles
from appserver.errors import Invalid
from appserver.store.names import check_app
from image_config.errors import ConfigError
from image_config.yaml_safe import load

FIRST_FILE = "compose.yaml"
_LONGEST_PATH = 300
_KEPT_S = 24 * 3600
"""How long a plan page can be applied."""


@dataclass(frozen=True, slots=True)
class Override:
    """One row of the form: an option of a service, its value as YAML text."""

    service: str
    option: str
    value: str


@dataclass(frozen=True, slots=True)
class Draft:
    """`files` maps path to text, the compose file first."""

    name: str = ""
    cluster: str = "default"
    files: Mapping[str, str] = field(default_factory=lambda: {FIRST_FILE: ""})
    compose_files: tuple[str, ...] = (FIRST_FILE,)
    env: str = ""
    profiles: tuple[str, ...] = ()
    overrides: tuple[Override, ...] = ()
    reason: str = ""
    source: str = "config"
    editing: bool = False

    @property
    def is_blank(self) -> bool:
        return not any(text.strip() for text in self.files.values())

    def request(self, token: str = "") -> DeployRequest:
        """
        Raises:
            Invalid: `where` is a field of the form, or `overrides.<service>.<option>`.
        """
        key = check_app(AppKey(self.cluster, self.name))
        project = ProjectFiles(self.name, self.files, self.compose_files, self.env, self.profiles)
        return DeployRequest(key, project, _values(self.overrides), self.reason, token, self.source)

    def with_file(self, path: str, text: str) -> Draft:
        """
        Raises:
            Invalid: not a path inside the project.
        """
        parts = path.split("/")
        if not path or len(path) > _LONGEST_PATH or "\\" in path or not path.isprintable():
            raise Invalid("new_path", "is a path such as db/init.sql")
        if any(part in ("", ".", "..") for part in parts):
            raise Invalid("new_path", "stays inside the project: no leading /, no . or ..")
        return replace(self, files={**self.files, path: text})


def from_form(form: MultiDict[str, str]) -> Draft:
    """What the browser sent; line ends are made `\\n`, which is what the files had."""
    files = {path: _text(form, f"text:{path}") for path in form.getlist("path")[:100]}
    columns = [form.getlist(f"override_{part}") for part in ("service", "option", "value")]
    rows = zip(*columns, strict=False)
    overrides = tuple(Override(*(cell.strip() for cell in row)) for row in rows if any(cell.strip() for cell in row))
    return Draft(
        name=form.get("name", "").strip(),
        cluster=form.get("cluster", "default").strip(),
        files=files or {FIRST_FILE: ""},
        compose_files=tuple(form.getlist("compose_files")) or (FIRST_FILE,),
        env=_text(form, "env"),
        profiles=tuple(form.get("profiles", "").split()),
        overrides=overrides,
        reason=form.get("reason", "").strip(),
        source=form.get("source", "config"),
        editing=bool(form.get("editing")),
    )


def from_request(wanted: DeployRequest) -> Draft:
    """The author's own files again, to change them."""
    rows = [
        Override(service, option, _shown(value))
        for service, values in wanted.overrides.items()
        for option, value in values.items()
    ]
    named = wanted.files.compose_files
    order = [*named, *(path for path in sorted(wanted.files.files) if path not in named)]
    return Draft(
        name=wanted.key.name,
        cluster=wanted.key.cluster,
        files={path: wanted.files.files[path] for path in order if path in wanted.files.files},
        compose_files=named,
        env=wanted.files.env_file,
        profiles=wanted.files.profiles,
        overrides=tuple(rows),
        source=wanted.source,
        editing=True,
    )


def carry(draft: Draft, key: bytes, user: str) -> str:
    """The draft as text that only this server can read, so that a plan's page holds no secret of a `.env`."""
    text = json.dumps([user, asdict(draft)], separators=(",", ":")).encode()
    return _fernet(key).encrypt(zlib.compress(text)).decode()


def carried(text: str, key: bytes, user: str) -> Draft:
    """
    Raises:
        Invalid: not what `carry` made for this user within the last day.
    """
    try:
        owner, fields = json.loads(zlib.decompress(_fernet(key).decrypt(text.encode(), ttl=_KEPT_S)))
    except (InvalidToken, ValueError) as error:
        raise Invalid("draft", "this plan is too old to be applied: plan again") from error
    if owner != user:
        raise Invalid("draft", "this plan is somebody else's: plan again")
    rows = tuple(Override(**row) for row in fields.pop("overrides"))
    named, profiles = tuple(fields.pop("compose_files")), tuple(fields.pop("profiles"))
    return Draft(**fields, compose_files=named, profiles=profiles, overrides=rows)


def _values(rows: tuple[Override, ...]) -> Mapping[str, Mapping[str, object]]:
    found: dict[str, dict[str, object]] = {}
    for row in rows:
        where = f"overrides.{row.service or '?'}.{row.option or '?'}"
        if not row.service or not row.option:
            raise Invalid(where, "an override names a service and an option")
        if row.option in found.get(row.service, {}):
            raise Invalid(where, "is given twice")
        try:
            value = load(row.value, where)
        except ConfigError as error:
            raise Invalid(where, error.reason) from error
        found.setdefault(row.service, {})[row.option] = value
    return found


def _shown(value: object) -> str:
    """Text that reads as the value does; a plain word stays a plain word."""
    return value if isinstance(value, str) and _reads_as_itself(value) else json.dumps(value, ensure_ascii=False)


def _reads_as_itself(text: str) -> bool:
    try:
        return load(text, "") == text
    except ConfigError:
        return False


def _text(form: MultiDict[str, str], name: str) -> str:
    return form.get(name, "").replace("\r\n", "\n")


def _fernet(key: bytes) -> Fernet:
    return Fernet(urlsafe_b64encode(sha256(b"draft " + key).digest()))
