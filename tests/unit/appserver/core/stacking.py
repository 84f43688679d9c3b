"""A project of one service, `web`, made a stack."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from appserver.core import stacks
from appserver.core.entities import Options

BASE: Mapping[str, Any] = {"name": "shop", "networks": {"default": {"name": "shop_default"}}}


def stack(
    web: Mapping[str, Any], said: Options | None = None, constraints: Sequence[str] = (), **parts: Any
) -> stacks.Stack:
    return stacks.stack({**BASE, **parts}, {"web": {"image": "img", **web}}, said or Options(), {"web": constraints})


def made(web: Mapping[str, Any], *args: Any, **parts: Any) -> Mapping[str, Any]:
    """The service, of which nothing was refused."""
    found = stack(web, *args, **parts)
    assert found.faults == ()
    return found.services["web"]


def deployed(web: Mapping[str, Any], *args: Any, **parts: Any) -> Any:
    return made(web, *args, **parts)["deploy"]
