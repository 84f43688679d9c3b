"""How the keys of sources of configuration are made: what each is, its state, its files, and what a forge delivered."""

from __future__ import annotations

import re

from appserver.errors import Invalid
from appserver.store.names import check_name


def source(name: str) -> str:
    return f"sources/{check_name(name, 'source')}"


def sourcestate(name: str) -> str:
    return f"sourcestate/{check_name(name, 'source')}"


def source_parts(name: str) -> str:
    return f"sourcefiles/{check_name(name, 'source')}/"


def source_part(name: str, commit: str, number: int) -> str:
    if not re.fullmatch(r"[0-9a-f]{40}", commit):
        raise Invalid("commit", "is not a commit's id")
    return f"{source_parts(name)}{commit}/{int(number):04d}"


def delivery(source_name: str, digest: str) -> str:
    if not re.fullmatch(r"[0-9a-f]{64}", digest):
        raise Invalid("delivery", "is not a digest")
    return f"deliveries/{check_name(source_name, 'source')}/{digest}"
