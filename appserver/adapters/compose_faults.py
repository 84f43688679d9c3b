"""Compose's own words about a project it refuses, made into `Invalid`: relative paths, a place, no secret."""

from __future__ import annotations

import re
from collections.abc import Sequence

from appserver.core import secrets
from appserver.core.entities import ProjectFiles
from appserver.errors import Invalid

_LONGEST = 1_500
_KEPT = "Docker Compose refuses it"
_LOG = re.compile(r'^time="[^"]*" level=(warning|info|debug) .*$', re.MULTILINE)
_NOT_HERE = r"\1 is not among the project's files"
_SHAPES: Sequence[tuple[re.Pattern[str], str, str]] = (
    (re.compile(r"(?:parsing|failed to parse) (\S+?): yaml: line (\d+): (.+)", re.DOTALL), r"\1:\2", r"\3"),
    (re.compile(r"validating (\S+?): (\S+?\.\S+) (.+)", re.DOTALL), r"\2", r"\3, in \1"),
    (re.compile(r"validating (\S+?): (.+)", re.DOTALL), r"\1", r"\2"),
    (re.compile(r"error while interpolating (\S+?): (.+)", re.DOTALL), r"\1", r"\2"),
    (re.compile(r"invalid interpolation format for (\S+?)\.?\n(.+)", re.DOTALL), r"\1", r"invalid interpolation: \2"),
    (re.compile(r"decoding failed .+?:\s+error decoding '(\w+)\[(.+?)\](\S*)': (.+)", re.DOTALL), r"\1.\2\3", r"\4"),
    (re.compile(r"env file (\S+) not found: .+", re.DOTALL), r"env_file", _NOT_HERE),
    (re.compile(r"(?:open|stat|lstat|read) (\S+): (?:no such file or|is a|not a) directory"), r"files", _NOT_HERE),
    (re.compile(r'service "([^"]+)" (.+)', re.DOTALL), r"services.\1", r"\2"),
)
_ONLY_FILE: Sequence[tuple[re.Pattern[str], str, str]] = (
    (re.compile(r"yaml: line (\d+): (.+)", re.DOTALL), r":\1", r"\2"),
    (re.compile(r"yaml: unmarshal errors:\s+line (\d+): (.+)", re.DOTALL), r":\1", r"\2"),
)


def invalid(said: str, root: str, top: str, files: ProjectFiles) -> Invalid:
    """
    Args:
        said: Compose's standard error.
        root: where the files stood while it read them; top: the directory of ours above it, "" for none.
    """
    text = _LOG.sub("", said).strip().removeprefix("Error: ").replace(f"{root}/", "").replace(root, ".")
    text = re.sub(re.escape(top) + r"(/d)*(?=/)", "..", text) if top else text
    text = _masked(re.sub(r"\n{2,}", "\n", text)[:_LONGEST], files) or "Compose refused it without a word"
    for shape, where, why in _SHAPES:
        if found := shape.fullmatch(text):
            return Invalid(found.expand(where), found.expand(why).strip(), _KEPT)
    for shape, where, why in _ONLY_FILE:
        if found := shape.fullmatch(text):
            return Invalid(files.compose_files[0] + found.expand(where), found.expand(why).strip(), _KEPT)
    return Invalid(files.compose_files[0], text, _KEPT)


def _masked(text: str, files: ProjectFiles) -> str:
    """Compose repeats what it could not read; where that came from a secret of `.env` it is hidden."""
    for line in files.env_file.splitlines():
        name, _, value = line.partition("=")
        value = value.strip().strip("\"'")
        if len(value) >= 4 and secrets.is_secret(name.strip().removeprefix("export "), value):
            text = text.replace(value, secrets.MASK)
    return text
